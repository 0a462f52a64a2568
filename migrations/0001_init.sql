-- Facts (what payloads said), rows derived from them, what was said about them, and the log of changes.
-- All times are RFC 3339 UTC with milliseconds, so that they sort as text.

CREATE TABLE meta (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    epoch      TEXT NOT NULL, -- changes when the database is restored from a copy; part of every cursor
    created_at TEXT NOT NULL
) STRICT;

-- Who causes the changes of the running transaction, and when: triggers cannot read temporary tables.
CREATE TABLE cause (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    cause TEXT NOT NULL,
    at    TEXT NOT NULL
) STRICT;
INSERT INTO cause VALUES (1, '', '');

CREATE TABLE projects (
    id              TEXT PRIMARY KEY,
    repo_id         INTEGER UNIQUE, -- GitHub's id; NULL until its first delivery
    repo            TEXT NOT NULL,  -- owner/name
    named_at        TEXT,           -- repository.updated_at of the payload that gave the name
    repo_origin_url TEXT NOT NULL,
    display_name    TEXT NOT NULL,
    path            TEXT,
    adopt           TEXT NOT NULL DEFAULT 'all' CHECK (adopt IN ('all', 'none')),
    nudges_paused   INTEGER NOT NULL DEFAULT 0 CHECK (nudges_paused IN (0, 1)),
    checks_only     TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(checks_only)),
    checks_except   TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(checks_except)),
    ci_seen         INTEGER NOT NULL DEFAULT 0 CHECK (ci_seen IN (0, 1)),
    next_session    INTEGER NOT NULL DEFAULT 1,
    registered_at   TEXT NOT NULL,
    archived_at     TEXT
) STRICT;
CREATE INDEX projects_by_repo ON projects (repo COLLATE NOCASE);

CREATE TABLE sessions (
    id                      TEXT PRIMARY KEY,
    project_id              TEXT NOT NULL REFERENCES projects (id),
    num                     INTEGER NOT NULL,
    issue_id                TEXT,
    kind                    TEXT NOT NULL CHECK (kind IN ('worker', 'external')),
    harness                 TEXT NOT NULL DEFAULT '',
    session_state           TEXT NOT NULL CHECK (session_state IN
        ('not_started', 'working', 'idle', 'needs_input', 'stuck', 'detecting', 'done', 'terminated')),
    termination_reason      TEXT CHECK (termination_reason IN
        ('manually_killed', 'runtime_lost', 'agent_process_exited', 'probe_failure',
         'error_in_process', 'auto_cleanup', 'pr_merged')),
    is_alive                INTEGER NOT NULL CHECK (is_alive IN (0, 1)),
    activity_state          TEXT NOT NULL CHECK (activity_state IN
        ('active', 'ready', 'idle', 'waiting_input', 'blocked', 'exited')),
    activity_last_at        TEXT NOT NULL,
    activity_source         TEXT NOT NULL DEFAULT 'none' CHECK (activity_source IN
        ('native', 'terminal', 'hook', 'runtime', 'none')),
    detecting_attempts      INTEGER,
    detecting_started_at    TEXT,
    detecting_evidence_hash TEXT,
    branch                  TEXT,
    workspace_path          TEXT,
    runtime_handle_id       TEXT,
    runtime_name            TEXT,
    agent_session_id        TEXT,
    prompt                  TEXT NOT NULL DEFAULT '',
    created_at              TEXT NOT NULL,
    updated_at              TEXT NOT NULL,
    UNIQUE (project_id, num)
) STRICT;
CREATE INDEX sessions_by_branch ON sessions (project_id, branch);

CREATE TABLE pr (
    id                  INTEGER PRIMARY KEY,
    url                 TEXT NOT NULL UNIQUE,
    project_id          TEXT NOT NULL REFERENCES projects (id),
    repo_id             INTEGER NOT NULL,
    number              INTEGER NOT NULL,
    session_id          TEXT REFERENCES sessions (id),
    pr_state            TEXT NOT NULL CHECK (pr_state IN ('draft', 'open', 'merged', 'closed')),
    title               TEXT NOT NULL,
    author              TEXT NOT NULL,
    head_ref            TEXT NOT NULL,
    head_sha            TEXT NOT NULL,
    head_repo_id        INTEGER,
    base_ref            TEXT NOT NULL,
    base_sha            TEXT NOT NULL,
    core_at             TEXT NOT NULL, -- updated_at of the payload that gave the columns above
    core_ties           TEXT CHECK (json_valid(core_ties)), -- other groups seen with that very stamp
    review_decision     TEXT NOT NULL CHECK (review_decision IN
        ('none', 'approved', 'changes_requested', 'review_required')),
    ci_state            TEXT NOT NULL CHECK (ci_state IN ('unknown', 'pending', 'passing', 'failing')),
    mergeability        TEXT NOT NULL CHECK (mergeability IN
        ('unknown', 'mergeable', 'conflicting', 'blocked', 'unstable')),
    unresolved_comments INTEGER NOT NULL DEFAULT 0,
    memory              TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(memory)), -- what was said about it
    created_at          TEXT NOT NULL,
    updated_at          TEXT NOT NULL,
    UNIQUE (repo_id, number)
) STRICT;
CREATE INDEX pr_by_session ON pr (session_id);

