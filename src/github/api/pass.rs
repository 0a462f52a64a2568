//! One repository compared with GitHub: its open pull requests, those that are open here only, and those that
//! ended while nobody told us.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use tokio::task::JoinSet;

use super::budget::Priority;
use super::error::GithubError;
use super::github::{Github, Repo};
use super::reading::{Reading, Taken, malformed};
use super::refresh::{PullAsked, PullRefreshed};
use super::request::Asker;
use crate::domain::{Mergeability, PullRead, RepoName, ScmObservation, Thread, Timestamp};
use crate::engine::Found;
use crate::github::webhook::rest::{self, ShownPull};
use crate::store::reads::{KnownPull, WatchedProject};

/// Pull requests of one repository that are read at once.
const AT_ONCE: usize = 10;
/// Pages of a hundred pull requests that ended lately.
const MOST_ENDED: usize = 10;
/// Pull requests that ended and of which something was withheld: so many are read again in the next passes.
const MOST_OWED: usize = 50;

/// What is remembered of a repository between two passes.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pulls: HashMap<i64, Taken>,
    /// Pull requests that ended and were read since, with the stamp they had.
    ended: HashMap<i64, Timestamp>,
    /// Those that ended and of which the App was not let see all.
    owed: BTreeSet<i64>,
}

/// What is found of one pull request, to be taken in together.
pub(super) struct Portion {
    pub(super) number: i64,
    pub(super) found: Vec<Found>,
    /// It was not known here.
    pub(super) new: bool,
    taken: Taken,
    /// The App was not let see all of it.
    withheld: bool,
    /// It has ended: its stamp.
    ended_at: Option<Timestamp>,
}

/// A pass over one repository.
pub(super) struct Pass {
    repo: Arc<Repo>,
    known: BTreeMap<i64, KnownPull>,
    /// What ended before was compared after it had.
    since: Option<Timestamp>,
    /// Conversations and threads are read of all, not of those alone that have changed.
    thorough: bool,
}

/// What a repository showed.
pub(super) struct Shown {
    pub(super) portions: Vec<Portion>,
    /// What could not be read: the pass is not whole.
    pub(super) failed: Option<GithubError>,
}

impl Memory {
    /// What was found of a pull request has been taken in.
    pub(super) fn took(&mut self, portion: Portion) {
        let number = portion.number;
        match portion.ended_at {
            Some(_) if portion.withheld => {
                if self.owed.len() < MOST_OWED {
                    self.owed.insert(number);
                }
            }
            Some(at) => {
                self.owed.remove(&number);
                self.ended.insert(number, at);
            }
            // It is read anew in the next pass.
            None if portion.withheld => {}
            None => drop(self.pulls.insert(number, portion.taken)),
        }
    }
}

impl Pass {
    /// Begins a pass over a project's repository, wherever that has gone meanwhile. A new name is a fact of its own.
    ///
    /// # Errors
    /// The repository cannot be asked about.
    pub(super) async fn begin(
        github: &Github,
        project: &WatchedProject,
        known: Vec<KnownPull>,
        since: Option<Timestamp>,
        thorough: bool,
    ) -> Result<(Self, Option<Found>), GithubError> {
        let (repo, renamed) = find(github, project).await?;
        let known = known.into_iter().map(|pull| (pull.number, pull)).collect();
        Ok((Self { repo: Arc::new(repo), known, since, thorough }, renamed))
    }

    /// Reads everything that may differ.
    ///
    /// # Errors
    /// Not even the list of open pull requests can be had.
    pub(super) async fn read(&self, memory: &mut Memory) -> Result<Shown, GithubError> {
        let open = self.listed("/pulls?state=open&sort=created&direction=asc").await?;
        let numbers: BTreeSet<i64> = open.iter().map(|shown| shown.pull.number).collect();
        let mut pulls = open;
        let mut failed = None;
        match self.ended(&numbers, memory).await {
            Ok(ended) => pulls.extend(ended),
            Err(error) => failed = Some(error),
        }
        memory.pulls.retain(|number, _| numbers.contains(number));

        let watched = self.known.values().map(|pull| pull.core_at).min();
        let how = How { watched, since: self.since, thorough: self.thorough };
        let mut portions = Vec::new();
        let mut readings = JoinSet::new();
        let mut waiting = pulls.iter();
        loop {
            while readings.len() < AT_ONCE
                && failed.as_ref().is_none_or(|error| !error.is_general())
                && let Some(shown) = waiting.next()
            {
                let number = shown.pull.number;
                let known = self.known.get(&number).cloned();
                let taken = memory.pulls.get(&number).cloned().unwrap_or_default();
                let (repo, shown) = (Arc::clone(&self.repo), shown.clone());
                readings.spawn(async move { read(&repo, shown, known, taken, how).await });
            }
            match readings.join_next().await {
                None => break,
                Some(Ok(Ok(portion))) => portions.push(portion),
                Some(Ok(Err(error))) => failed = Some(error),
                Some(Err(error)) => {
                    failed = Some(GithubError::Malformed(format!("a reading died: {error}")));
                }
            }
        }
        if let Err(error) = self.threads(&pulls, &mut portions).await {
            failed = Some(error);
        }
        for portion in &mut portions {
            let shown = pulls.iter().find(|shown| shown.pull.number == portion.number);
            let ended = shown.filter(|shown| !shown.pull.core.state.is_open());
            portion.ended_at = ended.map(|shown| shown.pull.updated_at);
        }
        // In the order of their numbers, so that two passes over the same register alike.
        portions.sort_by_key(|portion| portion.number);
        Ok(Shown { portions, failed })
    }

