-- Each claim of an order raises its epoch, so that a worker that was taken for dead
-- changes nothing. What concerns the account as a whole is one value with a version.

ALTER TABLE orders ADD COLUMN lease_epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE facts ADD COLUMN account_version INTEGER NOT NULL DEFAULT 0;
