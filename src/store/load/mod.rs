//! Loads what an observation may touch.

mod pull;
mod rows;

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension, Result, Row};

use crate::domain::{
    CheckRun, CommandObservation, Comment, CommitFacts, CommitSha, Nudge, NudgeId, Observation,
    Paused, Project, ProjectId, PullId, PullRequest, PullSeen, RepoId, RepoName, RepoSeen, Report,
    ScmObservation, Session, SessionId, Thread, Timestamp,
};
use crate::lifecycle::{BranchSession, Snapshot, Talk, needs_history, slug_stem};

use super::codec::At;
use super::commits::{CommitMemory, Commits};
use super::outbox;
use rows::{
    NUDGE, OPEN, PROJECT, PULL, SESSION, comment_row, nudge_row, project_row, pull_row, session_row,
};

/// A snapshot for `reduce`. Must run in the transaction that saves its outcome.
pub(crate) fn load(
    connection: &Connection,
    memory: &CommitMemory,
    observation: &Observation,
) -> Result<Snapshot> {
    let loader = Loader { connection, commits: Commits { connection, memory } };
    match observation {
        Observation::Scm(seen) => loader.for_scm(seen, observation),
        Observation::Command(CommandObservation::ConfigureProject { id, config }) => {
            let other_projects = loader.holders(id, config.repo.as_ref())?;
            Ok(Snapshot { other_projects, ..loader.for_project(id)? })
        }
        Observation::Command(CommandObservation::ArchiveProject { id }) => loader.for_project(id),
        Observation::Command(CommandObservation::PauseNudges { whom, .. }) => match whom {
            Paused::Project(id) => loader.for_project(id),
            Paused::Session(id) => loader.for_session(id),
        },
        Observation::Command(CommandObservation::AcknowledgeNudge { nudge }) => {
            Ok(Snapshot { nudge: loader.nudge(*nudge)?, ..empty() })
        }
        Observation::Report(
            Report::NudgeSent { nudge, .. } | Report::NudgeNotSent { nudge, .. },
        ) => {
            let errand = outbox::errand(connection, *nudge)?;
            Ok(Snapshot { nudge: loader.nudge(*nudge)?, errand, ..empty() })
        }
        Observation::Timer(due) => loader.for_timer(due.pull, observation),
    }
}

fn observed_run(observation: &Observation) -> Option<&CheckRun> {
    match observation {
        Observation::Scm(ScmObservation::CheckRun { run, .. }) => Some(run),
        Observation::Scm(_)
        | Observation::Command(_)
        | Observation::Report(_)
        | Observation::Timer(_) => None,
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
    commits: Commits<'c>,
}

impl Loader<'_> {
    fn for_scm(&self, seen: &ScmObservation, observation: &Observation) -> Result<Snapshot> {
        match seen {
            ScmObservation::Pull { repo, pull } | ScmObservation::Review { repo, pull, .. } => {
                self.for_pull(repo, pull, observation)
            }
            ScmObservation::Comment { repo, pull: Some(pull), .. }
            | ScmObservation::Thread { repo, pull, .. } => self.for_pull(repo, pull, observation),
            ScmObservation::Comment { repo, pull: None, number, .. } => {
                self.for_comment(repo, *number, observation)
            }
            ScmObservation::Push { repo, branch, .. } => self.for_push(repo, branch, observation),
            ScmObservation::Repository { repo } => self.for_repo(repo),
            ScmObservation::Access { repos, account, .. } => Ok(Snapshot {
                other_projects: self.accessed(repos, account.as_deref())?,
                ..empty()
            }),
            ScmObservation::CheckRun { repo, sha, .. }
            | ScmObservation::Status { repo, sha, .. }
            | ScmObservation::SuiteCompleted { repo, sha, .. }
            | ScmObservation::WorkflowRun { repo, sha, .. } => {
                self.for_commit(repo, sha, observation)
            }
        }
    }

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
                snapshot.facts.insert(sha.clone(), self.commits.facts(repo.id, sha)?);
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
                    snapshot.fresh_base = self.commits.facts(repo.id, &seen.core.base_sha)?;
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
        let at_head = BTreeMap::from([(head.clone(), self.commits.facts(pull.repo_id, head)?)]);
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
        let Some(commit) = self.commits.known(repo.id, sha, observed_run(observation))? else {
            return Ok(snapshot);
        };
        snapshot.facts.insert(sha.clone(), commit.facts);
        let failed = needs_history(&snapshot.facts, observation);
        let pulls = self.all(
            &format!(
                "{PULL} WHERE id IN (SELECT pr_id FROM pr_commits WHERE commit_id = ?1) ORDER BY id"
            ),
            [commit.id],
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
        snapshot.facts.insert(head.clone(), self.commits.facts(pull.repo_id, &head)?);
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
