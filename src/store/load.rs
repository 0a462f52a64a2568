//! Loads what an observation may touch.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension, Result, Row};

use crate::domain::{
    Check, CheckKey, CheckRun, Comment, CommitFacts, CommitSha, CommitStatus, Excerpt,
    MergeabilityAnswer, Nudge, NudgeId, Observation, Paused, Project, ProjectId, PullCommit,
    PullCore, PullId, PullRequest, PullSeen, RepoId, RepoName, RepoSeen, Review, RunState, Session,
    SessionId, Thread, Timer, Timestamp, WorkflowRun,
};
use crate::lifecycle::{
    BranchSession, HistoryEntry, PullFacts, PullSnapshot, Snapshot, Talk, needs_history, slug_stem,
};

use super::codec::{At, Json};
use super::outbox;

/// Commits of a pull request that the brake looks back on.
const HISTORY_COMMITS: i64 = 30;

const PULL: &str =
    "SELECT id, project_id, repo_id, number, url, session_id, pr_state, title, author,
    head_ref, head_sha, head_repo_id, base_ref, base_sha, created_at, core_at, core_ties, ci_state,
    review_decision, mergeability, unresolved_comments, updated_at, memory FROM pr";

/// A snapshot for `reduce`. Must run in the transaction that saves its outcome.
pub(crate) fn load(connection: &Connection, observation: &Observation) -> Result<Snapshot> {
    let loader = Loader { connection };
    match observation {
        Observation::Pull { repo, pull } | Observation::Review { repo, pull, .. } => {
            loader.for_pull(repo, pull, observation)
        }
        Observation::Comment { repo, pull: Some(pull), .. }
        | Observation::Thread { repo, pull, .. } => loader.for_pull(repo, pull, observation),
        Observation::Comment { repo, pull: None, number, .. } => {
            loader.for_comment(repo, *number, observation)
        }
        Observation::Push { repo, branch, .. } => loader.for_push(repo, branch, observation),
        Observation::Repository { repo } => loader.for_repo(repo),
        Observation::Access { repos, account, .. } => {
            Ok(Snapshot { other_projects: loader.accessed(repos, account.as_deref())?, ..empty() })
        }
        Observation::ProjectConfigured { id, config } => {
            let other_projects = loader.holders(id, config.repo.as_ref())?;
            Ok(Snapshot { other_projects, ..loader.for_project(id)? })
        }
        Observation::ProjectArchived { id } => loader.for_project(id),
        Observation::NudgesPaused { whom: Paused::Project(id), .. } => loader.for_project(id),
        Observation::NudgesPaused { whom: Paused::Session(id), .. } => loader.for_session(id),
        Observation::CheckRun { repo, sha, .. }
        | Observation::Status { repo, sha, .. }
        | Observation::SuiteCompleted { repo, sha, .. }
        | Observation::WorkflowRun { repo, sha, .. } => loader.for_commit(repo, sha, observation),
        Observation::TimerDue { pull, .. } => loader.for_timer(*pull, observation),
        Observation::NudgeAcknowledged { nudge } => {
            Ok(Snapshot { nudge: loader.nudge(*nudge)?, ..empty() })
        }
        Observation::NudgeSent { nudge, .. } | Observation::NudgeNotSent { nudge, .. } => {
            let errand = outbox::errand(connection, *nudge)?;
            Ok(Snapshot { nudge: loader.nudge(*nudge)?, errand, ..empty() })
        }
    }
}

fn empty() -> Snapshot {
    Snapshot {
        project: None,
        taken_slugs: Vec::new(),
        fresh_pull: PullId(0),
        facts: BTreeMap::new(),
        pulls: Vec::new(),
        branch_sessions: Vec::new(),
        fresh_base: CommitFacts::default(),
        other_projects: Vec::new(),
        talk: Talk::default(),
        base_pushes: BTreeMap::new(),
        held_back: Vec::new(),
        session: None,
        nudge: None,
        errand: None,
    }
}

struct Loader<'c> {
    connection: &'c Connection,
}

