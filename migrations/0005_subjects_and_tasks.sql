-- Timers, nudges and remembered reactions belong to a pull request or a session; what is to be done outside
-- is a task. Checks of JSON that cost each delivery, and that SQLite before 3.41 takes for damage where the
-- column is NULL, go: rows are written by this program alone, and read strictly.

PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(replace(sql,
        ' CHECK (json_valid(output))', ''), ' CHECK (json_valid(failed_step))', '')
    WHERE type = 'table' AND name = 'check_runs';
UPDATE sqlite_schema SET sql = replace(sql, ' CHECK (json_valid(observation))', '')
    WHERE type = 'table' AND name = 'deliveries';
UPDATE sqlite_schema SET sql = replace(replace(sql,
        ' CHECK (json_valid(core_ties))', ''), ' CHECK (json_valid(memory))', '')
    WHERE type = 'table' AND name = 'pr';
PRAGMA writable_schema = RESET;

ALTER TABLE sessions ADD COLUMN memory TEXT NOT NULL DEFAULT '{}'; -- what was said about it

-- What a push to the base can void: nothing of a pull request that has ended.
DROP INDEX pr_by_base;
CREATE INDEX pr_by_base ON pr (repo_id, base_ref)
    WHERE mergeability <> 'unknown' AND pr_state IN ('draft', 'open');

DROP INDEX nudges_open;
CREATE INDEX nudges_open_of_pr ON nudges (pr_id) WHERE state IN ('pending', 'held');
CREATE INDEX nudges_open_of_session ON nudges (session_id)
    WHERE state IN ('pending', 'held') AND pr_id IS NULL;
CREATE INDEX nudges_open_to_agents ON nudges (project_id)
    WHERE state IN ('pending', 'held') AND audience = 'agent';

CREATE TABLE timers_5 (
    kind       TEXT NOT NULL CHECK (kind IN
        ('ci_settle', 'green_settle', 'review_settle', 'conflict_escalation')),
    pr_id      INTEGER REFERENCES pr (id) ON DELETE CASCADE,
    session_id TEXT REFERENCES sessions (id) ON DELETE CASCADE,
    due_at     TEXT NOT NULL,
    UNIQUE (pr_id, kind),
    UNIQUE (session_id, kind),
    CHECK ((pr_id IS NULL) <> (session_id IS NULL))
) STRICT;
INSERT INTO timers_5 (kind, pr_id, due_at) SELECT kind, pr_id, due_at FROM timers;
DROP TABLE timers;
ALTER TABLE timers_5 RENAME TO timers;
CREATE INDEX timers_by_due ON timers (due_at);

-- What is to be done outside. A row comes with the state that wants it, and goes when it is done, given up,
-- or no longer wanted.
CREATE TABLE tasks (
    id         INTEGER PRIMARY KEY,
    kind       TEXT NOT NULL CHECK (kind IN ('notify_human')),
    dedupe_key TEXT NOT NULL, -- what it is about, within its kind
    lane       TEXT,          -- of one kind and lane, one is performed at a time
    payload    TEXT NOT NULL, -- JSON
    attempts   INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    due_at     TEXT NOT NULL,
    last_error TEXT,
    UNIQUE (kind, dedupe_key)
) STRICT;
CREATE INDEX tasks_by_due ON tasks (kind, due_at);
INSERT INTO tasks (kind, dedupe_key, lane, payload, attempts, created_at, due_at, last_error)
    SELECT 'notify_human', nudge_id, session_id,
           json_object('notifyHuman', json_object('nudge', nudge_id, 'messageId', message_id)),
           attempts, created_at, next_attempt_at, last_error
    FROM outbox ORDER BY nudge_id;
DROP TRIGGER outbox_row_is_void;
DROP TABLE outbox;
