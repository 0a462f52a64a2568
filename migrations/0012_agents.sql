-- Agents that are started here: the tokens with which they report, and the disk that their worktrees took.

ALTER TABLE sessions ADD COLUMN token_hash TEXT;     -- SHA-256 of the token, in hex
ALTER TABLE sessions ADD COLUMN freed_bytes INTEGER; -- by giving back its worktree
CREATE INDEX sessions_by_token ON sessions (token_hash) WHERE token_hash IS NOT NULL;
