-- What lists are searched by, so that none of them grows with what is stored. Each index costs whoever
-- writes the columns it names: none of these is touched by a check that leaves its pull request as it was.

CREATE INDEX sessions_by_project ON sessions (project_id);
-- The states that make a display status, and the sessions of a branch in whatever project.
CREATE INDEX sessions_by_state ON sessions (session_state, termination_reason);
CREATE INDEX sessions_by_project_state ON sessions (project_id, session_state, termination_reason);
DROP INDEX sessions_by_branch;
CREATE INDEX sessions_by_branch ON sessions (branch, project_id);

CREATE INDEX pr_by_project ON pr (project_id);
CREATE INDEX pr_by_state ON pr (pr_state);

-- Open pull requests of which there is something to say. Those that are merely open, most of them while
-- their checks come in, are not in it.
CREATE INDEX pr_noticed ON pr (ci_state, pr_state, review_decision, unresolved_comments > 0, session_id)
WHERE pr_state IN ('draft', 'open')
  AND (ci_state = 'failing' OR pr_state = 'draft' OR review_decision <> 'none' OR unresolved_comments > 0);

CREATE INDEX nudges_by_state ON nudges (state, audience);
CREATE INDEX nudges_by_project ON nudges (project_id, state, audience);
