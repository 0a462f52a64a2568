//! GitHub at the wall: signatures, payloads, and their translation into observations.

mod observe;
mod payload;
pub mod signature;

use bytes::Bytes;

use crate::engine::Verdict;
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
    let observed = match event {
        "pull_request" if known(PULL_REQUEST) => observe::pull_request(body, action),
        "pull_request_review" if known(REVIEW) => observe::review(body),
        "check_run" if known(CHECK_RUN) => observe::check_run(body),
        "workflow_run" if known(WORKFLOW_RUN) => observe::workflow_run(body),
        "workflow_job" if known(WORKFLOW_JOB) => observe::workflow_job(body),
        "status" => observe::status(body),
        "pull_request" | "pull_request_review" | "check_run" | "workflow_run" | "workflow_job" => {
            let reason = match broken {
                Some(error) => format!("the body cannot be read as JSON of this event: {error}"),
                None => format!("the action `{action}` is not known"),
            };
            return understood(&envelope, Verdict::Quarantined(reason));
        }
        "ping" => return understood(&envelope, Verdict::Ignored("ping".to_owned())),
        _ => return understood(&envelope, Verdict::Ignored("the event is not used".to_owned())),
    };
    let verdict = match observed {
        Ok(observation) => Verdict::Observed(Box::new(observation)),
        Err(unclear) => Verdict::Quarantined(unclear.to_string()),
    };
    understood(&envelope, verdict)
}

fn understood(envelope: &Envelope<'_>, verdict: Verdict) -> Understood {
    Understood {
        action: envelope.action.as_deref().map(str::to_owned),
        repo: envelope.repository.as_ref().map(|repo| repo.full_name.clone().into_owned()),
        verdict,
    }
}
