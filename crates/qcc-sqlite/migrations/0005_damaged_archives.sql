-- Archives that were damaged are counted apart: what else failed before must not use
-- up the downloads that a damaged one may have.

ALTER TABLE orders ADD COLUMN damaged_count INTEGER NOT NULL DEFAULT 0;
