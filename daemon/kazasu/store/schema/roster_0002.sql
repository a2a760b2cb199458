-- The roster, version 2: what each person may do at doors, and since when the site vouches for it all.

ALTER TABLE cardholder ADD COLUMN levels TEXT NOT NULL DEFAULT '';  -- names of access levels, sorted, a space between two
ALTER TABLE roster ADD COLUMN made_s INTEGER;  -- when it was imported whole, Unix time; NULL: nobody knows
