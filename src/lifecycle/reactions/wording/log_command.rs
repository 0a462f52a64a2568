//! How an agent reads the log of a check that sent no text of its own, as checks of GitHub Actions do.

use std::collections::BTreeSet;

use url::Url;

use crate::domain::{Check, Project, PullRequest};

/// Runs whose command is told; a nudge's failing checks are of few.
const MOST: usize = 3;

/// The commands that show the logs of these checks, each once, and nothing that a stranger chose: the run is a
/// number, host and repository are the project's own.
pub(super) fn log_commands(project: &Project, pull: &PullRequest, checks: &[&Check]) -> String {
    let silent = checks.iter().filter(|check| is_silent(check));
    let runs: BTreeSet<u64> = silent.filter_map(|check| run_of(&check.url)).collect();
    let repo = project.repo.as_str();
    // GitHub's alphabet; what is made to be pasted into a shell has no other.
    if !repo.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b)) {
        return String::new();
    }
    // https://cli.github.com/manual/gh_run_view: another host stands before the repository.
    let repo = match Url::parse(&pull.url).ok().as_ref().and_then(Url::host_str) {
        None | Some("github.com") => repo.to_owned(),
        Some(host) => format!("{host}/{repo}"),
    };
    let command = |run: &u64| format!("    gh run view {run} --repo {repo} --log-failed\n");
    runs.iter().take(MOST).map(command).collect()
}

/// It is of Actions and says no more than which step failed.
fn is_silent(check: &Check) -> bool {
    let said = &*check.log_tail;
    let names_a_step = said.starts_with("failed step: ") && said.lines().count() == 1;
    &*check.key.source == "github-actions" && (said.is_empty() || names_a_step)
}

/// The run in `https://HOST/OWNER/REPO/actions/runs/RUN/job/JOB`.
fn run_of(address: &str) -> Option<u64> {
    let (_, rest) = address.split_once("/actions/runs/")?;
    rest.split(['/', '?', '#']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_a_number_of_an_address_of_actions() {
        for (address, run) in [
            ("https://github.com/o/r/actions/runs/17/job/4", Some(17)),
            ("https://github.com/o/r/actions/runs/17", Some(17)),
            ("https://github.com/o/r/actions/runs/17?pr=1", Some(17)),
            ("https://github.com/o/r/actions/runs/17;rm", None),
            ("https://github.com/o/r/runs/17", None),
            ("", None),
        ] {
            assert_eq!(run_of(address), run, "{address}");
        }
    }
}
