-- Requests that were carried out under an Idempotency-Key, each with its answer. Written in the
-- transaction of its effect, kept for a day.

CREATE TABLE idempotency (
    key        TEXT NOT NULL PRIMARY KEY,
    request    TEXT NOT NULL, -- method and path
    body_hash  BLOB NOT NULL, -- SHA-256
    status     INTEGER NOT NULL,
    answer     TEXT NOT NULL CHECK (json_valid(answer)),
    created_at TEXT NOT NULL
) STRICT;
CREATE INDEX idempotency_by_age ON idempotency (created_at);
