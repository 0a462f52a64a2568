//! What is said about CI.

use super::log_command::log_commands;
use super::names::{NAME_CHARS, address, check_name, counted, page, short_name};
use super::untrusted::Body;
use crate::domain::{Check, CheckLog, FailureClass, LogAbsence, LogState, Project, PullRequest};
use crate::excerpt::one_line;
use crate::lifecycle::reactions::judge::Failed;

/// How many checks are listed by name; more are counted.
const MOST_CHECKS: usize = 30;
/// What is shown of what tells whose a failure is.
const EVIDENCE_CHARS: usize = 300;

/// One line a check, numbered: what follows speaks of `check 1`.
pub(super) fn check_list<'c>(
    checks: impl ExactSizeIterator<Item = (&'c Check, Option<&'c str>)>,
) -> String {
    let more = checks.len().saturating_sub(MOST_CHECKS);
    let mut list = String::new();
    for (index, (check, reason)) in checks.take(MOST_CHECKS).enumerate() {
        let conclusion = one_line(check.conclusion.as_deref().unwrap_or("failed"), NAME_CHARS);
        list.push_str(&format!("{}. {} ({conclusion})", index + 1, check_name(check)));
        let url = address(&check.url);
        if !url.is_empty() {
            list.push_str(&format!(": {url}"));
        }
        if let Some(reason) = reason {
            list.push_str(&format!("\n   {reason}"));
        }
        list.push('\n');
    }
    if more > 0 {
        list.push_str(&format!("and {more} more\n"));
    }
    list
}

fn plain<'c>(
    checks: &'c [&'c Check],
) -> impl ExactSizeIterator<Item = (&'c Check, Option<&'c str>)> {
    checks.iter().map(|check| (*check, None))
}

/// A failed check with what is known of its log.
pub(super) type Logged<'c> = (&'c Check, Option<&'c CheckLog>);

/// Whose a failure is and what shows it, as a line of the list.
fn reason(failed: &Failed<'_>) -> Option<String> {
    let evidence = one_line(&failed.evidence, EVIDENCE_CHARS);
    match (failed.class, evidence.is_empty()) {
        (FailureClass::Unknown, true) => None,
        (FailureClass::Unknown, false) => Some(evidence),
        (class, true) => Some(class.to_string()),
        (class, false) => Some(format!("{class}: {evidence}")),
    }
}

/// The list of failed checks, each with whose it is.
fn failed_list(failing: &[Failed<'_>]) -> String {
    let reasons: Vec<Option<String>> = failing.iter().map(reason).collect();
    let lines = failing.iter().zip(&reasons);
    check_list(lines.map(|(failed, reason)| (failed.check(), reason.as_deref())))
}

/// Why there is no excerpt of a log.
fn absence(state: &LogState) -> Option<&'static str> {
    Some(match state {
        LogState::Excerpt(_) => return None,
        LogState::Asked(_) => "its log was not there in time",
        LogState::Absent(LogAbsence::Unreachable) => "its log could not be fetched from GitHub",
        LogState::Absent(LogAbsence::Missing) => "it has no log at GitHub",
        LogState::Absent(LogAbsence::Cancelled) => "it was cancelled before it wrote a log",
        LogState::Absent(LogAbsence::Forbidden) => {
            "its log may not be read here: the App lacks the permission `actions: read`"
        }
        LogState::Absent(LogAbsence::Expired) => "its log has expired at GitHub",
    })
}

