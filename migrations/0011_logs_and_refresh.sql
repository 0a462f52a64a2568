-- What GitHub's API adds: the logs of failed checks, what it was asked about a pull request, and whether
-- failures that may be nobody's are run again.

CREATE TABLE check_logs (
    commit_id INTEGER NOT NULL REFERENCES commits (id) ON DELETE CASCADE,
    run_id    INTEGER NOT NULL,
    state     TEXT NOT NULL, -- JSON: asked, why there is none, or the excerpt with its class
    blame     TEXT NOT NULL, -- JSON: what else speaks for or against the change
    UNIQUE (commit_id, run_id)
) STRICT;

ALTER TABLE pr ADD COLUMN core_read_at TEXT;  -- when GitHub was asked for what the row shows
ALTER TABLE pr ADD COLUMN review_answer TEXT; -- JSON: what reviews amount to, by GitHub's own word

ALTER TABLE projects ADD COLUMN rerun TEXT NOT NULL DEFAULT 'never';

ALTER TABLE nudges ADD COLUMN evidence TEXT; -- what shows whose the failure is
