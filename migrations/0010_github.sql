-- What is remembered of GitHub's API between two starts: how far its list of deliveries was read, how often
-- everything was compared.

CREATE TABLE github_memory (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