impl Loader<'_> {
    fn for_pull(
        &self,
        repo: &RepoSeen,
        seen: &PullSeen,
        observation: &Observation,
    ) -> Result<Snapshot> {
        let mut snapshot = self.for_repo(repo)?;
        let pull = self.one(
            &format!("{PULL} WHERE repo_id = ?1 AND number = ?2"),
            (repo.id, seen.number),
            pull_row,
        )?;
        let mut shas = vec![&seen.core.head_sha];
        shas.extend(&seen.before);
        if let Some(pull) = &pull {
            shas.extend(pull.candidates.iter().map(|core| &core.head_sha));
        }
        for sha in shas {
            if !snapshot.facts.contains_key(sha) {
                snapshot.facts.insert(sha.clone(), self.facts(repo.id, sha)?);
            }
        }
        let bases = pull.iter().flat_map(|pull| pull.candidates.iter().map(|core| &core.base_ref));
        let bases: BTreeSet<&String> = bases.chain([&seen.core.base_ref]).collect();
        for base in bases {
            if let Some(at) = self.pushed_at(repo.id, base)? {
                snapshot.base_pushes.insert(base.clone(), at);
            }
        }
        let failed = needs_history(&snapshot.facts, observation);
        match (pull, &snapshot.project) {
            (Some(pull), _) => {
                let facts = Some(self.pull_facts(&pull)?);
                let pull = self.pull(pull, facts, &snapshot.facts, failed)?;
                snapshot.pulls.push(pull);
            }
            (None, project) => {
                snapshot.fresh_pull = self.fresh_pull()?;
                snapshot.talk = self.talk(repo.id, seen.number)?;
                if failed {
                    snapshot.fresh_base = self.facts(repo.id, &seen.core.base_sha)?;
                }
                if let Some(project) = project {
                    snapshot.branch_sessions =
                        self.branch_sessions(project, &seen.core.head_ref)?;
                }
            }
        }
        Ok(snapshot)
    }

    /// A comment on a pull request that its payload does not show.
    fn for_comment(
        &self,
        repo: &RepoSeen,
        number: i64,
        observation: &Observation,
    ) -> Result<Snapshot> {
        let mut snapshot = self.for_repo(repo)?;
        let sql = format!("{PULL} WHERE repo_id = ?1 AND number = ?2");
        match self.one(&sql, (repo.id, number), pull_row)? {
            Some(pull) => self.whole(&mut snapshot, pull, observation)?,
            None => snapshot.talk = self.talk(repo.id, number)?,
        }
        Ok(snapshot)
    }

    /// The pull requests into a branch whose mergeability a push to it can void.
    fn for_push(
        &self,
        repo: &RepoSeen,
        branch: &str,
        observation: &Observation,
    ) -> Result<Snapshot> {
        let mut snapshot = self.for_repo(repo)?;
        if let Some(at) = self.pushed_at(repo.id, branch)? {
            snapshot.base_pushes.insert(branch.to_owned(), at);
        }
        let sql =
            format!("{PULL} WHERE repo_id = ?1 AND base_ref = ?2 AND mergeability <> 'unknown'");
        for pull in self.all(&sql, (repo.id, branch), pull_row)? {
            self.whole(&mut snapshot, pull, observation)?;
        }
        Ok(snapshot)
    }

    /// Adds a pull request with its registers and the facts at its head.
    fn whole(
        &self,
        snapshot: &mut Snapshot,
        pull: PullRequest,
        observation: &Observation,
    ) -> Result<()> {
        let head = &pull.core.head_sha;
        let at_head = BTreeMap::from([(head.clone(), self.facts(pull.repo_id, head)?)]);
        let failed = needs_history(&at_head, observation);
        let facts = Some(self.pull_facts(&pull)?);
        snapshot.pulls.push(self.pull(pull, facts, &at_head, failed)?);
        snapshot.facts.extend(at_head);
        Ok(())
    }

    fn for_project(&self, id: &ProjectId) -> Result<Snapshot> {
        let project = self.one(&format!("{PROJECT} WHERE id = ?1"), [id], project_row)?;
        let open = format!("{NUDGE} WHERE project_id = ?1 AND audience = 'agent' AND {OPEN}");
        Ok(Snapshot { project, held_back: self.held_back(&open, &id.0)?, ..empty() })
    }

    /// Other projects that have the repository, archived ones too.
    fn holders(&self, id: &ProjectId, repo: Option<&RepoName>) -> Result<Vec<Project>> {
        let Some(repo) = repo else { return Ok(Vec::new()) };
        let sql = format!("{PROJECT} WHERE repo = ?1 COLLATE NOCASE AND id <> ?2");
        self.all(&sql, (repo, id), project_row)
    }

    fn for_session(&self, id: &SessionId) -> Result<Snapshot> {
        let session = self.one(&format!("{SESSION} WHERE id = ?1"), [id], session_row)?;
        let Some(session) = session else { return Ok(empty()) };
        let by_id = format!("{PROJECT} WHERE id = ?1");
        let project = self.one(&by_id, [&session.project_id], project_row)?;
        let open = format!("{NUDGE} WHERE session_id = ?1 AND audience = 'agent' AND {OPEN}");
        let held_back = self.held_back(&open, &id.0)?;
        Ok(Snapshot { project, session: Some(session), held_back, ..empty() })
    }

    fn held_back(&self, sql: &str, id: &str) -> Result<Vec<(Nudge, Option<Session>)>> {
        let nudges =
            self.all(sql, [id], |row| Ok((nudge_row(row)?, row.get::<_, Option<SessionId>>(4)?)))?;
        let with_session = |(nudge, id): (Nudge, Option<SessionId>)| {
            let by_id = format!("{SESSION} WHERE id = ?1");
            let session = id.map(|id| self.one(&by_id, [id], session_row)).transpose()?;
            Ok((nudge, session.flatten()))
        };
        nudges.into_iter().map(with_session).collect()
    }

    fn accessed(&self, repos: &[RepoId], account: Option<&str>) -> Result<Vec<Project>> {
        let mut projects = Vec::new();
        for repo in repos {
            projects.extend(self.one(
                &format!("{PROJECT} WHERE repo_id = ?1"),
                [repo],
                project_row,
            )?);
        }
        if let Some(account) = account {
            let owned = format!("{PROJECT} WHERE substr(repo, 1, length(?1) + 1) = ?1 || '/'");
            let owned = self.all(&owned, [account], project_row)?;
            projects
                .extend(owned.into_iter().filter(|p| !repos.iter().any(|r| p.repo_id == Some(*r))));
        }
        Ok(projects)
    }

    fn pushed_at(&self, repo: RepoId, branch: &str) -> Result<Option<Timestamp>> {
        let sql = "SELECT pushed_at FROM base_pushes WHERE repo_id = ?1 AND branch = ?2";
        Ok(self.one(sql, (repo, branch), |row| row.get(0))?.map(|At(at)| at))
    }

    fn talk(&self, repo: RepoId, number: i64) -> Result<Talk> {
        let comments = self.all(
            "SELECT kind, comment_id, root_id, review_id, author, file, line, body, url, created_at,
                    updated_at, deleted
             FROM comments WHERE repo_id = ?1 AND number = ?2",
            (repo, number),
            |row| {
                let At(updated_at) = row.get(10)?;
                Ok(Comment { updated_at, deleted: row.get(11)?, ..comment_row(row)? })
            },
        )?;
        let threads = self.all(
            "SELECT root_id, resolved, at FROM threads WHERE repo_id = ?1 AND number = ?2",
            (repo, number),
            |row| {
                let At(at) = row.get(2)?;
                Ok(Thread { root_id: row.get(0)?, resolved: row.get(1)?, at })
            },
        )?;
        Ok(Talk { comments, threads })
    }

    fn for_commit(
        &self,
        repo: &RepoSeen,
        sha: &CommitSha,
        observation: &Observation,
    ) -> Result<Snapshot> {
        let mut snapshot = self.for_repo(repo)?;
        let Some(commit) = self.commit_id(repo.id, sha)? else { return Ok(snapshot) };
        snapshot.facts.insert(sha.clone(), self.commit_facts(commit, observed_run(observation))?);
        let failed = needs_history(&snapshot.facts, observation);
        let pulls = self.all(
            &format!(
                "{PULL} WHERE id IN (SELECT pr_id FROM pr_commits WHERE commit_id = ?1) ORDER BY id"
            ),
            [commit],
            pull_row,
        )?;
        for pull in pulls {
            let pull = self.pull(pull, None, &snapshot.facts, failed)?;
            snapshot.pulls.push(pull);
        }
        Ok(snapshot)
    }

    fn for_timer(&self, pull: PullId, observation: &Observation) -> Result<Snapshot> {
        let mut snapshot = empty();
        let Some(pull) = self.one(&format!("{PULL} WHERE id = ?1"), [pull], pull_row)? else {
            return Ok(snapshot);
        };
        let head = pull.core.head_sha.clone();
        snapshot.project =
            self.one(&format!("{PROJECT} WHERE id = ?1"), [&pull.project_id], project_row)?;
        snapshot.facts.insert(head.clone(), self.facts(pull.repo_id, &head)?);
        let failed = needs_history(&snapshot.facts, observation);
        let facts = Some(self.pull_facts(&pull)?);
        let pull = self.pull(pull, facts, &snapshot.facts, failed)?;
        snapshot.pulls.push(pull);
        Ok(snapshot)
    }

    fn for_repo(&self, repo: &RepoSeen) -> Result<Snapshot> {
        let mut snapshot = empty();
        let by_id = format!("{PROJECT} WHERE repo_id = ?1");
        snapshot.project = self.one(&by_id, [repo.id], project_row)?;
        if snapshot.project.is_none() {
            let by_name =
                format!("{PROJECT} WHERE repo_id IS NULL AND repo = ?1 COLLATE NOCASE LIMIT 1");
            snapshot.project = self.one(&by_name, [&repo.name], project_row)?;
        }
        if snapshot.project.is_none() {
            let stem = slug_stem(&repo.name);
            let sql = "SELECT id FROM projects WHERE substr(id, 1, length(?1)) = ?1";
            snapshot.taken_slugs = self.all(sql, [stem], |row| row.get(0))?;
        }
        self.rivals(&mut snapshot, repo)?;
        Ok(snapshot)
    }

    /// Other projects that claim the name the repository has now, or the one it had.
    fn rivals(&self, snapshot: &mut Snapshot, repo: &RepoSeen) -> Result<()> {
        let known = snapshot.project.as_ref().and_then(|project| project.claim.as_ref());
        if known.is_some_and(|(name, url)| *name == repo.name && *url == repo.url) {
            return Ok(());
        }
        let names = known.map(|(name, _)| name.clone()).into_iter().chain([repo.name.clone()]);
        for name in names.collect::<BTreeSet<_>>() {
            let sql = format!("{PROJECT} WHERE claimed_repo = ?1 COLLATE NOCASE AND repo_id <> ?2");
            let found = self.all(&sql, (name, repo.id), project_row)?;
            snapshot.other_projects.extend(found);
        }
        Ok(())
    }

    fn pull(
        &self,
        pull: PullRequest,
        facts: Option<PullFacts>,
        at: &BTreeMap<CommitSha, CommitFacts>,
        failed: bool,
    ) -> Result<PullSnapshot> {
        let mut rows = BTreeMap::new();
        for sha in at.keys() {
            rows.insert(sha.clone(), self.check_rows(pull.id, sha)?);
        }
        let history = if failed { self.history(pull.id)? } else { Vec::new() };
        let base = if failed {
            self.facts(pull.repo_id, &pull.core.base_sha)?
        } else {
            CommitFacts::default()
        };
        let session = match &pull.session_id {
            Some(id) => self.one(&format!("{SESSION} WHERE id = ?1"), [id], session_row)?,
            None => None,
        };
        let siblings = self.all(
            "SELECT pr_state FROM pr WHERE session_id = ?1 AND id <> ?2",
            (&pull.session_id, pull.id),
            |row| row.get(0),
        )?;
        let nudges = self.all(
            &format!("{NUDGE} WHERE pr_id = ?1 AND {OPEN} ORDER BY id"),
            [pull.id],
            nudge_row,
        )?;
        let id = pull.id;
        let timers =
            self.all("SELECT kind, due_at FROM timers WHERE pr_id = ?1", [id], move |row| {
                let At(due_at) = row.get(1)?;
                Ok(Timer { kind: row.get(0)?, pull: id, due_at })
            })?;
        Ok(PullSnapshot { pull, facts, rows, history, base, session, siblings, nudges, timers })
    }

    fn pull_facts(&self, row: &PullRequest) -> Result<PullFacts> {
        let pull = row.id;
        let commits = self.all(
            "SELECT sha, head_at, superseded FROM pr_commits JOIN commits ON commits.id = commit_id
             WHERE pr_id = ?1",
            [pull],
            commit_row,
        )?;
        let answers = self.all(
            "SELECT head_sha, base_ref, value, at FROM pr_mergeability WHERE pr_id = ?1",
            [pull],
            |row| {
                let At(at) = row.get(3)?;
                let (head_sha, base_ref) = (row.get(0)?, row.get(1)?);
                Ok(MergeabilityAnswer { head_sha, base_ref, value: row.get(2)?, at })
            },
        )?;
        let reviews = self.all(
            "SELECT review_id, author_id, author, state, submitted_at, seen_at, url
             FROM pr_reviews WHERE pr_id = ?1",
            [pull],
            |row| {
                let (At(submitted_at), At(seen_at)) = (row.get(4)?, row.get(5)?);
                Ok(Review {
                    id: row.get(0)?,
                    author_id: row.get(1)?,
                    author: row.get(2)?,
                    state: row.get(3)?,
                    submitted_at,
                    seen_at,
                    url: row.get(6)?,
                })
            },
        )?;
        let commits = commits.into_iter().map(|commit| (commit.sha.clone(), commit)).collect();
        let comment_rows = self.all(
            "SELECT kind, comment_id, root_id, review_id, author, file, line, body, url, created_at,
                    resolved
             FROM pr_comment WHERE pr_id = ?1",
            [pull],
            |row| Ok((comment_row(row)?, row.get(10)?)),
        )?;
        let talk = self.talk(row.repo_id, row.number)?;
        Ok(PullFacts { commits, answers, reviews, talk, comment_rows })
    }

    fn commit_id(&self, repo: RepoId, sha: &CommitSha) -> Result<Option<i64>> {
        let sql = "SELECT id FROM commits WHERE repo_id = ?1 AND sha = ?2";
        self.one(sql, (repo, sha), |row| row.get(0))
    }

    fn facts(&self, repo: RepoId, sha: &CommitSha) -> Result<CommitFacts> {
        match self.commit_id(repo, sha)? {
            Some(commit) => self.commit_facts(commit, None),
            None => Ok(CommitFacts::default()),
        }
    }

    /// All facts at a commit. What a check wrote is long and matters for the newest of its runs alone:
    /// of the others, only that of the observed run is loaded, which is to be saved again.
    fn commit_facts(&self, commit: i64, observed: Option<i64>) -> Result<CommitFacts> {
        let mut check_runs = self.all(
            "SELECT name, status, conclusion, url, started_at, completed_at, run_id, source,
                    suite_id, workflow_run_id, output IS NOT NULL OR failed_step IS NOT NULL
             FROM check_runs WHERE commit_id = ?1 ORDER BY run_id",
            [commit],
            |row| {
                let run = CheckRun {
                    state: run_state(row)?,
                    run_id: row.get(6)?,
                    source: row.get(7)?,
                    suite_id: row.get(8)?,
                    workflow_run_id: row.get(9)?,
                    output: None,
                    failed_step: None,
                };
                Ok((run, row.get::<_, bool>(10)?))
            },
        )?;
        let mut seen = BTreeSet::new();
        for (run, wrote) in check_runs.iter_mut().rev() {
            let check = (run.source.clone(), run.suite_id, run.state.name.clone());
            let newest = seen.insert(check);
            if *wrote && (newest || observed == Some(run.run_id)) {
                (run.output, run.failed_step) = self.written(commit, run.run_id)?;
            }
        }
        let check_runs = check_runs.into_iter().map(|(run, _)| run).collect();
        let statuses = self.all(
            "SELECT context, status_id, state, description, url, created_at, updated_at
             FROM commit_statuses WHERE commit_id = ?1",
            [commit],
            |row| {
                let (At(created_at), At(updated_at)) = (row.get(5)?, row.get(6)?);
                Ok(CommitStatus {
                    updated_at,
                    id: row.get(1)?,
                    context: row.get(0)?,
                    state: row.get(2)?,
                    description: row.get(3)?,
                    url: row.get(4)?,
                    created_at,
                })
            },
        )?;
        let workflow_runs = self.all(
            "SELECT name, status, conclusion, url, started_at, completed_at, run_id, attempt,
                    workflow_id, event, suite_id
             FROM workflow_runs WHERE commit_id = ?1",
            [commit],
            |row| {
                Ok(WorkflowRun {
                    state: run_state(row)?,
                    id: row.get(6)?,
                    attempt: row.get(7)?,
                    workflow_id: row.get(8)?,
                    event: row.get(9)?,
                    suite_id: row.get(10)?,
                })
            },
        )?;
        let completed_suites =
            self.all("SELECT suite_id FROM check_suites WHERE commit_id = ?1", [commit], |row| {
                row.get(0)
            })?;
        Ok(CommitFacts { check_runs, statuses, workflow_runs, completed_suites })
    }

    /// What a check run wrote, and the step of its job that failed.
    fn written(&self, commit: i64, run: i64) -> Result<(Option<Excerpt>, Option<Excerpt>)> {
        let sql = "SELECT output, failed_step FROM check_runs WHERE commit_id = ?1 AND run_id = ?2";
        let found = self.one(sql, (commit, run), |row| {
            let (output, step) =
                (row.get::<_, Option<Json<_>>>(0)?, row.get::<_, Option<Json<_>>>(1)?);
            Ok((output.map(|Json(output)| output), step.map(|Json(step)| step)))
        })?;
        Ok(found.unwrap_or_default())
    }

    fn check_rows(&self, pull: PullId, sha: &CommitSha) -> Result<Vec<Check>> {
        self.all(
            "SELECT source, workflow, name, workflow_name, run_id, status, conclusion, url,
                    log_tail, started_at, completed_at
             FROM pr_checks WHERE pr_id = ?1 AND commit_hash = ?2",
            (pull, sha),
            |row| {
                Ok(Check {
                    key: check_key(row)?,
                    workflow_name: row.get(3)?,
                    suite_id: None,
                    run_id: row.get(4)?,
                    status: row.get(5)?,
                    conclusion: row.get(6)?,
                    url: row.get(7)?,
                    log_tail: row.get(8)?,
                    started_at: at(row, 9)?,
                    completed_at: at(row, 10)?,
                    stands_for_workflow: false,
                })
            },
        )
    }

    fn history(&self, pull: PullId) -> Result<Vec<HistoryEntry>> {
        self.all(
            "SELECT source, workflow, name, status, sha, head_at, superseded
             FROM (SELECT sha, head_at, superseded FROM pr_commits
                   JOIN commits ON commits.id = commit_id WHERE pr_id = ?1
                   ORDER BY head_at DESC, superseded, sha DESC LIMIT +?2)
             JOIN pr_checks ON pr_id = ?1 AND commit_hash = sha
             WHERE status IN ('passed', 'failed')",
            (pull, HISTORY_COMMITS),
            |row| {
                let At(at) = row.get(5)?;
                let commit = PullCommit { at, superseded: row.get(6)?, sha: row.get(4)? };
                Ok(HistoryEntry { commit, key: check_key(row)?, status: row.get(3)? })
            },
        )
    }

    fn branch_sessions(&self, project: &Project, branch: &str) -> Result<Vec<BranchSession>> {
        let sessions = self.all(
            &format!("{SESSION} WHERE project_id = ?1 AND branch = ?2"),
            (&project.id, branch),
            session_row,
        )?;
        let with_pulls = |session: Session| {
            let sql = "SELECT pr_state FROM pr WHERE session_id = ?1";
            let pulls = self.all(sql, [&session.id], |row| row.get(0))?;
            Ok(BranchSession { session, pulls })
        };
        sessions.into_iter().map(with_pulls).collect()
    }

    fn fresh_pull(&self) -> Result<PullId> {
        let newest = self.one("SELECT max(id) FROM pr", (), |row| row.get::<_, Option<i64>>(0))?;
        Ok(PullId(newest.flatten().unwrap_or(0) + 1))
    }

    fn nudge(&self, id: NudgeId) -> Result<Option<Nudge>> {
        self.one(&format!("{NUDGE} WHERE id = ?1"), [id], nudge_row)
    }

    fn one<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        row: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        self.connection.prepare_cached(sql)?.query_row(params, row).optional()
    }

    fn all<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        row: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.connection.prepare_cached(sql)?.query_map(params, row)?.collect()
    }
}