    async fn listed(&self, path: &str) -> Result<Vec<ShownPull>, GithubError> {
        let pages = self.repo.pages("pulls", path).await?;
        let mut pulls = Vec::new();
        for body in &pages.bodies {
            pulls.extend(rest::pulls(body).map_err(malformed)?.items);
        }
        Ok(pulls)
    }

    /// Pull requests that are open here and not there, and those that ended lately and were not compared since.
    /// Of a project that is compared for the first time: since we know anything of it.
    async fn ended(
        &self,
        open: &BTreeSet<i64>,
        memory: &Memory,
    ) -> Result<Vec<ShownPull>, GithubError> {
        let mut ended = BTreeMap::new();
        let watched = self.known.values().map(|pull| pull.core_at).min();
        if let Some(since) = self.since.or(watched) {
            let path = "/pulls?state=closed&sort=updated&direction=desc&per_page=100".to_owned();
            let mut next = Some(self.repo.path(&path));
            let mut pages = 0;
            while let Some(path) = next.take().filter(|_| pages < MOST_ENDED) {
                let listed = self.repo.github.client.get(self.repo.asker("pulls"), &path).await?;
                let mut shown = rest::pulls(&listed.body).map_err(malformed)?.items;
                let all = shown.len();
                shown.retain(|shown| shown.pull.updated_at >= since);
                next = listed.next.filter(|_| shown.len() == all);
                pages += 1;
                for shown in shown {
                    let (number, at) = (shown.pull.number, shown.pull.updated_at);
                    if memory.ended.get(&number) != Some(&at) {
                        ended.insert(number, shown);
                    }
                }
            }
        }
        let known_open = self.known.values().filter(|known| known.state.is_open());
        for number in known_open.map(|known| known.number).chain(memory.owed.iter().copied()) {
            if !open.contains(&number) && !ended.contains_key(&number) {
                let asked = self.repo.get("pull", &format!("/pulls/{number}")).await;
                if let Some(answer) = self.repo.possible(asked)? {
                    ended.insert(number, rest::pull(&answer.body).map_err(malformed)?);
                }
            }
        }
        Ok(ended.into_values().collect())
    }

    /// Whether threads are resolved, which GraphQL alone tells, of the pull requests whose comments were read.
    async fn threads(
        &self,
        pulls: &[ShownPull],
        portions: &mut [Portion],
    ) -> Result<(), GithubError> {
        let has_comments = |portion: &Portion| {
            portion.found.iter().any(|found| {
                matches!(found, Found::Fact(fact)
                    if matches!(**fact, ScmObservation::Comment { pull: Some(_), .. }))
            })
        };
        let wanted = portions.iter().filter(|it| has_comments(it)).map(|it| it.number);
        let wanted: BTreeSet<i64> = wanted.collect();
        let asked: Vec<PullAsked> = pulls
            .iter()
            .filter(|shown| wanted.contains(&shown.pull.number))
            .map(|shown| PullAsked { repo: self.repo.name.clone(), number: shown.pull.number })
            .collect();
        if asked.is_empty() {
            return Ok(());
        }
        let refreshed = self.repo.github.refresh_within(&asked, Priority::Reconcile, true).await;
        for (asked, refreshed) in refreshed {
            let refreshed = match refreshed {
                Ok(refreshed) => refreshed,
                Err(error) if error.is_general() => return Err(error),
                Err(error) => {
                    tracing::debug!(%error, number = asked.number, "no threads");
                    continue;
                }
            };
            if let Some(portion) = portions.iter_mut().find(|it| it.number == asked.number) {
                portion.found.extend(threads_of(refreshed));
            }
        }
        Ok(())
    }
}

