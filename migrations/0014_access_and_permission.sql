-- Why the App may not ask about a repository: its installation is suspended, or it is gone.

ALTER TABLE projects ADD COLUMN api_suspended INTEGER NOT NULL DEFAULT 0 CHECK (api_suspended IN (0, 1));

-- Whom GitHub was asked about: whether they may write there. JSON by their logins in lower case.
ALTER TABLE projects ADD COLUMN people TEXT NOT NULL DEFAULT '{}';