/// The check run that is seen again, if it was seen before.
fn observed_run(observation: &Observation) -> Option<i64> {
    if let Observation::CheckRun { run, .. } = observation { Some(run.run_id) } else { None }
}

const PROJECT: &str = "SELECT id, repo_id, repo, named_at, repo_origin_url, display_name, path,
    adopt, ci_seen, next_session, registered_at, archived_at, claimed_repo, claimed_url,
    nudges_paused, checks_only, checks_except, api_access, api_access_at FROM projects";

const SESSION: &str = "SELECT id, project_id, num, kind, session_state, termination_reason,
    is_alive, activity_state, branch, created_at, nudges_paused FROM sessions";

const NUDGE: &str = "SELECT id, kind, state, signature, session_id FROM nudges";

/// Nudges that can still be superseded.
const OPEN: &str = "state IN ('pending', 'held')";

fn at(row: &Row<'_>, column: usize) -> Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<At>>(column)?.map(|At(at)| at))
}

fn project_row(row: &Row<'_>) -> Result<Project> {
    let At(registered_at) = row.get(10)?;
    Ok(Project {
        id: row.get(0)?,
        repo_id: row.get(1)?,
        repo: row.get(2)?,
        named_at: at(row, 3)?,
        repo_origin_url: row.get(4)?,
        display_name: row.get(5)?,
        path: row.get(6)?,
        adopt: row.get(7)?,
        ci_seen: row.get(8)?,
        next_session: row.get(9)?,
        registered_at,
        archived_at: at(row, 11)?,
        claim: row.get::<_, Option<_>>(12)?.zip(row.get(13)?),
        nudges_paused: row.get(14)?,
        checks_only: row.get::<_, Json<_>>(15)?.0,
        checks_except: row.get::<_, Json<_>>(16)?.0,
        api_access: (row.get(17)?, at(row, 18)?),
    })
}

