//! What people ask of sessions. Each is written down before anything is done outside, so that one that was cut off
//! is finished or taken back.

use crate::domain::{
    Activity, ActivitySource, ActivityState, Operation, OperationKind, Project, ProjectId, Session,
    SessionCommand, SessionId, SessionKind, SessionMemory, SessionState, SessionWanted,
    TerminationReason, Text,
};

use super::reducer::Reducer;
use super::refusal::Refusal;
use super::session::end;
use super::sessions::settle;

pub(super) fn ask(to: &mut Reducer<'_>, asked: &SessionCommand) -> Result<(), Refusal> {
    match asked {
        SessionCommand::Spawn(wanted) => spawn(to, wanted),
        SessionCommand::Kill { session } => kill(to, session),
        SessionCommand::Restore { session, launch_id, is_fresh } => {
            restore(to, session, launch_id, *is_fresh)
        }
        SessionCommand::Cleanup { session } => cleanup(to, session),
        SessionCommand::Tell { session } => tell(to, session),
    }
}

/// The branch of a session that was given none.
pub(super) fn own_branch(id: &SessionId) -> Text {
    format!("nudged/{}", id.0).into()
}

/// The row of a session whose agent is to be started, or runs elsewhere.
fn spawn(to: &mut Reducer<'_>, wanted: &SessionWanted) -> Result<(), Refusal> {
    let project = to.known.project(&wanted.project).cloned().ok_or(Refusal::NoProject)?;
    if project.archived_at.is_some() {
        return Err(Refusal::Archived);
    }
    let num = project.next_session;
    let id = SessionId::new(&project.id, num);
    let branch = match (&wanted.branch, wanted.is_external) {
        (Some(branch), _) => Some(branch.clone()),
        (None, true) => None,
        (None, false) => Some(own_branch(&id)),
    };
    if let Some(branch) = &branch {
        refuse_taken(to, &project.id, branch, None)?;
    }
    to.known.put_project(Project { next_session: num + 1, ..(*project).clone() });
    let is_external = wanted.is_external;
    let operation = Operation { kind: OperationKind::Spawn, since: to.now };
    to.known.put_session(Session {
        id,
        project_id: project.id.clone(),
        num,
        issue_id: wanted.issue_id.clone(),
        kind: if is_external { SessionKind::External } else { SessionKind::Worker },
        harness: wanted.harness.clone(),
        state: if is_external { SessionState::Working } else { SessionState::NotStarted },
        termination_reason: None,
        is_alive: is_external,
        activity: Activity {
            state: ActivityState::Active,
            last_at: to.now,
            source: ActivitySource::None,
        },
        detecting: None,
        nudges_paused: false,
        branch,
        workspace_path: None,
        runtime: None,
        agent_session_id: None,
        transcript_path: None,
        launch_id: Some(wanted.launch_id.clone()),
        operation: (!is_external).then_some(operation),
        failure: None,
        token_hash: None,
        freed_bytes: None,
        prompt: wanted.prompt.clone(),
        memory: SessionMemory::default(),
        created_at: to.now,
        updated_at: to.now,
    });
    Ok(())
}

/// Two living sessions never work on one branch.
fn refuse_taken(
    to: &Reducer<'_>,
    project: &ProjectId,
    branch: &Text,
    own: Option<&SessionId>,
) -> Result<(), Refusal> {
    let others = to.known.sessions_of_branch(project, branch).iter().filter(|id| Some(*id) != own);
    let mut others = others.filter_map(|id| to.known.session(id));
    match others.any(|other| !other.state.is_terminal()) {
        true => Err(Refusal::BranchTaken),
        false => Ok(()),
    }
}

/// Its runtime is to be ended. What has ended stays so, and a restore that is under way comes to nothing.
fn kill(to: &mut Reducer<'_>, id: &SessionId) -> Result<(), Refusal> {
    let before = to.known.session(id).cloned().ok_or(Refusal::NoSession)?;
    let mut next = (*before).clone();
    let kind = before.operation.map(|operation| operation.kind);
    let starts = matches!(
        kind,
        Some(OperationKind::Spawn | OperationKind::Restore | OperationKind::RestoreFresh)
    );
    if kind == Some(OperationKind::Kill) || (before.state.is_terminal() && !starts) {
        return Ok(());
    }
    if starts || before.runtime.is_some() {
        next.operation = Some(Operation { kind: OperationKind::Kill, since: to.now });
    } else {
        end(&mut next, TerminationReason::ManuallyKilled);
    }
    settle(to, &before, next, None);
    Ok(())
}

fn restore(
    to: &mut Reducer<'_>,
    id: &SessionId,
    launch_id: &Text,
    is_fresh: bool,
) -> Result<(), Refusal> {
    let before = to.known.session(id).cloned().ok_or(Refusal::NoSession)?;
    ours_and_at_rest(&before)?;
    let project = to.known.project(&before.project_id).ok_or(Refusal::NoProject)?;
    if project.archived_at.is_some() {
        return Err(Refusal::Archived);
    }
    if let Some(branch) = &before.branch {
        refuse_taken(to, &before.project_id, branch, Some(id))?;
    }
    let kind = if is_fresh { OperationKind::RestoreFresh } else { OperationKind::Restore };
    let next = Session {
        launch_id: Some(launch_id.clone()),
        operation: Some(Operation { kind, since: to.now }),
        failure: None,
        memory: SessionMemory { is_heard: false, ..before.memory.clone() },
        ..(*before).clone()
    };
    settle(to, &before, next, None);
    Ok(())
}

fn cleanup(to: &mut Reducer<'_>, id: &SessionId) -> Result<(), Refusal> {
    let before = to.known.session(id).cloned().ok_or(Refusal::NoSession)?;
    ours_and_at_rest(&before)?;
    if before.workspace_path.is_none() {
        return Ok(());
    }
    let operation = Some(Operation { kind: OperationKind::Cleanup, since: to.now });
    let next = Session { operation, failure: None, ..(*before).clone() };
    settle(to, &before, next, None);
    Ok(())
}

/// Somebody is there who could hear it.
fn tell(to: &Reducer<'_>, id: &SessionId) -> Result<(), Refusal> {
    let session = to.known.session(id).ok_or(Refusal::NoSession)?;
    match session.operation.map(|operation| operation.kind) {
        _ if session.kind == SessionKind::External => Err(Refusal::SessionElsewhere),
        Some(_) => Err(Refusal::SessionBusy),
        None if session.state.is_terminal() || session.runtime.is_none() => {
            Err(Refusal::SessionEnded)
        }
        None => Ok(()),
    }
}

/// It was started here, has ended, and nothing is being done to it.
fn ours_and_at_rest(session: &Session) -> Result<(), Refusal> {
    if session.kind == SessionKind::External {
        return Err(Refusal::SessionElsewhere);
    }
    if !session.state.is_terminal() {
        return Err(Refusal::SessionLives);
    }
    if session.operation.is_some() { Err(Refusal::SessionBusy) } else { Ok(()) }
}
