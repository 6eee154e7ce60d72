-- What the vendor was told with the secret path, how often in vain, and our own
-- errors in a row, after five of which it calls no more.

ALTER TABLE facts ADD COLUMN path_told_url TEXT;
ALTER TABLE facts ADD COLUMN path_told_window INTEGER;
ALTER TABLE facts ADD COLUMN path_tries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE facts ADD COLUMN path_tried_at TEXT;
ALTER TABLE facts ADD COLUMN errors_in_a_row INTEGER NOT NULL DEFAULT 0;
ALTER TABLE facts ADD COLUMN errors_last_at TEXT;
