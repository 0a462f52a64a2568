//! GitHub at the wall: signatures, payloads, and their translation into observations.

mod noted;
mod observe;
mod payload;
pub mod signature;
mod when;

use bytes::Bytes;
use serde::Deserialize;

use crate::engine::Verdict;
use noted::{Envelope, Noted};
use observe::Unclear;

/// The actions of an event that are understood. Any other is kept, so that nothing is lost when
/// GitHub adds one.
const PULL_REQUEST: &[&str] = &[
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
];
const REVIEW: &[&str] = &["submitted", "edited", "dismissed"];
const CHECK_RUN: &[&str] = &["created", "completed", "rerequested", "requested_action"];
const WORKFLOW_RUN: &[&str] = &["requested", "in_progress", "completed"];
const COMMENT: &[&str] = &["created", "edited", "deleted"];
const THREAD: &[&str] = &["resolved", "unresolved"];
const CHECK_SUITE: &[&str] = &["completed", "requested", "rerequested"];
const REPOSITORY: &[&str] = &[
    "archived",
    "created",
    "deleted",
    "edited",
    "privatized",
    "publicized",
    "renamed",
    "transferred",
    "unarchived",
];
const INSTALLATION_REPOSITORIES: &[&str] = &["added", "removed"];
/// Of an event that has no actions, or all of whose actions are understood.
const ANY: &[&str] = &[];
const WORKFLOW_JOB: &[&str] = &["queued", "in_progress", "completed", "waiting"];

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
    match event {
        "pull_request" => read(body, PULL_REQUEST, observe::pull_request),
        "pull_request_review" => read(body, REVIEW, observe::review),
        "pull_request_review_comment" => read(body, COMMENT, observe::review_comment),
        "pull_request_review_thread" => read(body, THREAD, observe::review_thread),
        "issue_comment" => read(body, COMMENT, observe::issue_comment),
        "check_run" => read(body, CHECK_RUN, observe::check_run),
        "check_suite" => read(body, CHECK_SUITE, observe::check_suite),
        "workflow_run" => read(body, WORKFLOW_RUN, observe::workflow_run),
        "workflow_job" => read(body, WORKFLOW_JOB, observe::workflow_job),
        "status" => read(body, ANY, observe::status),
        "push" => read(body, ANY, observe::push),
        "repository" => read(body, REPOSITORY, observe::repository),
        "installation" => read(body, ANY, observe::installation),
        "installation_repositories" => {
            read(body, INSTALLATION_REPOSITORIES, observe::installation_repositories)
        }
        "merge_group" => unused(body, "the commit of a merge group is no pull request's head"),
        "ping" => unused(body, "ping"),
        _ => unused(body, "the event is not used"),
    }
}

/// An event that is understood when its action is one of `known`.
fn read<'a, E: Noted + Deserialize<'a>>(
    body: &'a [u8],
    known: &[&str],
    observe: fn(&E) -> observe::Seen,
) -> Understood {
    let strange = |event: &dyn Noted| {
        let action = event.action().unwrap_or_default();
        let is_known = known.is_empty() || known.contains(&action);
        (!is_known).then(|| format!("the action `{action}` is not known"))
    };
    match serde_json::from_slice::<E>(body) {
        Ok(event) => {
            let verdict = match strange(&event) {
                Some(reason) => Verdict::Quarantined(reason),
                None => match observe(&event) {
                    Ok(Ok(observation)) => Verdict::Observed(Box::new(observation)),
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

fn unused(body: &[u8], reason: &str) -> Understood {
    understood(&envelope(body), Verdict::Ignored(reason.to_owned()))
}

fn envelope(body: &[u8]) -> Envelope<'_> {
    serde_json::from_slice(body).unwrap_or_default()
}

fn understood(event: &dyn Noted, verdict: Verdict) -> Understood {
    Understood {
        action: event.action().map(str::to_owned),
        repo: event.repo().map(str::to_owned),
        verdict,
    }
}