fn threads_of(refreshed: PullRefreshed) -> Vec<Found> {
    let PullRefreshed { repo, pull, threads, .. } = refreshed;
    let threads = threads.unwrap_or_default().into_iter();
    let fact = |(root_id, resolved)| ScmObservation::Thread {
        repo: repo.clone(),
        thread: Thread { root_id, resolved, at: pull.updated_at },
        pull: pull.clone(),
        comments: Vec::new(),
    };
    threads.map(|thread| Found::Fact(Box::new(fact(thread)))).collect()
}

/// The project's repository, by its name or, where that leads nowhere, by its number.
async fn find(
    github: &Github,
    project: &WatchedProject,
) -> Result<(Repo, Option<Found>), GithubError> {
    let by_name = github.repo(&project.repo, Priority::Reconcile).await;
    let lost = match by_name {
        Ok(repo) => return Ok((repo, None)),
        Err(error @ (GithubError::NotInstalled | GithubError::NotFound)) => error,
        Err(other) => return Err(other),
    };
    let Some(id) = project.repo_id else { return Err(lost) };
    let Some(speaker) = github.any_installation() else { return Err(lost) };
    let asker = Asker { speaker, kind: "repository", priority: Priority::Reconcile };
    let Ok(answer) = github.client.get(asker, &format!("/repositories/{}", id.0)).await else {
        return Err(lost);
    };
    let seen = rest::repository(&answer.body).map_err(malformed)?;
    let same = seen.name.as_str().eq_ignore_ascii_case(project.repo.as_str());
    if same || seen.id != id {
        return Err(lost);
    }
    let name: RepoName = seen.name.clone();
    let repo = github.repo(&name, Priority::Reconcile).await?;
    let renamed = ScmObservation::Repository { repo: seen };
    Ok((repo, Some(Found::Fact(Box::new(renamed)))))
}

fn pull_created(shown: &ShownPull) -> Timestamp {
    shown.pull.core.created_at
}

/// How a pull request is read.
#[derive(Debug, Clone, Copy)]
struct How {
    /// We have watched since then, at least.
    watched: Option<Timestamp>,
    /// What changed before was compared after it had.
    since: Option<Timestamp>,
    /// Its conversation is read although nothing speaks for a change.
    thorough: bool,
}

/// Reads one pull request.
async fn read(
    repo: &Repo,
    shown: ShownPull,
    known: Option<KnownPull>,
    taken: Taken,
    how: How,
) -> Result<Portion, GithubError> {
    let number = shown.pull.number;
    let (at, head) = (shown.pull.updated_at, shown.pull.core.head_sha.clone());
    let mut reading = Reading::new(repo, taken);
    // Checks come first: with their pull request all of them are there.
    reading.head(&shown).await?;
    let moved = known.as_ref().is_some_and(|known| known.head != head);
    let differs = known.as_ref().is_none_or(|known| known.core_at.as_second() != at.as_second());
    let uncertain = known.as_ref().is_some_and(|known| known.mergeability == Mergeability::Unknown);
    let open = shown.pull.core.state.is_open();
    let mut whole = shown.clone();
    if differs || (uncertain && open) || reading.taken.asked_at != Some(at) {
        let asked_at = repo.github.there();
        let asked = repo.get("pull", &format!("/pulls/{number}")).await;
        if let Some(answer) = reading.possible(asked)? {
            whole = rest::pull(&answer.body).map_err(malformed)?;
            whole.pull.read = Some(PullRead { at: asked_at, review: None });
        }
        reading.taken.asked_at = Some(at);
    }
    let ShownPull { repo: of, pull } = whole.clone();
    reading.found.push(Found::Fact(Box::new(ScmObservation::Pull { repo: of, pull })));
    if let Some(known) = &known {
        let mut heads: Vec<_> = known.old_heads.iter().filter(|sha| **sha != head).collect();
        heads.extend(moved.then_some(&known.head));
        for sha in &heads {
            reading.former_head(&whole, sha, true).await?;
        }
    }
    // A payload may name a later head only: those between are in no payload that came.
    let ours = known.is_some() || how.watched.is_some_and(|it| pull_created(&shown) >= it);
    let lately = how.since.is_none_or(|since| at >= since);
    if ours && lately && reading.taken.walked.as_ref() != Some(&head) {
        let known_heads = known.iter().flat_map(|it| it.old_heads.iter().chain([&it.head]));
        let known_heads: BTreeSet<_> = known_heads.cloned().collect();
        reading.missed_heads(&whole, &known_heads).await?;
        reading.taken.walked = Some(head);
    }
    if how.thorough || reading.taken.conversed_at != Some(at) {
        reading.conversation(&whole).await?;
    }
    let Reading { found, taken, withheld, .. } = reading;
    Ok(Portion { number, found, new: known.is_none(), taken, withheld, ended_at: None })
}
