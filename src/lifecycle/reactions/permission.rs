//! Who says something to an agent and is no insider by what payloads say: GitHub is asked whether he may write,
//! since an organisation's private members show as outsiders in a public repository.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::context::Context;
use crate::domain::{AskPermission, Person, Project, PullRequest, TaskPayload, Text, Timestamp};
use crate::lifecycle::scm::hangs_on_permission;

/// What GitHub said holds for so long, at least.
const BELIEVED: SignedDuration = SignedDuration::from_hours(24);
/// People whose permission is remembered in one project.
const MOST_PEOPLE: usize = 200;
/// Characters of a login; GitHub's own end at 39.
const MOST_CHARS: usize = 100;

pub(super) fn react(context: &mut Context<'_>, pull: &PullRequest) {
    // Facts about commits alone change nothing here.
    let Some(said) = context.conversation else { return };
    if !pull.core.state.is_open() || pull.session_id.is_none() || !context.may_ask() {
        return;
    }
    let Some(record) = context.known.pull(pull.id).cloned() else { return };
    // What was looked at before in the same transaction may have asked too.
    let Some(known) = context.known.project(&context.project.id).cloned() else { return };
    let reviews = record.registers.reviews.values().map(|it| (&it.author, &it.standing));
    let comments = said.comments.values().filter(|comment| !comment.deleted);
    let speakers = reviews.chain(comments.map(|it| (&it.author, &it.standing)));
    let outsiders = speakers.filter(|(login, standing)| {
        is_login(login) && hangs_on_permission(&known, login, standing)
    });
    let outsiders: BTreeSet<Text> =
        outsiders.map(|(login, _)| login.to_ascii_lowercase().into()).collect();
    if outsiders.is_empty() {
        return;
    }
    let mut project = (*known).clone();
    for login in outsiders {
        if begin(&mut project, &login, context.now) {
            context.enqueue(TaskPayload::AskPermission(AskPermission {
                repo_id: pull.repo_id,
                repo: project.repo.clone(),
                login,
            }));
        }
    }
    context.known.put_project(project);
}

/// A login goes into an address.
fn is_login(text: &str) -> bool {
    let fits = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_');
    !text.is_empty() && text.len() <= MOST_CHARS && text.bytes().all(fits)
}

/// Notes down that somebody is asked about now, unless it is too early.
fn begin(project: &mut Project, login: &Text, now: Timestamp) -> bool {
    // What was asked later than now was asked before the clock was set back.
    let lasts =
        |person: &Person| person.asked_at <= now && now.duration_since(person.asked_at) < BELIEVED;
    let known = project.people.get(login);
    if known.is_some_and(|person| person.is_open || lasts(person)) {
        return false;
    }
    let may_write = known.and_then(|person| person.may_write);
    if known.is_none() && project.people.len() >= MOST_PEOPLE {
        let answered = project.people.iter().filter(|(_, person)| !person.is_open);
        let oldest = answered.min_by_key(|(_, person)| person.asked_at);
        let Some(oldest) = oldest.map(|(login, _)| login.clone()) else { return false };
        project.people.remove(&oldest);
    }
    let person = Person { asked_at: now, is_open: true, may_write };
    project.people.insert(login.clone(), person);
    true
}
