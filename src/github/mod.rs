//! GitHub at the wall: signatures, payloads, and their translation into observations.

mod observe;
mod payload;
pub mod signature;

use bytes::Bytes;

use crate::domain::Observation;
use crate::engine::Verdict;
use observe::Unclear;
use payload::Envelope;

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
    let (envelope, broken) = match serde_json::from_slice::<Envelope<'_>>(body) {
        Ok(envelope) => (envelope, None),
        Err(error) => (Envelope::default(), Some(error)),
    };
    let action = envelope.action.as_deref().unwrap_or_default();
    let known = |actions: &[&str]| actions.contains(&action);
    let unused = |reason: &str| Ok(Verdict::Ignored(reason.to_owned()));
    let verdict = match event {
        "pull_request" if known(PULL_REQUEST) => observed(observe::pull_request(body, action)),
        "pull_request_review" if known(REVIEW) => observed(observe::review(body)),
        "pull_request_review_comment" if known(COMMENT) => {
            observed(observe::review_comment(body, action))
        }
        "pull_request_review_thread" if known(THREAD) => {
            observed(observe::review_thread(body, action))
        }
        "issue_comment" if known(COMMENT) => {
            observed_if(observe::issue_comment(body, action), "the issue is no pull request")
        }
        "check_run" if known(CHECK_RUN) => observed(observe::check_run(body)),
        "check_suite" if action == "completed" => observed(observe::check_suite(body)),
        "check_suite" if known(CHECK_SUITE) => unused("a suite never makes anything pending"),
        "workflow_run" if known(WORKFLOW_RUN) => observed(observe::workflow_run(body)),
        "workflow_job" if known(WORKFLOW_JOB) => observed(observe::workflow_job(body)),
        "status" => observed(observe::status(body)),
        "push" => observed_if(observe::push(body), "the push is not to a branch"),
        "repository" if known(REPOSITORY) => observed(observe::repository(body)),
        "installation" => match action {
            "deleted" | "suspend" => observed(observe::installation(body, false)),
            "created" | "unsuspend" => observed(observe::installation(body, true)),
            _ => unused("it changes no access"),
        },
        "installation_repositories" if action == "added" => {
            observed(observe::installation_repositories(body, true))
        }
        "installation_repositories" if action == "removed" => {
            observed(observe::installation_repositories(body, false))
        }
        "merge_group" => unused("the commit of a merge group is no pull request's head"),
        "ping" => unused("ping"),
        "pull_request"
        | "pull_request_review"
        | "pull_request_review_comment"
        | "pull_request_review_thread"
        | "issue_comment"
        | "check_run"
        | "check_suite"
        | "workflow_run"
        | "workflow_job"
        | "repository"
        | "installation_repositories" => Err(match broken {
            Some(error) => format!("the body cannot be read as JSON of this event: {error}"),
            None => format!("the action `{action}` is not known"),
        }),
        _ => unused("the event is not used"),
    };
    Understood {
        action: envelope.action.as_deref().map(str::to_owned),
        repo: envelope.repository.as_ref().map(|repo| repo.full_name.clone().into_owned()),
        verdict: verdict.unwrap_or_else(Verdict::Quarantined),
    }
}

fn observed(observation: Result<Observation, Unclear>) -> Result<Verdict, String> {
    let observation = observation.map_err(|unclear| unclear.to_string())?;
    Ok(Verdict::Observed(Box::new(observation)))
}

/// `None` is ignored for the reason given.
fn observed_if(
    observation: Result<Option<Observation>, Unclear>,
    reason: &str,
) -> Result<Verdict, String> {
    match observation.transpose() {
        Some(observation) => observed(observation),
        None => Ok(Verdict::Ignored(reason.to_owned())),
    }
}
