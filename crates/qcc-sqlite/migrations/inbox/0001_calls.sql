-- The vendor's calls, until the ledger takes them over.
CREATE TABLE calls (
    order_no TEXT NOT NULL PRIMARY KEY,
    first_at TEXT NOT NULL,
    last_at  TEXT NOT NULL
);
