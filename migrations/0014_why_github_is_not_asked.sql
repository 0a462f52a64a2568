-- Why the App may not ask about a repository: its installation is suspended, or it is gone.

ALTER TABLE projects ADD COLUMN api_suspended INTEGER NOT NULL DEFAULT 0 CHECK (api_suspended IN (0, 1));
