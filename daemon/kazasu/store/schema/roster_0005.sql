-- The roster, version 5: which layer of the site's pepper its pseudonyms are under (model/pepper.py).

ALTER TABLE roster ADD COLUMN pepper TEXT;  -- what the layer is called, 16 hexadecimal digits; NULL: the first one
