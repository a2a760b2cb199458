-- The send cursor, version 1. IF NOT EXISTS, because the first files have this table and no number.

CREATE TABLE IF NOT EXISTS cursor (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    epoch    TEXT    NOT NULL,  -- of the journal that it counts in
    seq      INTEGER NOT NULL,  -- the last event that the broker took over
    conn     INTEGER NOT NULL   -- connections counted
) STRICT;
