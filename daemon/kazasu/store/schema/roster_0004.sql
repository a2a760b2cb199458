-- The roster, version 4: one that the site signed, what it revoked, and the rules that it brought.

ALTER TABLE roster ADD COLUMN sha256 TEXT;     -- of the text of the site's roster that this is; NULL: it was made at this terminal
ALTER TABLE roster ADD COLUMN manifest TEXT;   -- SHA-256 of the manifest that it came with, whose version `version` is then
ALTER TABLE roster ADD COLUMN expires_s INTEGER;  -- until when the site counts it as fresh, Unix time

CREATE TABLE revoked (
    pseudonym BLOB PRIMARY KEY CHECK (length(pseudonym) = 16)  -- worth nothing, whatever stands in `credential`
) STRICT, WITHOUT ROWID;

CREATE TABLE rules (
    line INTEGER PRIMARY KEY,  -- of levels.toml, from 1; none: the configuration's own rules count
    text TEXT NOT NULL
) STRICT;
