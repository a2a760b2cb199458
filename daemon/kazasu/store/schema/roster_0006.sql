-- The roster, version 6: the cards of the site's pool, and to whom the site lends them.

CREATE TABLE day_card (
    number     TEXT PRIMARY KEY,  -- of the card, as in `cardholder`: a card of the pool stands there as a person does
    cardholder TEXT,              -- whose it is; NULL: nobody's
    until_s    INTEGER,           -- the first second in which it is nobody's again, Unix time
    CHECK ((cardholder IS NULL) = (until_s IS NULL))
) STRICT, WITHOUT ROWID;
