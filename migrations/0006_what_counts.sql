-- What counts of checks, answers and names: attempts, jobs that never ran, contexts without case, answers that
-- end with a draft, what an opening shows, and names that repositories had before.

ALTER TABLE check_runs ADD COLUMN attempt INTEGER;
ALTER TABLE check_runs ADD COLUMN never_ran INTEGER NOT NULL DEFAULT 0 CHECK (never_ran IN (0, 1));

CREATE TABLE commit_statuses_6 (
    commit_id   INTEGER NOT NULL REFERENCES commits (id) ON DELETE CASCADE,
    context     TEXT NOT NULL COLLATE NOCASE,
    status_id   INTEGER NOT NULL,
    state       TEXT NOT NULL,
    description TEXT,
    url         TEXT NOT NULL,
    created_at  TEXT NOT NULL,
    updated_at  TEXT NOT NULL,
    UNIQUE (commit_id, context)
) STRICT;
-- Of contexts that differ in case only, the newest.
INSERT OR REPLACE INTO commit_statuses_6
    SELECT commit_id, context, status_id, state, description, url, created_at, updated_at
    FROM commit_statuses ORDER BY updated_at, status_id;
DROP TABLE commit_statuses;
ALTER TABLE commit_statuses_6 RENAME TO commit_statuses;

ALTER TABLE pr_mergeability ADD COLUMN of_draft INTEGER NOT NULL DEFAULT 0 CHECK (of_draft IN (0, 1));
ALTER TABLE pr ADD COLUMN core_first INTEGER NOT NULL DEFAULT 0 CHECK (core_first IN (0, 1));
CREATE INDEX pr_open ON pr (project_id) WHERE pr_state IN ('draft', 'open');
ALTER TABLE projects ADD COLUMN former_names TEXT NOT NULL DEFAULT '[]';

PRAGMA writable_schema = ON;
UPDATE sqlite_schema
    SET sql = replace(sql, '''conflict_escalation'')', '''conflict_escalation'', ''cancel_wait'')')
    WHERE type = 'table' AND name = 'timers';
PRAGMA writable_schema = RESET;
