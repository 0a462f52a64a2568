//! Which sets a row belongs to, by what it says itself. The store answers a set by a query of the same
//! meaning; from then on the set follows the rows that are changed here.

use crate::domain::{
    Audience, Mergeability, Nudge, Project, ProjectId, PullRequest, Session, Subject,
};

use super::key::Key;

pub(super) fn of_project(project: &Project) -> Vec<Key> {
    let mut keys = vec![Key::named(&project.repo), stem(&project.id)];
    keys.extend(project.claim.iter().map(|(name, _)| Key::named(name)));
    keys.extend(project.repo_id.map(Key::ProjectOfRepo));
    keys.push(Key::of_account(project.repo.owner()));
    keys
}

fn stem(id: &ProjectId) -> Key {
    Key::ProjectsOfStem(id.0.trim_end_matches(|c: char| c.is_ascii_digit()).into())
}

pub(super) fn of_session(session: &Session) -> Option<Key> {
    let branch = session.branch.clone()?;
    Some(Key::SessionsOfBranch(session.project_id.clone(), branch))
}

/// Of a pull request's row alone.
pub(super) fn of_pull(pull: &PullRequest) -> Vec<Key> {
    let mut keys = vec![Key::PullOfNumber(pull.repo_id, pull.number)];
    keys.extend(pull.session_id.clone().map(Key::PullsOfSession));
    if pull.core.state.is_open() {
        keys.push(Key::OpenPulls(pull.project_id.clone()));
        if pull.mergeability != Mergeability::Unknown {
            keys.push(Key::PullsInto(pull.repo_id, pull.core.base_ref.clone()));
        }
    }
    keys
}

pub(super) fn of_nudge(nudge: &Nudge) -> Vec<Key> {
    if !nudge.state.is_open() {
        return Vec::new();
    }
    let subject: Subject = nudge.subject.clone();
    let mut keys = vec![Key::OpenNudges(subject)];
    if nudge.kind.audience() == Audience::Agent {
        keys.push(Key::OpenNudgesOfProject(nudge.project_id.clone()));
    }
    keys
}