-- Every head that a payload named: checks of old heads are history.
CREATE TABLE pr_commits (
    pr_id      INTEGER NOT NULL REFERENCES pr (id) ON DELETE CASCADE,
    commit_id  INTEGER NOT NULL REFERENCES commits (id),
    head_at    TEXT NOT NULL,    -- latest stamp at which it was named
    superseded INTEGER NOT NULL CHECK (superseded IN (0, 1)), -- named as somebody's "before"
    UNIQUE (pr_id, commit_id)
) STRICT;
CREATE INDEX pr_commits_by_commit ON pr_commits (commit_id);

CREATE TABLE pr_mergeability (
    pr_id    INTEGER NOT NULL REFERENCES pr (id) ON DELETE CASCADE,
    head_sha TEXT NOT NULL,
    base_ref TEXT NOT NULL,
    value    TEXT NOT NULL CHECK (value IN ('unknown', 'mergeable', 'conflicting', 'blocked', 'unstable')),
    at       TEXT NOT NULL,
    UNIQUE (pr_id, head_sha, base_ref)
) STRICT;

CREATE TABLE pr_reviews (
    pr_id        INTEGER NOT NULL REFERENCES pr (id) ON DELETE CASCADE,
    review_id    INTEGER NOT NULL,
    author_id    INTEGER,
    author       TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN
        ('pending', 'commented', 'approved', 'changes_requested', 'dismissed')),
    submitted_at TEXT NOT NULL,
    seen_at      TEXT NOT NULL,
    url          TEXT NOT NULL,
    UNIQUE (pr_id, review_id)
) STRICT;

-- Facts about commits wait here whether or not a pull request has claimed the commit yet.
CREATE TABLE commits (
    id      INTEGER PRIMARY KEY,
    repo_id INTEGER NOT NULL,
    sha     TEXT NOT NULL,
    seen_at TEXT NOT NULL, -- arrival, for dropping what no pull request ever claims
    claimed INTEGER NOT NULL CHECK (claimed IN (0, 1)),
    UNIQUE (repo_id, sha)
) STRICT;
CREATE INDEX commits_unclaimed ON commits (seen_at) WHERE claimed = 0;

CREATE TABLE check_runs (
    commit_id       INTEGER NOT NULL REFERENCES commits (id) ON DELETE CASCADE,
    run_id          INTEGER NOT NULL,
    source          TEXT NOT NULL,
    suite_id        INTEGER,
    workflow_run_id INTEGER,
    name            TEXT NOT NULL,
    status          TEXT NOT NULL CHECK (status IN ('unknown', 'queued', 'in_progress', 'completed')),
    conclusion      TEXT,
    url             TEXT NOT NULL,
    started_at      TEXT,
    completed_at    TEXT,
    output          TEXT CHECK (json_valid(output)),      -- excerpt with its stamp
    failed_step     TEXT CHECK (json_valid(failed_step)), -- excerpt with its stamp
    UNIQUE (commit_id, run_id)
) STRICT;

CREATE TABLE commit_statuses (
    commit_id   INTEGER NOT NULL REFERENCES commits (id) ON DELETE CASCADE,
    context     TEXT NOT NULL,
    status_id   INTEGER NOT NULL,
    state       TEXT NOT NULL,
    description TEXT,
    url         TEXT NOT NULL,
    created_at  TEXT NOT NULL,
    updated_at  TEXT NOT NULL,
    UNIQUE (commit_id, context)
) STRICT;

CREATE TABLE workflow_runs (
    commit_id    INTEGER NOT NULL REFERENCES commits (id) ON DELETE CASCADE,
    run_id       INTEGER NOT NULL,
    attempt      INTEGER NOT NULL,
    workflow_id  INTEGER,
    name         TEXT NOT NULL,
    event        TEXT NOT NULL,
    suite_id     INTEGER,
    status       TEXT NOT NULL CHECK (status IN ('unknown', 'queued', 'in_progress', 'completed')),
    conclusion   TEXT,
    url          TEXT NOT NULL,
    started_at   TEXT,
    completed_at TEXT,
    UNIQUE (commit_id, run_id)
) STRICT;

