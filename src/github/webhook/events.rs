//! The events that are known, in one table: a new one is added here and nowhere else.

use bytes::Bytes;
use serde::Deserialize;

use super::envelope::{Envelope, Stated};
use super::translation::{self, Told, Unclear};
use crate::domain::{Observed, ScmObservation, Verdict};

/// What is done with an event.
enum Use {
    /// Its body is read by this function, where its action is one of these (of an event that has no actions,
    /// or all of whose actions are understood: none are named). Any other action is kept, so that
    /// nothing is lost when GitHub adds one.
    Read(fn(&[u8], &[&str]) -> Understood, &'static [&'static str]),
    /// It is of no interest, for the reason given.
    Ignored(&'static str),
}

/// Every event with a name of its own: in metrics, and in what is done with it.
const EVENTS: &[(&str, Use)] = &[
    (
        "check_run",
        Use::Read(
            |body, known| read(body, known, translation::check_run),
            &["created", "completed", "rerequested", "requested_action"],
        ),
    ),
    (
        "check_suite",
        Use::Read(
            |body, known| read(body, known, translation::check_suite),
            &["completed", "requested", "rerequested"],
        ),
    ),
    ("create", Use::Ignored(NOT_USED)),
    ("delete", Use::Ignored(NOT_USED)),
    ("installation", Use::Read(|body, known| read(body, known, translation::installation), &[])),
    (
        "installation_repositories",
        Use::Read(
            |body, known| read(body, known, translation::installation_repositories),
            &["added", "removed"],
        ),
    ),
    (
        "issue_comment",
        Use::Read(
            |body, known| read(body, known, translation::issue_comment),
            &["created", "edited", "deleted"],
        ),
    ),
    ("issues", Use::Ignored(NOT_USED)),
    ("merge_group", Use::Ignored("the commit of a merge group is no pull request's head")),
    ("ping", Use::Ignored("ping")),
    (
        "pull_request",
        Use::Read(
            |body, known| read(body, known, translation::pull_request),
            &[
                "assigned",
                "auto_merge_disabled",
                "auto_merge_enabled",
                "closed",
                "converted_to_draft",
                "demilestoned",
                "dequeued",
                "edited",
                "enqueued",
                "labeled",
                "locked",
                "milestoned",
                "opened",
                "ready_for_review",
                "reopened",
                "review_request_removed",
                "review_requested",
                "synchronize",
                "unassigned",
                "unlabeled",
                "unlocked",
            ],
        ),
    ),
    (
        "pull_request_review",
        Use::Read(
            |body, known| read(body, known, translation::review),
            &["submitted", "edited", "dismissed"],
        ),
    ),
    (
        "pull_request_review_comment",
        Use::Read(
            |body, known| read(body, known, translation::review_comment),
            &["created", "edited", "deleted"],
        ),
    ),
    (
        "pull_request_review_thread",
        Use::Read(
            |body, known| read(body, known, translation::review_thread),
            &["resolved", "unresolved"],
        ),
    ),
    ("push", Use::Read(|body, known| read(body, known, translation::push), &[])),
    (
        "repository",
        Use::Read(
            |body, known| read(body, known, translation::repository),
            &[
                "archived",
                "created",
                "deleted",
                "edited",
                "privatized",
                "publicized",
                "renamed",
                "transferred",
                "unarchived",
            ],
        ),
    ),
    ("status", Use::Read(|body, known| read(body, known, translation::status), &[])),
    (
        "workflow_job",
        Use::Read(
            |body, known| read(body, known, translation::workflow_job),
            &["queued", "in_progress", "completed", "waiting"],
        ),
    ),
    (
        "workflow_run",
        Use::Read(
            |body, known| read(body, known, translation::workflow_run),
            &["requested", "in_progress", "completed"],
        ),
    ),
];

const NOT_USED: &str = "the event is not used";
/// The name of all other events together.
const OTHER: &str = "other";

/// A payload, read as far as it concerns us.
#[derive(Debug, Clone)]
pub struct Understood {
    /// The payload's `action`.
    pub action: Option<String>,
    /// The payload's repository, `owner/name`.
    pub repo: Option<String>,
    pub verdict: Verdict,
}

/// Reads the JSON body of an event. Never fails: what cannot be read is quarantined.
pub fn understand(event: &str, body: &Bytes) -> Understood {
    match EVENTS.iter().find(|(name, _)| *name == event) {
        Some((_, Use::Read(read, actions))) => read(body, actions),
        Some((_, Use::Ignored(reason))) => unused(body, reason),
        None => unused(body, NOT_USED),
    }
}

/// The names of events that metrics may carry: a stranger's words must not make new time series.
pub fn labels() -> impl Iterator<Item = &'static str> {
    EVENTS.iter().map(|(name, _)| *name).chain([OTHER])
}

/// The name under which an event is counted.
pub fn label(event: &str) -> &'static str {
    EVENTS.iter().map(|(name, _)| *name).find(|name| *name == event).unwrap_or(OTHER)
}

/// An event that is understood when its action is one of `known`.
fn read<'a, E: Stated + Deserialize<'a>>(
    body: &'a [u8],
    known: &[&str],
    translate: fn(&E) -> Told,
) -> Understood {
    let strange = |event: &dyn Stated| {
        let action = event.action().unwrap_or_default();
        let is_known = known.is_empty() || known.contains(&action);
        (!is_known).then(|| format!("the action `{action}` is not known"))
    };
    match serde_json::from_slice::<E>(body) {
        Ok(event) => {
            let verdict = match strange(&event) {
                Some(reason) => Verdict::Quarantined(reason),
                None => match translate(&event) {
                    Ok(Ok(observation)) => observed(observation),
                    Ok(Err(reason)) => Verdict::Ignored(reason.to_owned()),
                    Err(Unclear(field)) => Verdict::Quarantined(format!(
                        "`{field}` is missing or has a value that is not understood"
                    )),
                },
            };
            understood(&event, verdict)
        }
        Err(error) => {
            let envelope = envelope(body);
            let reason = strange(&envelope).unwrap_or_else(|| {
                format!("the body does not have the shape of this event: {error}")
            });
            understood(&envelope, Verdict::Quarantined(reason))
        }
    }
}

fn observed(observation: ScmObservation) -> Verdict {
    match serde_json::to_string(&observation) {
        Ok(json) => Verdict::Observed(Observed { observation: Box::new(observation), json }),
        Err(error) => Verdict::Quarantined(format!("it cannot be written as JSON: {error}")),
    }
}

fn unused(body: &[u8], reason: &str) -> Understood {
    understood(&envelope(body), Verdict::Ignored(reason.to_owned()))
}

fn envelope(body: &[u8]) -> Envelope<'_> {
    serde_json::from_slice(body).unwrap_or_default()
}

fn understood(event: &dyn Stated, verdict: Verdict) -> Understood {
    Understood {
        action: event.action().map(str::to_owned),
        repo: event.repo().map(str::to_owned),
        verdict,
    }
}
