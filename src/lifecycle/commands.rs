//! What people ask for: acknowledging, pausing, and a project's settings.

use crate::domain::{
    Nudge, NudgeState, Paused, Project, ProjectConfig, ProjectId, RepoName, Session, Timestamp,
};

use super::ownership::new_project;
use super::reactions::agent_is_free;
use super::refusal;
use super::snapshot::{Outcome, Policy, ProjectChange, Snapshot};

/// Takes note of a nudge, unless it is no longer true.
pub(super) fn acknowledge(snapshot: &Snapshot) -> Result<Outcome, &'static str> {
    let open = |state| match state {
        NudgeState::Pending | NudgeState::Held | NudgeState::Delivered | NudgeState::Failed => true,
        NudgeState::Acknowledged | NudgeState::Superseded => false,
    };
    let nudge = snapshot.nudge.as_ref().ok_or(refusal::NO_NUDGE)?;
    let nudges = open(nudge.state).then_some((nudge.id, NudgeState::Acknowledged));
    Ok(Outcome { nudges: nudges.into_iter().collect(), ..Outcome::default() })
}

/// Holds open nudges to agents back, or lets them go.
pub(super) fn pause(
    snapshot: Snapshot,
    whom: &Paused,
    paused: bool,
) -> Result<Outcome, &'static str> {
    let mut outcome = Outcome::default();
    let mut session = snapshot.session;
    let missing = match whom {
        Paused::Project(_) => refusal::NO_PROJECT,
        Paused::Session(_) => refusal::NO_SESSION,
    };
    let mut project = snapshot.project.ok_or(missing)?;
    match whom {
        Paused::Project(_) => {
            project.nudges_paused = paused;
            outcome.projects.push(ProjectChange::Update(project.clone()));
        }
        Paused::Session(_) => {
            let session = session.as_mut().ok_or(refusal::NO_SESSION)?;
            session.nudges_paused = paused;
            outcome.session = Some(session.clone());
        }
    }
    outcome.nudges = hold_or_release(&project, session.as_ref(), &snapshot.held_back);
    Ok(outcome)
}

/// The states that open nudges to agents change to. `paused` is the session as it is from now on.
fn hold_or_release(
    project: &Project,
    paused: Option<&Session>,
    open: &[(Nudge, Option<Session>)],
) -> Vec<(crate::domain::NudgeId, NudgeState)> {
    let next = |(nudge, session): &(Nudge, Option<Session>)| {
        let session = paused.or(session.as_ref());
        let free = agent_is_free(project, session);
        let state = if free { NudgeState::Pending } else { NudgeState::Held };
        (nudge.state != state).then_some((nudge.id, state))
    };
    open.iter().filter_map(next).collect()
}

/// Registers a project by name, or changes the settings of one. A project that was archived is
/// watched again.
pub(super) fn configure(
    snapshot: Snapshot,
    id: &ProjectId,
    config: &ProjectConfig,
    policy: &Policy,
    now: Timestamp,
) -> Result<Outcome, &'static str> {
    let is_new = snapshot.project.is_none();
    let mut project = match (snapshot.project, &config.repo) {
        (Some(project), _) => project,
        (None, Some(repo)) => {
            Project { id: id.clone(), ..new_project(repo, &[], policy.adopt, now) }
        }
        (None, None) => return Err(refusal::REPO_MISSING),
    };
    // Names of repositories are compared without case, as GitHub does.
    let same = |a: &RepoName, b: &RepoName| a.as_str().eq_ignore_ascii_case(b.as_str());
    if snapshot.other_projects.iter().any(|other| same(&other.repo, &project.repo) && is_new) {
        return Err(refusal::REPO_WATCHED);
    }
    if let Some(repo) = config.repo.as_ref().filter(|repo| !same(repo, &project.repo)) {
        if project.repo_id.is_some() {
            return Err(refusal::REPO_BOUND);
        }
        if snapshot.other_projects.iter().any(|other| same(&other.repo, repo)) {
            return Err(refusal::REPO_WATCHED);
        }
        project.repo = repo.clone();
        project.repo_origin_url = format!("https://github.com/{}", repo.as_str());
    }
    if let Some(url) = config.repo_url.as_ref().filter(|_| project.repo_id.is_none()) {
        project.repo_origin_url.clone_from(url);
    }
    fn set<T: Clone>(slot: &mut T, value: Option<&T>) {
        if let Some(value) = value {
            slot.clone_from(value);
        }
    }
    if let Some(path) = &config.path {
        project.path = (!path.is_empty()).then(|| path.clone());
    }
    set(&mut project.display_name, config.display_name.as_ref());
    set(&mut project.adopt, config.adopt.as_ref());
    set(&mut project.nudges_paused, config.nudges_paused.as_ref());
    set(&mut project.checks_only, config.checks_only.as_ref());
    set(&mut project.checks_except, config.checks_except.as_ref());
    project.archived_at = None;
    let nudges = hold_or_release(&project, None, &snapshot.held_back);
    let change = if is_new { ProjectChange::Register } else { ProjectChange::Update };
    Ok(Outcome { projects: vec![change(project)], nudges, ..Outcome::default() })
}

/// Stops watching a project; its rows stay.
pub(super) fn archive(snapshot: Snapshot, now: Timestamp) -> Result<Outcome, &'static str> {
    let mut project = snapshot.project.ok_or(refusal::NO_PROJECT)?;
    project.archived_at = project.archived_at.or(Some(now));
    Ok(Outcome { projects: vec![ProjectChange::Update(project)], ..Outcome::default() })
}

/// Takes down whether the app may still ask GitHub about repositories: the newest word; at a tie no.
pub(super) fn access(snapshot: Snapshot, granted: bool, at: Timestamp) -> Outcome {
    let order = |granted: bool, at| (at, !granted);
    let changed = snapshot.other_projects.into_iter().filter_map(|mut project| {
        let (known, known_at) = project.api_access;
        let newer = order(granted, Some(at)) > order(known, known_at);
        project.api_access = (granted, Some(at));
        newer.then_some(ProjectChange::Update(project))
    });
    Outcome { projects: changed.collect(), ..Outcome::default() }
}
