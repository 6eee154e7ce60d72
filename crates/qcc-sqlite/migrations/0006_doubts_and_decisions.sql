-- What only calls named, what a person decided, how fast orders come, and whether a
-- receiver is alive.

ALTER TABLE orders ADD COLUMN added_at TEXT;
ALTER TABLE orders ADD COLUMN accepted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN dismissed_at TEXT;
ALTER TABLE orders ADD COLUMN dismissed_note TEXT;
-- Anybody who knows the account's key can call and name orders.
ALTER TABLE orders ADD COLUMN confirmed INTEGER GENERATED ALWAYS AS (
    listed_at IS NOT NULL OR added_at IS NOT NULL OR unzip_password IS NOT NULL
    OR archive_sha256 IS NOT NULL OR applied_at IS NOT NULL
) VIRTUAL;

-- Of those of a kind, the first entry that is due is the most urgent: one that has not
-- failed, then the oldest.
DROP INDEX orders_open;
CREATE INDEX orders_open
    ON orders (archive_sha256 IS NOT NULL, confirmed, attempts > 0, ordered_at, order_no)
    WHERE state NOT IN ('applied', 'quarantined');
-- Each that only calls named gets its turn, however many there are.
CREATE INDEX orders_unconfirmed ON orders (attempts, ordered_at, order_no)
    WHERE confirmed = 0 AND state IN ('seen', 'waiting');
CREATE INDEX orders_dismissed ON orders (dismissed_at) WHERE dismissed_at IS NOT NULL;
CREATE INDEX orders_by_archive ON orders (archive_sha256) WHERE archive_sha256 IS NOT NULL;

ALTER TABLE quarantined_records ADD COLUMN acknowledged_at TEXT;

ALTER TABLE gaps ADD COLUMN note TEXT;

ALTER TABLE facts ADD COLUMN listing_unreadable INTEGER NOT NULL DEFAULT 0;
ALTER TABLE facts ADD COLUMN burst_orders INTEGER;
ALTER TABLE facts ADD COLUMN burst_millis INTEGER;
ALTER TABLE facts ADD COLUMN burst_at TEXT;
ALTER TABLE facts ADD COLUMN unreadable_open INTEGER NOT NULL DEFAULT 0;
ALTER TABLE facts ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0;
ALTER TABLE facts ADD COLUMN alive_at TEXT;
ALTER TABLE facts ADD COLUMN alive_worker TEXT;
ALTER TABLE facts ADD COLUMN alive_stopped INTEGER NOT NULL DEFAULT 0;
ALTER TABLE facts ADD COLUMN alive_trouble TEXT;
