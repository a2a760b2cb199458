-- The journal, version 1. How versions follow each other: store/migration.py.

-- One row: whose chain this is, and where it begins after pruning.
CREATE TABLE journal (
    only_row       INTEGER PRIMARY KEY CHECK (only_row = 1),
    epoch          TEXT    NOT NULL,  -- 16 hexadecimal digits, random
    site           TEXT    NOT NULL,
    terminal       TEXT    NOT NULL,
    keyid          TEXT    NOT NULL,  -- the one key that signs this epoch
    pruned_seq     INTEGER NOT NULL,  -- the last event removed; 0 if none was
    pruned_digest  TEXT    NOT NULL,  -- what the first event that is left names as prev
    checkpoint_seq INTEGER NOT NULL,  -- every event up to here reached the main file
    checkpoints    INTEGER NOT NULL   -- counted, so that noting one always changes a page
) STRICT;

-- No index on at_s: it would cost a second page in every tap's commit, and nothing that reads by age needs it,
-- because age is looked for from either end of seq.
CREATE TABLE event (
    seq  INTEGER PRIMARY KEY,
    at_s INTEGER NOT NULL,  -- Unix time of the event's `time`
    body BLOB    NOT NULL   -- canonical JSON, `sig` included
) STRICT;

PRAGMA application_id = 0x4B5A534A;  -- "KZSJ"
