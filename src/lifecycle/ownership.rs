//! Which project and session a pull request belongs to, and what its end does to the session.

use crate::domain::{
    ActivityState, Adopt, PrState, Project, ProjectId, PullCore, PullSeen, RepoId, RepoName,
    RepoSeen, Session, SessionId, SessionKind, SessionState, TerminationReason, Timestamp,
};

use super::snapshot::{BranchSession, Policy, ProjectChange, Snapshot};

/// The project that the observation belongs to, and the rows that its name changes.
pub(super) fn project_of(
    snapshot: &Snapshot,
    repo: &RepoSeen,
    policy: &Policy,
    now: Timestamp,
    brings_ci: bool,
) -> Result<(Project, Vec<ProjectChange>), &'static str> {
    let claim = (repo.name.clone(), repo.url.clone());
    let Some(known) = &snapshot.project else {
        if !policy.auto_register {
            return Err("no project watches this repository, and auto_register is off");
        }
        let mut project = Project {
            repo_id: Some(repo.id),
            repo_origin_url: repo.url.clone(),
            claim: Some(claim),
            named_at: repo.updated_at,
            ci_seen: brings_ci,
            ..new_project(&repo.name, &snapshot.taken_slugs, policy.adopt, now)
        };
        let mut changes = settle_names(&mut project, &snapshot.other_projects);
        let at = changes.iter().position(|(_, takes)| *takes).unwrap_or(changes.len());
        let mut rows: Vec<_> = changes.drain(..at).map(|(p, _)| ProjectChange::Update(p)).collect();
        rows.push(ProjectChange::Register(project.clone()));
        rows.extend(changes.into_iter().map(|(p, _)| ProjectChange::Update(p)));
        return Ok((project, rows));
    };
    if known.archived_at.is_some() {
        return Err("the project is archived");
    }
    let mut project = known.clone();
    project.repo_id = Some(repo.id);
    project.ci_seen |= brings_ci;
    let newer = (repo.updated_at, Some(&claim)) > (project.named_at, project.claim.as_ref());
    if newer || project.claim.is_none() {
        project.named_at = repo.updated_at;
        project.claim = Some(claim);
    }
    let mut rows = Vec::new();
    if project.claim != known.claim || project.named_at != known.named_at {
        let changes = settle_names(&mut project, &snapshot.other_projects);
        let (freed, taking): (Vec<_>, Vec<_>) = changes.into_iter().partition(|(_, takes)| !takes);
        rows.extend(freed.into_iter().map(|(project, _)| ProjectChange::Update(project)));
        rows.push(ProjectChange::Update(project.clone()));
        rows.extend(taking.into_iter().map(|(project, _)| ProjectChange::Update(project)));
    } else if project != *known {
        rows.push(ProjectChange::Update(project.clone()));
    }
    Ok((project, rows))
}

/// A project with the defaults of a registration.
pub(super) fn new_project(
    repo: &RepoName,
    taken: &[String],
    adopt: Adopt,
    now: Timestamp,
) -> Project {
    Project {
        id: free_slug(repo, taken),
        repo_id: None,
        repo: repo.clone(),
        claim: None,
        named_at: None,
        repo_origin_url: format!("https://github.com/{}", repo.as_str()),
        display_name: repo.name().to_owned(),
        path: None,
        adopt,
        nudges_paused: false,
        checks_only: Vec::new(),
        checks_except: Vec::new(),
        ci_seen: false,
        next_session: 1,
        api_access: (true, None),
        registered_at: now,
        archived_at: None,
    }
}

/// Gives each name to the repository that claimed it last; whoever lost it is freed of it and goes by
/// its id. Answers the changed rivals, each with whether it takes a name (and so is written last).
fn settle_names(project: &mut Project, rivals: &[Project]) -> Vec<(Project, bool)> {
    let order = |p: &Project| (p.named_at, p.repo_id);
    let same_name = |a: &Project, b: &Project| match (&a.claim, &b.claim) {
        (Some((a, _)), Some((b, _))) => a.as_str().eq_ignore_ascii_case(b.as_str()),
        _ => false,
    };
    let holds = |candidate: &Project, others: &[&Project]| {
        others.iter().all(|other| !same_name(candidate, other) || order(candidate) > order(other))
    };
    let mut changed = Vec::new();
    for (index, rival) in rivals.iter().enumerate() {
        let others = rivals.iter().enumerate().filter(|(other, _)| *other != index);
        let others: Vec<&Project> = others.map(|(_, other)| other).chain([&*project]).collect();
        let takes = holds(rival, &others);
        let mut next = rival.clone();
        name_by_claim(&mut next, takes);
        if next != *rival {
            changed.push((next, takes));
        }
    }
    let holds_own = holds(project, &rivals.iter().collect::<Vec<_>>());
    name_by_claim(project, holds_own);
    changed.sort_by_key(|(_, takes)| *takes);
    changed
}

fn name_by_claim(project: &mut Project, holds: bool) {
    let (Some((name, url)), Some(RepoId(id))) = (project.claim.clone(), project.repo_id) else {
        return;
    };
    if holds {
        project.repo = name;
        project.repo_origin_url = url;
        return;
    }
    let origin = url.strip_suffix(name.as_str()).unwrap_or("https://github.com/");
    project.repo_origin_url = format!("{origin}repositories/{id}");
    if let Some(name) = RepoName::parse(&format!("repositories/{id}")) {
        project.repo = name;
    }
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
        nudges_paused: false,
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
