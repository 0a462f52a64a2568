-- Comments and threads, conflicts after pushes to the base, pauses, and repositories that change names.

ALTER TABLE sessions ADD COLUMN nudges_paused INTEGER NOT NULL DEFAULT 0 CHECK (nudges_paused IN (0, 1));

-- The newest name that payloads gave the repository. Where a younger repository took it over, `repo`
-- and `repo_origin_url` say something else.
ALTER TABLE projects ADD COLUMN claimed_repo TEXT;
ALTER TABLE projects ADD COLUMN claimed_url TEXT;
UPDATE projects SET claimed_repo = repo, claimed_url = repo_origin_url WHERE repo_id IS NOT NULL;
CREATE INDEX projects_by_claim ON projects (claimed_repo COLLATE NOCASE);

-- Whether the app may still ask GitHub about it, by the newest word of an installation event.
ALTER TABLE projects ADD COLUMN api_access INTEGER NOT NULL DEFAULT 1 CHECK (api_access IN (0, 1));
ALTER TABLE projects ADD COLUMN api_access_at TEXT;

-- The newest push to a branch: what GitHub answered about merging into it before is void.
CREATE TABLE base_pushes (
    repo_id   INTEGER NOT NULL,
    branch    TEXT NOT NULL,
    pushed_at TEXT NOT NULL,
    UNIQUE (repo_id, branch)
) STRICT;
CREATE INDEX pr_by_base ON pr (repo_id, base_ref) WHERE mergeability <> 'unknown';

-- Suites that have completed: their failures are all there.
CREATE TABLE check_suites (
    commit_id INTEGER NOT NULL REFERENCES commits (id) ON DELETE CASCADE,
    suite_id  INTEGER NOT NULL,
    UNIQUE (commit_id, suite_id)
) STRICT;

-- Comments as payloads tell of them, known or not the pull request; a deleted one leaves a tombstone.
CREATE TABLE comments (
    repo_id    INTEGER NOT NULL,
    number     INTEGER NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('review', 'issue')),
    comment_id INTEGER NOT NULL,
    root_id    INTEGER NOT NULL, -- the comment that began the thread
    review_id  INTEGER,
    author     TEXT NOT NULL,
    file       TEXT,
    line       INTEGER,
    body       TEXT NOT NULL,
    url        TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    deleted    INTEGER NOT NULL CHECK (deleted IN (0, 1)),
    seen_at    TEXT NOT NULL,
    UNIQUE (repo_id, number, kind, comment_id)
) STRICT;

CREATE TABLE threads (
    repo_id  INTEGER NOT NULL,
    number   INTEGER NOT NULL,
    root_id  INTEGER NOT NULL,
    resolved INTEGER NOT NULL CHECK (resolved IN (0, 1)),
    at       TEXT NOT NULL,
    UNIQUE (repo_id, number, root_id)
) STRICT;

-- Derived: the comments that are there, with what became of their threads.
CREATE TABLE pr_comment (
    pr_id      INTEGER NOT NULL REFERENCES pr (id) ON DELETE CASCADE,
    pr_url     TEXT NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('review', 'issue')),
    comment_id INTEGER NOT NULL,
    root_id    INTEGER NOT NULL,
    review_id  INTEGER,
    author     TEXT NOT NULL,
    file       TEXT,
    line       INTEGER,
    body       TEXT NOT NULL,
    url        TEXT NOT NULL,
    resolved   INTEGER NOT NULL CHECK (resolved IN (0, 1)),
    created_at TEXT NOT NULL,
    UNIQUE (pr_id, kind, comment_id)
) STRICT;

CREATE TABLE timers_2 (
    kind   TEXT NOT NULL CHECK (kind IN
        ('ci_settle', 'green_settle', 'review_settle', 'conflict_escalation')),
    pr_id  INTEGER NOT NULL REFERENCES pr (id) ON DELETE CASCADE,
    due_at TEXT NOT NULL,
    UNIQUE (pr_id, kind)
) STRICT;
INSERT INTO timers_2 SELECT kind, pr_id, due_at FROM timers;
DROP TABLE timers;
ALTER TABLE timers_2 RENAME TO timers;
CREATE INDEX timers_by_due ON timers (due_at);

CREATE TRIGGER pr_comments_follow_url AFTER UPDATE OF url ON pr WHEN OLD.url <> NEW.url
BEGIN
    UPDATE pr_comment SET pr_url = NEW.url WHERE pr_id = NEW.id;
END;

CREATE TRIGGER pr_comment_appeared AFTER INSERT ON pr_comment
BEGIN
    INSERT INTO change_log (project_id, session_id, event_type, payload, cause, created_at)
    SELECT pr.project_id, pr.session_id, 'pr_comment_recorded',
           json_object('pr', NEW.pr_url, 'commentId', NEW.comment_id, 'kind', NEW.kind,
                       'author', NEW.author, 'file', NEW.file, 'line', NEW.line, 'body', NEW.body,
                       'url', NEW.url, 'resolved', json(iif(NEW.resolved, 'true', 'false')),
                       'deleted', json('false')),
           cause, at FROM cause, pr WHERE pr.id = NEW.pr_id;
END;

CREATE TRIGGER pr_comment_changed AFTER UPDATE ON pr_comment
WHEN (OLD.body, OLD.file, OLD.line, OLD.resolved) IS NOT (NEW.body, NEW.file, NEW.line, NEW.resolved)
BEGIN
    INSERT INTO change_log (project_id, session_id, event_type, payload, cause, created_at)
    SELECT pr.project_id, pr.session_id, 'pr_comment_recorded',
           json_object('pr', NEW.pr_url, 'commentId', NEW.comment_id, 'kind', NEW.kind,
                       'author', NEW.author, 'file', NEW.file, 'line', NEW.line, 'body', NEW.body,
                       'url', NEW.url, 'resolved', json(iif(NEW.resolved, 'true', 'false')),
                       'deleted', json('false')),
           cause, at FROM cause, pr WHERE pr.id = NEW.pr_id;
END;

CREATE TRIGGER pr_comment_gone AFTER DELETE ON pr_comment
BEGIN
    INSERT INTO change_log (project_id, session_id, event_type, payload, cause, created_at)
    SELECT pr.project_id, pr.session_id, 'pr_comment_recorded',
           json_object('pr', OLD.pr_url, 'commentId', OLD.comment_id, 'kind', OLD.kind,
                       'author', OLD.author, 'file', OLD.file, 'line', OLD.line, 'body', OLD.body,
                       'url', OLD.url, 'resolved', json(iif(OLD.resolved, 'true', 'false')),
                       'deleted', json('true')),
           cause, at FROM cause, pr WHERE pr.id = OLD.pr_id;
END;
