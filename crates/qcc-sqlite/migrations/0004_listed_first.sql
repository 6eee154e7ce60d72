-- The most urgent order is the first entry: no archive yet, named by a list, the
-- oldest. Anybody who knows the key may call and name orders, only the vendor lists.

DROP INDEX orders_open;
CREATE INDEX orders_open
    ON orders (archive_sha256 IS NOT NULL, listed_at IS NULL, ordered_at, order_no)
    WHERE state NOT IN ('applied', 'quarantined');
