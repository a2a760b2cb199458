-- The roster, version 3: codes, which people without a card enter on a keypad, with a PIN.

CREATE TABLE code (
    pseudonym     BLOB PRIMARY KEY CHECK (length(pseudonym) = 16),  -- of the code, under the site's pepper
    cardholder    TEXT NOT NULL UNIQUE,
    salt          BLOB NOT NULL CHECK (length(salt) = 16),
    digest        BLOB NOT NULL CHECK (length(digest) = 32),   -- of the PIN and the pepper: model/code.py
    duress_digest BLOB CHECK (length(duress_digest) = 32)      -- of the PIN that says that somebody is being forced
) STRICT, WITHOUT ROWID;
