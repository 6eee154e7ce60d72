-- What became of the records of an order that stood when it was applied. NULL where an
-- older version of the program applied it.

ALTER TABLE orders ADD COLUMN new_count INTEGER;
ALTER TABLE orders ADD COLUMN updated_count INTEGER;
ALTER TABLE orders ADD COLUMN unchanged_count INTEGER;
