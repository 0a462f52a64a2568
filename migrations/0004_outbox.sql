-- What is on its way to the human. A row comes with its nudge, and goes as soon as the nudge is pending
-- no more: it arrived, was given up, was acknowledged, or is no longer true.
CREATE TABLE outbox (
    nudge_id        INTEGER PRIMARY KEY REFERENCES nudges (id) ON DELETE CASCADE,
    session_id      TEXT,
    message_id      TEXT NOT NULL UNIQUE, -- the same at every attempt: receivers tell repeats by it
    attempts        INTEGER NOT NULL DEFAULT 0,
    created_at      TEXT NOT NULL,
    next_attempt_at TEXT NOT NULL,
    last_error      TEXT
) STRICT;
CREATE INDEX outbox_by_due ON outbox (next_attempt_at);

CREATE TRIGGER outbox_row_is_void AFTER UPDATE OF state ON nudges WHEN NEW.state <> 'pending'
BEGIN
    DELETE FROM outbox WHERE nudge_id = NEW.id;
END;
