-- What waits for an agent is counted wherever its session is shown: also what is about a pull request.

DROP INDEX nudges_open_of_session;
CREATE INDEX nudges_open_of_session ON nudges (session_id) WHERE state IN ('pending', 'held');