-- Derived: the newest run of each check at each of a pull request's commits.
CREATE TABLE pr_checks (
    pr_id         INTEGER NOT NULL REFERENCES pr (id) ON DELETE CASCADE,
    pr_url        TEXT NOT NULL,
    commit_hash   TEXT NOT NULL,
    source        TEXT NOT NULL, -- the app's slug, or 'status'
    workflow      TEXT NOT NULL, -- {workflow}:{event}, suite:{id}, or empty
    workflow_name TEXT,
    name          TEXT NOT NULL,
    status        TEXT NOT NULL CHECK (status IN
        ('unknown', 'queued', 'in_progress', 'passed', 'failed', 'skipped', 'cancelled')),
    conclusion    TEXT,
    url           TEXT NOT NULL,
    log_tail      TEXT NOT NULL DEFAULT '',
    run_id        INTEGER NOT NULL,
    started_at    TEXT,
    completed_at  TEXT,
    created_at    TEXT, -- when the run began, by GitHub's word
    UNIQUE (pr_id, commit_hash, source, workflow, name)
) STRICT;

CREATE TABLE nudges (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id      TEXT NOT NULL REFERENCES projects (id),
    session_id      TEXT REFERENCES sessions (id),
    pr_id           INTEGER REFERENCES pr (id) ON DELETE CASCADE,
    audience        TEXT NOT NULL CHECK (audience IN ('agent', 'human')),
    kind            TEXT NOT NULL CHECK (kind IN
        ('ci-failed', 'review-comments', 'merge-conflicts', 'agent-idle', 'approved-and-green',
         'agent-stuck', 'agent-needs-input', 'agent-exited', 'pr-closed', 'pr-merged', 'escalated')),
    priority        TEXT NOT NULL CHECK (priority IN ('urgent', 'action', 'info')),
    state           TEXT NOT NULL CHECK (state IN
        ('pending', 'held', 'delivered', 'acknowledged', 'superseded', 'failed')),
    signature       TEXT NOT NULL,
    body            TEXT NOT NULL,
    attempts        INTEGER NOT NULL DEFAULT 0,
    created_at      TEXT NOT NULL,
    delivered_at    TEXT,
    acknowledged_at TEXT
) STRICT;
CREATE INDEX nudges_by_session ON nudges (session_id);
CREATE INDEX nudges_by_pr ON nudges (pr_id);
CREATE INDEX nudges_open ON nudges (pr_id) WHERE state IN ('pending', 'held');

CREATE TABLE timers (
    kind   TEXT NOT NULL CHECK (kind IN ('ci_settle', 'green_settle')),
    pr_id  INTEGER NOT NULL REFERENCES pr (id) ON DELETE CASCADE,
    due_at TEXT NOT NULL,
    UNIQUE (pr_id, kind)
) STRICT;
CREATE INDEX timers_by_due ON timers (due_at);

-- The ledger of what came in.
CREATE TABLE deliveries (
    id          INTEGER PRIMARY KEY,
    hook        TEXT NOT NULL, -- the hook's or its target's id, or empty: GUIDs are shared by hooks
    guid        TEXT NOT NULL, -- X-GitHub-Delivery
    event       TEXT NOT NULL,
    action      TEXT,
    repo        TEXT,
    outcome     TEXT NOT NULL CHECK (outcome IN ('applied', 'ignored', 'quarantined')),
    reason      TEXT,
    observation TEXT CHECK (json_valid(observation)), -- what it became
    body        BLOB, -- the raw body, compressed (zstd), of what was quarantined
    received_at TEXT NOT NULL,
    UNIQUE (hook, guid)
) STRICT;
CREATE INDEX deliveries_unapplied ON deliveries (outcome, id) WHERE outcome <> 'applied';

-- The change log: written by the triggers below and by nothing else, append-only.
CREATE TABLE change_log (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id TEXT,
    session_id TEXT,
    event_type TEXT NOT NULL,
    payload    TEXT NOT NULL,
    cause      TEXT NOT NULL,
    created_at TEXT NOT NULL
) STRICT;

CREATE TRIGGER change_log_is_append_only BEFORE UPDATE ON change_log
BEGIN
    SELECT raise(ABORT, 'change_log is append-only');
END;

CREATE TRIGGER project_registered AFTER INSERT ON projects
BEGIN
    INSERT INTO change_log (project_id, session_id, event_type, payload, cause, created_at)
    SELECT NEW.id, NULL, 'project_registered',
           json_object('id', NEW.id, 'repo', NEW.repo, 'path', NEW.path,
                       'displayName', NEW.display_name, 'adopt', NEW.adopt),
           cause, at FROM cause;
END;

CREATE TRIGGER session_created AFTER INSERT ON sessions
BEGIN
    INSERT INTO change_log (project_id, session_id, event_type, payload, cause, created_at)
    SELECT NEW.project_id, NEW.id, 'session_created',
           json_object('id', NEW.id, 'state', NEW.session_state,
                       'terminationReason', NEW.termination_reason,
                       'isAlive', json(iif(NEW.is_alive, 'true', 'false')),
                       'activity', NEW.activity_state),
           cause, at FROM cause;
