//! Which session a pull request belongs to.

use crate::domain::{
    Activity, ActivitySource, ActivityState, Adopt, Project, PullCore, PullSeen, Session,
    SessionId, SessionKind, SessionMemory, SessionState, Timestamp,
};
use crate::lifecycle::reducer::Reducer;
use crate::lifecycle::refusal::Refusal;

use super::naming::Watched;

/// Who owns a pull request.
pub(super) enum Owner {
    /// A session that is there.
    Known(SessionId),
    /// One of its own, which is to be created.
    Adopted(Box<Session>),
}

impl Owner {
    pub(super) fn id(&self) -> &SessionId {
        match self {
            Self::Known(id) => id,
            Self::Adopted(session) => &session.id,
        }
    }
}

/// The session of a pull request that is seen for the first time: the newest living one on its
/// branch, else one of its own. A fork's branch is never ours, whatever its name.
pub(super) fn owner_of(
    to: &Reducer<'_>,
    watched: &mut Watched,
    seen: &PullSeen,
) -> Result<Owner, Refusal> {
    let (core, project) = (&seen.core, &mut watched.project);
    let own_branch = core.head_repo.is_some() && core.head_repo == project.repo_id;
    if own_branch && !watched.is_new {
        let of_branch = to.known.sessions_of_branch(&project.id, &core.head_ref).iter();
        let sessions = of_branch.filter_map(|id| to.known.session(id));
        let living = sessions.filter(|session| !session.state.is_terminal());
        if let Some(session) = living.max_by_key(|session| session.num) {
            return Ok(Owner::Known(session.id.clone()));
        }
    }
    match project.adopt {
        Adopt::None => Err(Refusal::NotAdopted),
        Adopt::All => Ok(Owner::Adopted(Box::new(adopted(project, core, own_branch, to.now)))),
    }
}

fn adopted(project: &mut Project, core: &PullCore, own_branch: bool, now: Timestamp) -> Session {
    let num = project.next_session;
    project.next_session += 1;
    Session {
        id: SessionId::new(&project.id, num),
        project_id: project.id.clone(),
        num,
        issue_id: None,
        kind: SessionKind::External,
        harness: "".into(),
        state: SessionState::Working,
        termination_reason: None,
        is_alive: true,
        activity: Activity {
            state: ActivityState::Active,
            last_at: now,
            source: ActivitySource::None,
        },
        detecting: None,
        nudges_paused: false,
        branch: own_branch.then(|| core.head_ref.clone()),
        workspace_path: None,
        runtime: None,
        agent_session_id: None,
        transcript_path: None,
        launch_id: None,
        operation: None,
        failure: None,
        prompt: "".into(),
        memory: SessionMemory::default(),
        created_at: now,
        updated_at: now,
    }
}
