-- What the vendor was told with the secret path, and how often in vain.

ALTER TABLE facts ADD COLUMN path_told_url TEXT;
ALTER TABLE facts ADD COLUMN path_told_window INTEGER;
ALTER TABLE facts ADD COLUMN path_tries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE facts ADD COLUMN path_tried_at TEXT;
