//! What is said about the state of a pull request as a whole.

use super::names::{NAME_CHARS, page, short_name};
use super::untrusted::Body;
use crate::domain::{CiState, PrState, Project, PullRequest};
use crate::excerpt::one_line;

/// How many names are listed.
const MOST_NAMES: usize = 20;

/// To the human: nothing stands in the way of a merge. `uncounted`: who wrote something that did not count, since
/// they have no say in the repository.
pub(in crate::lifecycle::reactions) fn approved_and_green(
    project: &Project,
    pull: &PullRequest,
    ci: CiState,
    uncounted: &[String],
) -> String {
    let mut body = Body::new(format!(
        "{} is ready to merge at commit {}: CI {ci}, review {}, {}.\n{}\n",
        short_name(project, pull),
        pull.core.head_sha.as_str(),
        pull.review,
        pull.mergeability,
        page(pull),
    ));
    if !uncounted.is_empty() {
        body.ours("Others without a say in this repository have commented; look at it before you merge.\n");
        let names = uncounted.iter().take(MOST_NAMES).map(|name| one_line(name, NAME_CHARS));
        body.list(&names.collect::<Vec<_>>().join("\n"));
    }
    body.finish()
}

/// To the agent: the branch no longer merges.
pub(in crate::lifecycle::reactions) fn merge_conflicts(
    project: &Project,
    pull: &PullRequest,
) -> String {
    let mut body = Body::new(format!(
        "{} conflicts with its base branch at commit {}.\n{}\n\
         Bring the base branch into it, solve the conflicts and push.\n",
        short_name(project, pull),
        pull.core.head_sha.as_str(),
        page(pull),
    ));
    body.list(&format!("base branch: {}", one_line(&pull.core.base_ref, NAME_CHARS)));
    body.finish()
}

/// To the human: the agent did not solve the conflict in time.
pub(in crate::lifecycle::reactions) fn still_conflicting(
    project: &Project,
    pull: &PullRequest,
) -> String {
    format!(
        "{} still conflicts with its base branch, 15 minutes after the agent was told.\n{}\n",
        short_name(project, pull),
        page(pull),
    )
}

/// To the human: it was closed without a merge, or merged.
pub(in crate::lifecycle::reactions) fn ended(project: &Project, pull: &PullRequest) -> String {
    let merged = pull.core.state == PrState::Merged;
    let how = if merged { "was merged" } else { "was closed without being merged" };
    format!("{} {how}.\n{}\n", short_name(project, pull), page(pull))
}
