//! What people ask for: acknowledging, pausing, and a project's settings.

use crate::domain::{
    Budget, CommandObservation, Nudge, NudgeId, NudgeState, Paused, Project, ProjectConfig,
    ProjectId, SessionId, TaskName,
};

use super::Key;
use super::delivery::Voice;
use super::reducer::Reducer;
use super::refusal::Refusal;
use super::scm::{self, new_project, same_name};
use super::session_commands;

pub(super) fn reduce(to: &mut Reducer<'_>, asked: &CommandObservation) -> Result<(), Refusal> {
    match asked {
        CommandObservation::AcknowledgeNudge { nudge } => acknowledge(to, *nudge),
        CommandObservation::ConfigureProject { id, config } => configure(to, id, config),
        CommandObservation::ArchiveProject { id } => archive(to, id),
        CommandObservation::PauseNudges { whom: Paused::Project(id), paused } => {
            pause_project(to, id, *paused)
        }
        CommandObservation::PauseNudges { whom: Paused::Session(id), paused } => {
            pause_session(to, id, *paused)
        }
        CommandObservation::Session(asked) => session_commands::ask(to, asked),
    }
}

/// Takes note of a nudge, unless it is no longer true.
fn acknowledge(to: &mut Reducer<'_>, id: NudgeId) -> Result<(), Refusal> {
    let nudge = to.known.nudge(id).cloned().ok_or(Refusal::NoNudge)?;
    match nudge.state {
        NudgeState::Pending
        | NudgeState::Held
        | NudgeState::Handed
        | NudgeState::Delivered
        | NudgeState::Unconfirmed
        | NudgeState::Failed => {
            let acknowledged_at = nudge.acknowledged_at.or(Some(to.now));
            let (state, held_because) = (NudgeState::Acknowledged, None);
            to.known.put_nudge(Nudge { state, held_because, acknowledged_at, ..(*nudge).clone() });
            to.known.drop_task(&TaskName::of(&nudge));
        }
        NudgeState::Acknowledged | NudgeState::Superseded => {}
    }
    Ok(())
}

fn pause_project(to: &mut Reducer<'_>, id: &ProjectId, paused: bool) -> Result<(), Refusal> {
    let known = to.known.project(id).cloned().ok_or(Refusal::NoProject)?;
    to.known.put_project(Project { nudges_paused: paused, ..(*known).clone() });
    hold_or_release(to, id, |_| true);
    Ok(())
}

fn pause_session(to: &mut Reducer<'_>, id: &SessionId, paused: bool) -> Result<(), Refusal> {
    let known = to.known.session(id).cloned().ok_or(Refusal::NoSession)?;
    if known.nudges_paused != paused {
        let mut session = (*known).clone();
        (session.nudges_paused, session.updated_at) = (paused, to.now);
        to.known.put_session(session);
    }
    hold_or_release(to, &known.project_id, |nudge| nudge.session_id.as_ref() == Some(id));
    Ok(())
}

/// Open nudges to a project's agents wait while their agent is not spoken to, and only then.
fn hold_or_release(to: &mut Reducer<'_>, id: &ProjectId, concerns: impl Fn(&Nudge) -> bool) {
    let Some(project) = to.known.project(id).cloned() else { return };
    let open: Vec<NudgeId> = to.known.open_nudges_of_project(id).iter().copied().collect();
    for id in open {
        let Some(nudge) = to.known.nudge(id).cloned().filter(|nudge| concerns(nudge)) else {
            continue;
        };
        let session = nudge.session_id.as_ref().and_then(|id| to.known.session(id)).cloned();
        let mut voice =
            Voice { policy: to.policy, now: to.now, known: to.known, project: &project };
        voice.offer((*nudge).clone(), session.as_deref());
    }
}

/// Registers a project by name, or changes the settings of one. A project that was archived is
/// watched again.
fn configure(to: &mut Reducer<'_>, id: &ProjectId, config: &ProjectConfig) -> Result<(), Refusal> {
    let known = to.known.project(id).cloned();
    let mut project = match (&known, &config.repo) {
        (Some(project), _) => (**project).clone(),
        (None, Some(repo)) => new_project(id.clone(), repo, to.policy.adopt, to.now),
        (None, None) => return Err(Refusal::RepoMissing),
    };
    let is_watched = |repo| {
        let named = to.known.projects(&Key::named(repo)).iter().filter(|other| *other != id);
        let mut others = named.filter_map(|other| to.known.project(other));
        others.any(|other| same_name(&other.repo, repo))
    };
    if known.is_none() && is_watched(&project.repo) {
        return Err(Refusal::RepoWatched);
    }
    if let Some(repo) = config.repo.as_ref().filter(|repo| !same_name(repo, &project.repo)) {
        if project.repo_id.is_some() {
            return Err(Refusal::RepoBound);
        }
        if is_watched(repo) {
            return Err(Refusal::RepoWatched);
        }
        project.repo = repo.clone();
        project.repo_origin_url = format!("https://github.com/{}", repo.as_str()).into();
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
    set(&mut project.trust, config.trust.as_ref());
    set(&mut project.rerun, config.rerun.as_ref());
    project.archived_at = None;
    to.known.put_project(project);
    if let Some(rule) = config.budget {
        let budget = to.known.budget(id).unwrap_or_default();
        to.known.put_budget(id, Budget { rule, ..budget });
    }
    hold_or_release(to, id, |_| true);
    if config.changes_what_counts() {
        scm::follow_all(to, id);
    }
    Ok(())
}

/// Stops watching a project; its rows stay.
fn archive(to: &mut Reducer<'_>, id: &ProjectId) -> Result<(), Refusal> {
    let known = to.known.project(id).cloned().ok_or(Refusal::NoProject)?;
    let archived_at = known.archived_at.or(Some(to.now));
    to.known.put_project(Project { archived_at, ..(*known).clone() });
    Ok(())
}
