-- The archive of events, version 1. How versions follow each other: store/migration.py.
-- PostgreSQL gets the same text, with its own words for the types (postgresql.py).

CREATE TABLE chain (
    terminal    TEXT    NOT NULL,
    epoch       TEXT    NOT NULL,
    number      INTEGER NOT NULL,  -- which of the terminal's epochs, from 1 as they were first heard of
    seq         INTEGER NOT NULL,  -- the last event that follows all before it
    digest      TEXT    NOT NULL,  -- what the next one names as prev
    time        TEXT    NOT NULL,  -- of that last event, and likewise
    boot        TEXT    NOT NULL,
    mono_ms     INTEGER NOT NULL,
    top         INTEGER NOT NULL,  -- the highest number that is kept
    began       TEXT    NOT NULL,  -- the time of the first event that arrived
    arrived_s   INTEGER NOT NULL,  -- when the newest one did
    asked_s     INTEGER NOT NULL,  -- when the terminal was last asked for what is missing
    asks        INTEGER NOT NULL,  -- how often, since `seq` last moved
    PRIMARY KEY (terminal, epoch)
) STRICT;

-- Events of which something before is missing are here too; chain.seq says up to where all of it holds.
CREATE TABLE event (
    terminal    TEXT    NOT NULL,
    epoch       TEXT    NOT NULL,
    seq         INTEGER NOT NULL,
    digest      TEXT    NOT NULL,  -- SHA-256 of what its signature covers
    prev        TEXT    NOT NULL,
    event_type  TEXT    NOT NULL,
    time        TEXT    NOT NULL,
    boot        TEXT    NOT NULL,
    mono_ms     INTEGER NOT NULL,
    cardholder  TEXT    NOT NULL,  -- '' if it names nobody
    day         TEXT    NOT NULL,  -- '' if it has none
    arrived_s   INTEGER NOT NULL,
    body        BLOB    NOT NULL,  -- as it came
    PRIMARY KEY (terminal, epoch, seq)
) STRICT;

CREATE INDEX event_of_day ON event (day, cardholder) WHERE day <> '';

-- What arrived and is no event of a chain. Evidence if it is signed; of the rest so much is kept as there is room for.
CREATE TABLE quarantine (
    terminal    TEXT    NOT NULL,
    digest      TEXT    NOT NULL,  -- SHA-256 of what arrived
    reason      TEXT    NOT NULL,
    detail      TEXT    NOT NULL,
    signed      INTEGER NOT NULL,
    arrived_s   INTEGER NOT NULL,
    body        BLOB    NOT NULL,  -- cut at 64 KiB
    PRIMARY KEY (terminal, digest)
) STRICT;

-- One row however often it happens: the events themselves, and the quarantine, hold each case.
CREATE TABLE finding (
    terminal    TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    epoch       TEXT    NOT NULL,  -- '': of no epoch
    detail      TEXT    NOT NULL,  -- of the newest case
    count       INTEGER NOT NULL,  -- of cases since it was last settled
    raised_s    INTEGER NOT NULL,
    settled_s   INTEGER NOT NULL,  -- 0: open
    settled_by  TEXT    NOT NULL,
    PRIMARY KEY (terminal, kind, epoch)
) STRICT;

-- Of each hundred numbers the newest receipt: enough for a proof, and a store does not grow by a receipt for each event.
CREATE TABLE receipt (
    terminal    TEXT    NOT NULL,
    epoch       TEXT    NOT NULL,
    hundred     INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    body        BLOB    NOT NULL,
    PRIMARY KEY (terminal, epoch, hundred)
) STRICT;

-- How far a revoked key still counts.
CREATE TABLE revocation (
    terminal    TEXT    NOT NULL,
    keyid       TEXT    NOT NULL,
    epoch       TEXT    NOT NULL,  -- '': the key is revoked, whatever epochs there are
    seq         INTEGER NOT NULL,
    PRIMARY KEY (terminal, keyid, epoch)
) STRICT;

-- Numbers that a person gave up, because nothing will ever fill them.
CREATE TABLE given_up (
    terminal    TEXT    NOT NULL,
    epoch       TEXT    NOT NULL,
    first_seq   INTEGER NOT NULL,
    last_seq    INTEGER NOT NULL,
    who         TEXT    NOT NULL,
    at_s        INTEGER NOT NULL,
    PRIMARY KEY (terminal, epoch, first_seq)
) STRICT;

PRAGMA application_id = 0x4B5A5343;  -- "KZSC"
