//! What is said about CI.

use super::log_command::log_commands;
use super::names::{NAME_CHARS, address, check_name, counted, page, short_name};
use super::untrusted::Body;
use crate::domain::{Check, Project, PullRequest};
use crate::excerpt::one_line;

/// How many checks are listed by name; more are counted.
const MOST_CHECKS: usize = 30;

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

/// What the checks of a list wrote, as far as they wrote anything, and how the logs of the others are read.
pub(super) fn outputs(body: &mut Body, project: &Project, pull: &PullRequest, checks: &[&Check]) {
    let commands = log_commands(project, pull, checks);
    let spoken: Vec<(usize, &Check)> = checks
        .iter()
        .take(MOST_CHECKS)
        .enumerate()
        .filter(|(_, check)| !check.log_tail.is_empty())
        .map(|(index, check)| (index, *check))
        .collect();
    if spoken.is_empty() && commands.is_empty() {
        body.ours("\nThe checks sent no output; read their logs at the addresses above.\n");
    }
    // The commands come last; what the checks wrote leaves them their room.
    let ending = match commands.as_str() {
        "" => String::new(),
        commands => format!("\nThe log of what failed is shown by\n\n{commands}"),
    };
    body.reserve(ending.len());
    let pieces = spoken
        .iter()
        .map(|(index, check)| (format!("Output of check {}:", index + 1), &*check.log_tail));
    body.pieces(pieces);
    body.ours(&ending);
}

/// To the agent: which checks failed at the head, and what they say.
pub(in crate::lifecycle::reactions) fn ci_failed(
    project: &Project,
    pull: &PullRequest,
    failing: &[&Check],
    others: &[(&Check, &str)],
) -> String {
    let mut body = Body::new(format!(
        "CI failed on {} at commit {}: {} failed.\n{}\n",
        short_name(project, pull),
        pull.core.head_sha.as_str(),
        counted(failing.len(), "check"),
        page(pull),
    ));
    body.list(&check_list(plain(failing)));
    if !others.is_empty() {
        body.ours("\nAlso red, but not yours to mend (a human was told):\n");
        body.list(&check_list(others.iter().map(|(check, reason)| (*check, Some(*reason)))));
    }
    outputs(&mut body, project, pull, failing);
    body.finish()
}

/// To the human: failures that the agent cannot mend, each with the reason.
pub(in crate::lifecycle::reactions) fn cannot_mend(
    project: &Project,
    pull: &PullRequest,
    checks: &[(&Check, &str)],
) -> String {
    let mut body = Body::new(format!(
        "{}: CI failed at commit {} for a reason that the agent cannot mend.\n{}\n",
        short_name(project, pull),
        pull.core.head_sha.as_str(),
        page(pull),
    ));
    body.list(&check_list(checks.iter().map(|(check, reason)| (*check, Some(*reason)))));
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