fn session_row(row: &Row<'_>) -> Result<Session> {
    let At(created_at) = row.get(9)?;
    Ok(Session {
        id: row.get(0)?,
        project_id: row.get(1)?,
        num: row.get(2)?,
        kind: row.get(3)?,
        state: row.get(4)?,
        termination_reason: row.get(5)?,
        is_alive: row.get(6)?,
        activity: row.get(7)?,
        branch: row.get(8)?,
        created_at,
        nudges_paused: row.get(10)?,
    })
}

/// A comment from its first ten columns, as it is where nothing else is said.
fn comment_row(row: &Row<'_>) -> Result<Comment> {
    let At(created_at) = row.get(9)?;
    Ok(Comment {
        deleted: false,
        updated_at: created_at,
        kind: row.get(0)?,
        id: row.get(1)?,
        root_id: row.get(2)?,
        review_id: row.get(3)?,
        author: row.get(4)?,
        file: row.get(5)?,
        line: row.get(6)?,
        body: row.get(7)?,
        url: row.get(8)?,
        created_at,
    })
}

fn pull_row(row: &Row<'_>) -> Result<PullRequest> {
    let (At(created_at), At(core_at), At(updated_at)) = (row.get(14)?, row.get(15)?, row.get(21)?);
    let core = PullCore {
        state: row.get(6)?,
        title: row.get(7)?,
        author: row.get(8)?,
        head_ref: row.get(9)?,
        head_sha: row.get(10)?,
        head_repo: row.get(11)?,
        base_ref: row.get(12)?,
        base_sha: row.get(13)?,
        created_at,
    };
    let candidates = match row.get::<_, Option<Json<_>>>(16)? {
        Some(Json(ties)) => ties,
        None => [core.clone()].into(),
    };
    let Json(memory) = row.get(22)?;
    Ok(PullRequest {
        id: row.get(0)?,
        project_id: row.get(1)?,
        repo_id: row.get(2)?,
        number: row.get(3)?,
        url: row.get(4)?,
        session_id: row.get(5)?,
        core,
        core_at,
        candidates,
        ci: row.get(17)?,
        review: row.get(18)?,
        mergeability: row.get(19)?,
        unresolved_comments: row.get(20)?,
        updated_at,
        memory,
    })
}

fn commit_row(row: &Row<'_>) -> Result<PullCommit> {
    let At(at) = row.get(1)?;
    Ok(PullCommit { at, superseded: row.get(2)?, sha: row.get(0)? })
}

fn nudge_row(row: &Row<'_>) -> Result<Nudge> {
    let (id, kind) = (row.get(0)?, row.get(1)?);
    Ok(Nudge { id, kind, state: row.get(2)?, signature: row.get(3)? })
}

fn run_state(row: &Row<'_>) -> Result<RunState> {
    Ok(RunState {
        name: row.get(0)?,
        status: row.get(1)?,
        conclusion: row.get(2)?,
        url: row.get(3)?,
        started_at: at(row, 4)?,
        completed_at: at(row, 5)?,
    })
}

fn check_key(row: &Row<'_>) -> Result<CheckKey> {
    Ok(CheckKey { source: row.get(0)?, workflow: row.get(1)?, name: row.get(2)? })
}
