-- Instants are UTC, yyyy-MM-ddTHH:mm:ss.SSSZ; the vendor's times are Shanghai's,
-- yyyy-MM-dd HH:mm:ss. Both sort as text. docs/schema.md explains every column.

CREATE TABLE risk_records (
    id              TEXT NOT NULL PRIMARY KEY,
    corp_key_no     TEXT,
    corp_name       TEXT,
    monitor_content TEXT,
    monitor_level   TEXT,
    monitor_type    TEXT,
    score           INTEGER,
    change_date     TEXT,
    push_date       TEXT NOT NULL,
    order_no        TEXT NOT NULL,
    position        INTEGER NOT NULL,
    extra           TEXT
);

-- For "what is new since". Later archives have greater values, so new entries go
-- to the right edge: a tenth of the insert speed, where an index on a random value
-- such as corp_key_no costs half of it.
CREATE INDEX risk_records_by_push_date ON risk_records (push_date);

CREATE TABLE orders (
    order_no          TEXT NOT NULL PRIMARY KEY,
    state             TEXT NOT NULL CHECK (
        state IN ('seen', 'located', 'fetched', 'applied', 'waiting', 'quarantined')
    ),
    created_at        TEXT,
    first_seen_at     TEXT NOT NULL,
    seen_by           TEXT NOT NULL,
    listed_at         TEXT,
    called_at         TEXT,
    attempts          INTEGER NOT NULL DEFAULT 0,
    failing_since     TEXT,
    not_before        TEXT,
    reason            TEXT,
    reason_detail     TEXT,
    unzip_password    TEXT,
    archive_sha256    TEXT,
    archive_size      INTEGER,
    applied_at        TEXT,
    push_date         TEXT,
    total_size        INTEGER,
    applied_count     INTEGER,
    superseded_count  INTEGER,
    quarantined_count INTEGER,
    lease_owner       TEXT,
    lease_until       TEXT,
    ordered_at        TEXT NOT NULL
);

-- The most urgent order is the first entry: no archive yet, then the oldest.
CREATE INDEX orders_open ON orders (archive_sha256 IS NOT NULL, ordered_at, order_no)
    WHERE state NOT IN ('applied', 'quarantined');
CREATE INDEX orders_by_age ON orders (ordered_at, order_no);
CREATE INDEX orders_by_state ON orders (state);

CREATE TABLE quarantined_records (
    order_no TEXT NOT NULL REFERENCES orders (order_no),
    position INTEGER NOT NULL,
    code     TEXT NOT NULL,
    detail   TEXT NOT NULL,
    raw      BLOB NOT NULL,
    PRIMARY KEY (order_no, position)
);

CREATE TABLE unknown_words (
    order_no TEXT NOT NULL REFERENCES orders (order_no),
    field    TEXT NOT NULL,
    word     TEXT NOT NULL,
    count    INTEGER NOT NULL,
    PRIMARY KEY (order_no, field, word)
);

CREATE TABLE gaps (
    id                INTEGER PRIMARY KEY,
    found_at          TEXT NOT NULL,
    after_order_no    TEXT NOT NULL,
    after_created_at  TEXT,
    before_order_no   TEXT NOT NULL,
    before_created_at TEXT,
    closed_at         TEXT,
    UNIQUE (after_order_no, before_order_no)
);

-- One row: what concerns the store as a whole.
CREATE TABLE facts (
    only            INTEGER PRIMARY KEY CHECK (only = 1),
    records         INTEGER NOT NULL DEFAULT 0,
    last_call_at    TEXT,
    last_applied_at TEXT,
    listing_at      TEXT,
    listing_window  INTEGER,
    listing_listed  INTEGER,
    listing_fresh   INTEGER,
    listing_oldest  TEXT,
    listing_newest  TEXT,
    hold_since      TEXT,
    hold_until      TEXT,
    hold_reason     TEXT,
    hold_detail     TEXT
);
INSERT INTO facts (only) VALUES (1);

-- Keeps the count true where somebody prunes the table by hand.
CREATE TRIGGER risk_records_pruned AFTER DELETE ON risk_records
BEGIN
    UPDATE facts SET records = records - 1;
END;
