-- Whom an agent hears, what a review itself says, the merge queue, and whose a failure is.

ALTER TABLE projects ADD COLUMN trust TEXT NOT NULL DEFAULT '{}';
ALTER TABLE projects ADD COLUMN is_public INTEGER; -- NULL until a payload says so
ALTER TABLE projects ADD COLUMN visible_at TEXT;   -- repository.updated_at of that payload

ALTER TABLE pr_reviews ADD COLUMN body TEXT NOT NULL DEFAULT '';
ALTER TABLE pr_reviews ADD COLUMN association TEXT;
ALTER TABLE pr_reviews ADD COLUMN is_bot INTEGER NOT NULL DEFAULT 0;
ALTER TABLE comments ADD COLUMN association TEXT;
ALTER TABLE comments ADD COLUMN is_bot INTEGER NOT NULL DEFAULT 0;

-- Facts of the merge queue, by pull request whether or not that was seen itself.
CREATE TABLE queue_facts (
    repo_id INTEGER NOT NULL,
    number  INTEGER NOT NULL,
    at      TEXT NOT NULL,
    event   TEXT NOT NULL, -- JSON
    UNIQUE (repo_id, number, at, event)
) STRICT;

ALTER TABLE nudges ADD COLUMN class TEXT;

-- Lists of words that grow with each release are checked where rows are written.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema
    SET sql = replace(replace(sql, ' CHECK (kind IN
        (''ci-failed'', ''review-comments'', ''merge-conflicts'', ''agent-idle'', ''approved-and-green'',
         ''agent-stuck'', ''agent-needs-input'', ''agent-exited'', ''pr-closed'', ''pr-merged'', ''escalated''))', ''),
        ' CHECK (state IN
        (''pending'', ''held'', ''delivered'', ''acknowledged'', ''superseded'', ''failed''))', '')
    WHERE type = 'table' AND name = 'nudges';
UPDATE sqlite_schema
    SET sql = replace(sql, ' CHECK (kind IN
        (''ci_settle'', ''green_settle'', ''review_settle'', ''conflict_escalation'', ''cancel_wait''))', '')
    WHERE type = 'table' AND name = 'timers';
UPDATE sqlite_schema
    SET sql = replace(sql, ' CHECK (kind IN (''notify_human''))', '')
    WHERE type = 'table' AND name = 'tasks';
PRAGMA writable_schema = RESET;
