//! Whose a failure is: what shows it, and who is told.

use std::collections::BTreeSet;

use super::checks::aliases;
use crate::domain::{Audience, Check, CheckLog, CheckStatus, Elsewhere, FailureClass, LogExcerpt};
use crate::excerpt::audience_of;
use crate::lifecycle::scm::{DerivedCheck, DerivedChecks};

/// A failed check, and whose the failure is.
#[derive(Debug, Clone)]
pub(super) struct Failed<'c> {
    pub(super) it: &'c DerivedCheck,
    pub(super) class: FailureClass,
    /// What shows it, in words of ours or of the log: untrusted. Empty where nothing does.
    pub(super) evidence: String,
    pub(super) audience: Audience,
}

impl<'c> Failed<'c> {
    pub(super) fn check(&self) -> &'c Check {
        &self.it.check
    }

    pub(super) fn log(&self) -> Option<&'c CheckLog> {
        self.it.log.as_deref()
    }

    pub(super) fn is_for_agent(&self) -> bool {
        self.audience == Audience::Agent
    }
}

/// It counts as failed: it has, or it was stopped because its time ran out, as its log says.
pub(super) fn has_failed(it: &DerivedCheck) -> bool {
    match it.check.status {
        CheckStatus::Failed => true,
        CheckStatus::Cancelled => {
            // Of all that stops a job, time that runs out alone is the change's.
            let said = it.log.as_deref().and_then(CheckLog::excerpt);
            said.is_some_and(|said| said.class == FailureClass::Code)
        }
        CheckStatus::Unknown
        | CheckStatus::Queued
        | CheckStatus::InProgress
        | CheckStatus::Passed
        | CheckStatus::Skipped => false,
    }
}

/// Whose the failure is. `base`: the checks at the base commit, as far as they are known here; `flaky`: the names
/// of checks that both passed and failed on one commit.
pub(super) fn judge<'c>(
    it: &'c DerivedCheck,
    base: &DerivedChecks,
    flaky: &BTreeSet<String>,
) -> Failed<'c> {
    let refused = refusal(it);
    let is_humans = refused.is_some() || is_silent(it);
    let (class, evidence) = refused
        .or_else(|| not_the_change(it))
        .or_else(|| at_base(it, base))
        .or_else(|| passes_too(it, flaky))
        .or_else(|| excerpt(it).map(|said| (said.class, said.evidence.to_string())))
        .unwrap_or((FailureClass::Unknown, String::new()));
    let audience = if is_humans { Audience::Human } else { audience_of(class) };
    Failed { it, class, evidence, audience }
}

fn excerpt(it: &DerivedCheck) -> Option<&LogExcerpt> {
    it.log.as_deref().and_then(CheckLog::excerpt)
}

/// A log in which nothing is said of a failure, of a check that says nothing else: an agent could only guess.
fn is_silent(it: &DerivedCheck) -> bool {
    let nothing = |said: &LogExcerpt| said.class == FailureClass::Unknown && said.text.is_empty();
    excerpt(it).is_some_and(nothing) && it.check.log_tail.is_empty()
}

/// It did not even begin, or was refused.
fn refusal(it: &DerivedCheck) -> Option<(FailureClass, String)> {
    const REFUSALS: &[&str] = &[
        "job was not started because",
        "recent account payments have failed",
        "resource not accessible by integration",
    ];
    let check = &it.check;
    // A log is judged by what stands where in it.
    let said = if excerpt(it).is_some() { String::new() } else { check.log_tail.to_lowercase() };
    let (class, evidence) = if check.conclusion.as_deref() == Some("action_required") {
        (FailureClass::Permission, "it waits for somebody's approval or action")
    } else if it.never_ran {
        (
            FailureClass::Permission,
            "no runner took the job: none of its steps ran (billing, or a runner that is not there)",
        )
    } else if it.stands_for_workflow || check.conclusion.as_deref() == Some("startup_failure") {
        (FailureClass::Unknown, "the run failed before any job started")
    } else if REFUSALS.iter().any(|words| said.contains(words)) {
        (FailureClass::Permission, "the run was refused for billing or permissions")
    } else {
        return None;
    };
    Some((class, evidence.to_owned()))
}

/// Its log says that it is the machine's, a permission's or whoever stopped it.
fn not_the_change(it: &DerivedCheck) -> Option<(FailureClass, String)> {
    let said = excerpt(it).filter(|said| audience_of(said.class) == Audience::Human)?;
    Some((said.class, said.evidence.to_string()))
}

/// It fails without the change too.
fn at_base(it: &DerivedCheck, base: &DerivedChecks) -> Option<(FailureClass, String)> {
    let check = &it.check;
    let red = |other: &DerivedCheck| {
        other.check.status == CheckStatus::Failed && same_across_events(&other.check, check)
    };
    if base.values().any(red) {
        return Some((FailureClass::Base, "it fails at the base commit too".to_owned()));
    }
    let there = it.log.as_deref().and_then(|log| log.blame.base.as_ref())?;
    Some((FailureClass::Base, format!("it fails at the base commit too: {}", place(there))))
}

/// It passes and fails by chance.
fn passes_too(it: &DerivedCheck, flaky: &BTreeSet<String>) -> Option<(FailureClass, String)> {
    let evidence = if let Some(there) = it.log.as_deref().and_then(|it| it.blame.passed.as_ref()) {
        format!("it passed on this very commit too: {}", place(there))
    } else if it.is_flaky {
        "it passed on this very commit too".to_owned()
    } else if !aliases(it).is_disjoint(flaky) {
        "it both passed and failed on one commit before".to_owned()
    } else {
        return None;
    };
    Some((FailureClass::Flaky, evidence))
}

fn place(there: &Elsewhere) -> &str {
    if there.url.is_empty() { there.sha.as_str() } else { &there.url }
}

/// Like with like: the same workflow and name, of a run that a push or a pull request began. The base is built by
/// `push`, the head by `pull_request`: which of them does not tell checks apart, a nightly run does.
fn same_across_events(other: &Check, check: &Check) -> bool {
    let parts = |check: &Check| -> Option<(String, String)> {
        let (workflow, event) = check.key.lasting_workflow()?.rsplit_once(':')?;
        Some((workflow.to_owned(), event.to_owned()))
    };
    let by_change = |event: &str| matches!(event, "push" | "pull_request" | "pull_request_target");
    other.key.source == check.key.source
        && other.key.same_name(&check.key)
        && match (parts(other), parts(check)) {
            (Some((theirs, event)), Some((ours, _))) => theirs == ours && by_change(&event),
            // A job of Actions has a workflow: as long as it is not known, a nightly run may be behind it.
            _ if &*check.key.source == "github-actions" => false,
            (Some((_, event)), None) => by_change(&event),
            (None, _) => true,
        }
}
