-- The roster, version 1. Built beside and moved into place (store/roster_import.py), or made empty by the first enrolment.
-- How versions follow each other: store/migration.py.

CREATE TABLE roster (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    version  INTEGER NOT NULL  -- rises with each change
) STRICT;

CREATE TABLE cardholder (
    number TEXT PRIMARY KEY,  -- the site's own; never the My Number
    name   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE credential (
    pseudonym     BLOB PRIMARY KEY CHECK (length(pseudonym) = 16),
    cardholder    TEXT    NOT NULL,
    min_assurance INTEGER NOT NULL CHECK (min_assurance BETWEEN 1 AND 4),
    valid_from_s  INTEGER,  -- first second of validity
    valid_until_s INTEGER   -- first second after it
) STRICT, WITHOUT ROWID;

PRAGMA application_id = 0x4B5A5352;  -- "KZSR"