END;

CREATE TRIGGER session_updated AFTER UPDATE ON sessions
WHEN (OLD.session_state, OLD.termination_reason, OLD.is_alive, OLD.activity_state)
     IS NOT (NEW.session_state, NEW.termination_reason, NEW.is_alive, NEW.activity_state)
BEGIN
    INSERT INTO change_log (project_id, session_id, event_type, payload, cause, created_at)
    SELECT NEW.project_id, NEW.id, 'session_updated',
           json_object('id', NEW.id, 'state', NEW.session_state,
                       'terminationReason', NEW.termination_reason,
                       'isAlive', json(iif(NEW.is_alive, 'true', 'false')),
                       'activity', NEW.activity_state),
           cause, at FROM cause;
END;

CREATE TRIGGER pr_created AFTER INSERT ON pr
BEGIN
    INSERT INTO change_log (project_id, session_id, event_type, payload, cause, created_at)
    SELECT NEW.project_id, NEW.session_id, 'pr_created',
           json_object('url', NEW.url, 'session', NEW.session_id, 'state', NEW.pr_state,
                       'ci', NEW.ci_state, 'review', NEW.review_decision,
                       'mergeability', NEW.mergeability, 'headSha', NEW.head_sha),
           cause, at FROM cause;
END;

CREATE TRIGGER pr_updated AFTER UPDATE ON pr
WHEN (OLD.url, OLD.session_id, OLD.pr_state, OLD.ci_state, OLD.review_decision, OLD.mergeability, OLD.head_sha)
     IS NOT (NEW.url, NEW.session_id, NEW.pr_state, NEW.ci_state, NEW.review_decision, NEW.mergeability, NEW.head_sha)
BEGIN
    INSERT INTO change_log (project_id, session_id, event_type, payload, cause, created_at)
    SELECT NEW.project_id, NEW.session_id, 'pr_updated',
           json_object('url', NEW.url, 'session', NEW.session_id, 'state', NEW.pr_state,
                       'ci', NEW.ci_state, 'review', NEW.review_decision,
                       'mergeability', NEW.mergeability, 'headSha', NEW.head_sha),
           cause, at FROM cause;
END;

CREATE TRIGGER pr_checks_follow_url AFTER UPDATE OF url ON pr WHEN OLD.url <> NEW.url
BEGIN
    UPDATE pr_checks SET pr_url = NEW.url WHERE pr_id = NEW.id;
END;

CREATE TRIGGER pr_check_appeared AFTER INSERT ON pr_checks
BEGIN
    INSERT INTO change_log (project_id, session_id, event_type, payload, cause, created_at)
    SELECT pr.project_id, pr.session_id, 'pr_check_recorded',
           json_object('pr', NEW.pr_url, 'name', NEW.name, 'source', NEW.source, 'commit', NEW.commit_hash,
                       'status', NEW.status, 'conclusion', NEW.conclusion),
           cause, at FROM cause, pr WHERE pr.id = NEW.pr_id;
END;

CREATE TRIGGER pr_check_changed AFTER UPDATE ON pr_checks WHEN OLD.status <> NEW.status
BEGIN
    INSERT INTO change_log (project_id, session_id, event_type, payload, cause, created_at)
    SELECT pr.project_id, pr.session_id, 'pr_check_recorded',
           json_object('pr', NEW.pr_url, 'name', NEW.name, 'source', NEW.source, 'commit', NEW.commit_hash,
                       'status', NEW.status, 'conclusion', NEW.conclusion),
           cause, at FROM cause, pr WHERE pr.id = NEW.pr_id;
END;

CREATE TRIGGER nudge_created AFTER INSERT ON nudges
BEGIN
    INSERT INTO change_log (project_id, session_id, event_type, payload, cause, created_at)
    SELECT NEW.project_id, NEW.session_id, 'nudge_created',
           json_object('id', NEW.id, 'kind', NEW.kind, 'audience', NEW.audience, 'state', NEW.state,
                       'sessionId', NEW.session_id, 'pullUrl', (SELECT url FROM pr WHERE id = NEW.pr_id)),
           cause, at FROM cause;
END;

CREATE TRIGGER nudge_updated AFTER UPDATE ON nudges WHEN OLD.state <> NEW.state
BEGIN
    INSERT INTO change_log (project_id, session_id, event_type, payload, cause, created_at)
    SELECT NEW.project_id, NEW.session_id, 'nudge_updated',
           json_object('id', NEW.id, 'kind', NEW.kind, 'audience', NEW.audience, 'state', NEW.state,
                       'sessionId', NEW.session_id, 'pullUrl', (SELECT url FROM pr WHERE id = NEW.pr_id)),
           cause, at FROM cause;
END;
