//! Which project and session a pull request belongs to, and what its end does to the session.

use crate::domain::{
    ActivityState, Adopt, PrState, Project, ProjectId, PullCore, PullSeen, RepoName, RepoSeen,
    Session, SessionId, SessionKind, SessionState, TerminationReason, Timestamp,
};

use super::snapshot::{BranchSession, Policy, ProjectChange, Snapshot};

/// The project that the observation belongs to, and its row if that must be written.
pub(super) fn project_of(
    snapshot: &Snapshot,
    repo: &RepoSeen,
    policy: &Policy,
    now: Timestamp,
    brings_ci: bool,
) -> Result<(Project, Option<ProjectChange>), &'static str> {
    let Some(known) = &snapshot.project else {
        if !policy.auto_register {
            return Err("no project watches this repository, and auto_register is off");
        }
        let project = Project {
            id: free_slug(&repo.name, &snapshot.taken_slugs),
            repo_id: Some(repo.id),
            repo: repo.name.clone(),
            named_at: repo.updated_at,
            repo_origin_url: repo.url.clone(),
            display_name: repo.name.name().to_owned(),
            path: None,
            adopt: policy.adopt,
            ci_seen: brings_ci,
            next_session: 1,
            registered_at: now,
            archived_at: None,
        };
        return Ok((project.clone(), Some(ProjectChange::Register(project))));
    };
    if known.archived_at.is_some() {
        return Err("the project is archived");
    }
    let mut project = known.clone();
    project.repo_id = Some(repo.id);
    project.ci_seen |= brings_ci;
    let seen = (repo.updated_at, &repo.name, &repo.url);
    if seen > (project.named_at, &project.repo, &project.repo_origin_url) {
        project.named_at = repo.updated_at;
        project.repo = repo.name.clone();
        project.repo_origin_url.clone_from(&repo.url);
    }
    let change = (project != *known).then(|| ProjectChange::Update(project.clone()));
    Ok((project, change))
}

/// A short slug: the whole name up to four letters, else the initials of its words, else its first
/// three letters; numbered on collision.
fn free_slug(repo: &RepoName, taken: &[String]) -> ProjectId {
    let stem = slug_stem(repo);
    let numbered = (1..).map(|n| format!("{stem}{n}"));
    let free = std::iter::once(stem.clone()).chain(numbered).find(|slug| !taken.contains(slug));
    ProjectId(free.unwrap_or(stem))
}

/// The slug of a repository's first project; later ones add a number to it.
pub fn slug_stem(repo: &RepoName) -> String {
    let name = repo.name().to_ascii_lowercase();
    let words: Vec<&str> =
        name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let stem: String = match words.as_slice() {
        [] => "repo".to_owned(),
        [word] if word.len() <= 4 => (*word).to_owned(),
        [word] => word.chars().take(3).collect(),
        words => words.iter().filter_map(|word| word.chars().next()).collect(),
    };
    // A digit at the end would read as the number of a collision.
    if stem.ends_with(|c: char| c.is_ascii_digit()) { format!("{stem}x") } else { stem }
}

/// The session of a pull request that is seen for the first time: the newest living one on its
/// branch, else one of its own (`true`: it is to be created). A fork's branch is never ours, whatever its name.
pub(super) fn owner_of(
    project: &mut Project,
    branch_sessions: &[BranchSession],
    seen: &PullSeen,
    now: Timestamp,
) -> Option<(BranchSession, bool)> {
    let own_branch = seen.core.head_repo.is_some() && seen.core.head_repo == project.repo_id;
    let living = branch_sessions.iter().filter(|owner| {
        own_branch
            && owner.session.branch.as_deref() == Some(seen.core.head_ref.as_str())
            && !owner.session.state.is_terminal()
    });
    if let Some(owner) = living.max_by_key(|owner| owner.session.num) {
        return Some((owner.clone(), false));
    }
    match project.adopt {
        Adopt::None => None,
        Adopt::All => {
            let session = adopted(project, &seen.core, own_branch, now);
            Some((BranchSession { session, pulls: Vec::new() }, true))
        }
    }
}

fn adopted(project: &mut Project, core: &PullCore, own_branch: bool, now: Timestamp) -> Session {
    let num = project.next_session;
    project.next_session += 1;
    Session {
        id: SessionId::new(&project.id, num),
        project_id: project.id.clone(),
        num,
        kind: SessionKind::External,
        state: SessionState::Working,
        termination_reason: None,
        is_alive: true,
        activity: ActivityState::Active,
        branch: own_branch.then(|| core.head_ref.clone()),
        created_at: now,
    }
}

/// What the states of its pull requests make of a session.
///
/// A merge ends it unless another pull request is still open. An adopted session is also `done`
/// when all are closed unmerged, and works again when one reopens: the one way back from an end
/// without a restore.
pub(super) fn follow_pulls(session: &Session, pull: PrState, siblings: &[PrState]) -> Session {
    let mut next = session.clone();
    let any_open = pull.is_open() || siblings.iter().any(|state| state.is_open());
    let any_merged = pull == PrState::Merged || siblings.contains(&PrState::Merged);
    let adopted = session.kind == SessionKind::External;
    let open_to_change = match session.state {
        SessionState::Terminated => false,
        SessionState::Done => adopted,
        SessionState::NotStarted
        | SessionState::Working
        | SessionState::Idle
        | SessionState::NeedsInput
        | SessionState::Stuck
        | SessionState::Detecting => true,
    };
    if !open_to_change {
        return next;
    }
    if any_open {
        if session.state == SessionState::Done {
            next.state = SessionState::Working;
            next.is_alive = true;
        }
    } else if any_merged {
        next.state = SessionState::Terminated;
        next.termination_reason = Some(TerminationReason::PrMerged);
        next.is_alive = false;
    } else if adopted {
        next.state = SessionState::Done;
        next.is_alive = false;
    }
    next
}
