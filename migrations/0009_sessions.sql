-- Sessions that are started here: what is being done to them, which start of the agent is theirs; why nudges wait
-- and when they were handed over; what projects have spent of their budget of nudges.

ALTER TABLE sessions ADD COLUMN transcript_path TEXT;
ALTER TABLE sessions ADD COLUMN launch_id TEXT;      -- the last start of its agent
ALTER TABLE sessions ADD COLUMN operation TEXT;      -- what is being done to it outside
ALTER TABLE sessions ADD COLUMN operation_since TEXT;
ALTER TABLE sessions ADD COLUMN failure TEXT;        -- why the last thing that was done to it failed
CREATE INDEX sessions_by_launch ON sessions (launch_id) WHERE launch_id IS NOT NULL;
-- Those that something is being done to, or that may have to be looked at.
CREATE INDEX sessions_at_work ON sessions (session_state)
    WHERE operation IS NOT NULL
       OR (runtime_handle_id IS NOT NULL AND session_state NOT IN ('done', 'terminated'));

ALTER TABLE nudges ADD COLUMN held_because TEXT;
ALTER TABLE nudges ADD COLUMN is_budgeted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE nudges ADD COLUMN handed_at TEXT;
-- What was let out before there were budgets has had its share.
UPDATE nudges SET is_budgeted = 1 WHERE audience = 'agent' AND state = 'pending';

CREATE TABLE nudge_budgets (
    project_id  TEXT PRIMARY KEY REFERENCES projects (id),
    burst       INTEGER NOT NULL,
    per_minute  INTEGER NOT NULL,
    spent_until TEXT NOT NULL, -- when all will have been earned again
    told        INTEGER        -- the nudge that told the human of it
) STRICT;