/// What the checks of a list wrote, as far as they wrote anything: first what their logs say; and how the logs are
/// read of which nothing is known here.
pub(super) fn outputs(
    body: &mut Body,
    project: &Project,
    pull: &PullRequest,
    checks: &[Logged<'_>],
) {
    let name = short_name(project, pull);
    let unknown = checks.iter().filter(|(_, log)| log.is_none()).map(|(check, _)| *check);
    let commands = log_commands(project, pull, &unknown.collect::<Vec<_>>());
    let shown = || checks.iter().take(MOST_CHECKS).enumerate();
    let whole = |check: &Check| format!("nudged log {name} {}", check.run_id);
    let mut spoken = Vec::new();
    for (index, (check, log)) in shown() {
        let number = index + 1;
        if let Some(reason) = log.and_then(|log| absence(&log.state)) {
            let may_be_there = log.is_some_and(CheckLog::is_under_way);
            let later = match may_be_there {
                true => format!("; read it by: {}", whole(check)),
                false => String::new(),
            };
            body.ours(&format!("\nCheck {number}: {reason}{later}.\n"));
        }
        if check.log_tail.is_empty() {
            continue;
        }
        let said = log.and_then(CheckLog::excerpt).filter(|said| !said.text.is_empty());
        let heading = match said {
            Some(_) => format!("Log of check {number} (the whole by: {}):", whole(check)),
            None => format!("Output of check {number}:"),
        };
        spoken.push((heading, &*check.log_tail));
    }
    if spoken.is_empty() && commands.is_empty() {
        body.ours("\nThe checks sent no output; read their logs at the addresses above.\n");
    }
    // The commands come last; what the checks wrote leaves them their room.
    let ending = match commands.as_str() {
        "" => String::new(),
        commands => format!("\nThe log of what failed is shown by\n\n{commands}"),
    };
    body.reserve(ending.len());
    body.pieces(spoken.into_iter());
    body.ours(&ending);
}

/// To the agent: which checks failed at the head, and what they say.
pub(in crate::lifecycle::reactions) fn ci_failed(
    project: &Project,
    pull: &PullRequest,
    failing: &[Failed<'_>],
    others: &[Failed<'_>],
) -> String {
    let name = short_name(project, pull);
    let mut body = Body::new(format!(
        "CI failed on {name} at commit {}: {} failed.\n{}\n",
        pull.core.head_sha.as_str(),
        counted(failing.len(), "check"),
        page(pull),
    ));
    let flaky = failing.iter().filter(|failed| failed.class == FailureClass::Flaky).count();
    if flaky > 0 {
        body.ours(&format!(
            "{flaky} of them may be flaky: the list says why. Look whether the change has to do with it.\n"
        ));
    }
    if let Some(behind) = behind(failing.iter().chain(others)).filter(|behind| *behind > 0) {
        let commits = counted(usize::try_from(behind).unwrap_or(usize::MAX), "commit");
        body.ours(&format!("The branch is {commits} behind its base.\n"));
    }
    body.list(&failed_list(failing));
    if !others.is_empty() {
        body.ours("\nAlso red, but not yours to mend (a human was told):\n");
        body.list(&failed_list(others));
    }
    let logged: Vec<Logged<'_>> =
        failing.iter().map(|failed| (failed.check(), failed.log())).collect();
    outputs(&mut body, project, pull, &logged);
    body.finish()
}

/// How far a branch is behind its base, by what was asked about its failures.
fn behind<'f>(failing: impl Iterator<Item = &'f Failed<'f>>) -> Option<u64> {
    failing.filter_map(|failed| failed.log()?.blame.behind).max()
}

/// To the human: failures that the agent cannot mend, each with the reason.
pub(in crate::lifecycle::reactions) fn cannot_mend(
    project: &Project,
    pull: &PullRequest,
    failing: &[Failed<'_>],
) -> String {
    let mut body = Body::new(format!(
        "{}: CI failed at commit {} for a reason that the agent cannot mend.\n{}\n",
        short_name(project, pull),
        pull.core.head_sha.as_str(),
        page(pull),
    ));
    if let Some(behind) = behind(failing.iter()).filter(|behind| *behind > 0) {
        let commits = counted(usize::try_from(behind).unwrap_or(usize::MAX), "commit");
        body.ours(&format!("The branch is {commits} behind its base.\n"));
    }
    body.list(&failed_list(failing));
    body.finish()
}

/// To the human: the agent was told often enough.
pub(in crate::lifecycle::reactions) fn brake(
    project: &Project,
    pull: &PullRequest,
    commits: usize,
    failing: &[&Check],
) -> String {
    let mut body = Body::new(format!(
        "{}: CI has failed on the last {commits} commits, the agent is not told again until it passes. \
         The last one is {}.\n{}\n",
        short_name(project, pull),
        pull.core.head_sha.as_str(),
        page(pull),
    ));
    body.list(&check_list(plain(failing)));
    body.finish()
}

/// To the human: something was cancelled, and nothing has come in its place.
pub(in crate::lifecycle::reactions) fn cancelled(
    project: &Project,
    pull: &PullRequest,
    checks: &[&Check],
) -> String {
    let mut body = Body::new(format!(
        "{}: CI was cancelled at commit {} and nothing newer has come in its place.\n{}\n",
        short_name(project, pull),
        pull.core.head_sha.as_str(),
        page(pull),
    ));
    body.list(&check_list(plain(checks)));
    body.finish()
}
