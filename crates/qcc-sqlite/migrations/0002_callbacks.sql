-- Whether the vendor calls, what was done about it, and where it may call.

ALTER TABLE facts ADD COLUMN calls_expected_since TEXT;
ALTER TABLE facts ADD COLUMN activation_tried_at TEXT;
ALTER TABLE facts ADD COLUMN activation_tries INTEGER;
ALTER TABLE facts ADD COLUMN activation_agreed_at TEXT;
ALTER TABLE facts ADD COLUMN path_current TEXT;
ALTER TABLE facts ADD COLUMN path_previous TEXT;
ALTER TABLE facts ADD COLUMN path_made_at TEXT;
ALTER TABLE facts ADD COLUMN path_confirmed_at TEXT;

-- The newest order that came by call, and those that did not since, are at the
-- right edge of these.
CREATE INDEX orders_called ON orders (ordered_at)
    WHERE listed_at IS NOT NULL AND called_at IS NOT NULL;
CREATE INDEX orders_uncalled ON orders (ordered_at)
    WHERE listed_at IS NOT NULL AND called_at IS NULL;
