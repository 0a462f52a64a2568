//! The logs of failed checks: asked for once, and waited for within a bound before something is said about them.

use std::sync::Arc;

use super::context::Context;
use crate::domain::{
    CheckLog, CheckStatus, CommitFact, CommitSha, FetchLog, LogState, PullRequest, TaskPayload,
};
use crate::lifecycle::scm::DerivedCheck;

/// Logs that are fetched of one commit; as many checks are shown in a nudge.
const MOST_LOGS: usize = 30;

/// Whether it is a job of Actions that left a log.
fn has_log(it: &DerivedCheck) -> bool {
    let check = &it.check;
    let ran = !it.never_ran && !it.stands_for_workflow;
    &*check.key.source == "github-actions"
        && ran
        && matches!(check.status, CheckStatus::Failed | CheckStatus::Cancelled)
        && !matches!(check.conclusion.as_deref(), Some("action_required" | "startup_failure"))
}

/// Asks for the logs of these checks at a commit of which nothing is known yet.
pub(super) fn ask<'c>(
    context: &mut Context<'_>,
    pull: &PullRequest,
    sha: &CommitSha,
    checks: impl Iterator<Item = &'c DerivedCheck>,
) {
    if !context.may_ask() {
        return;
    }
    let known = context.known.facts(pull.repo_id, sha).logs.len();
    let wanted = checks.filter(|it| it.log.is_none() && has_log(it));
    for it in wanted.take(MOST_LOGS.saturating_sub(known)) {
        let check = &it.check;
        let state = LogState::Asked(context.now);
        let log = CheckLog { run_id: check.run_id, state, blame: Default::default() };
        context.known.put_fact(pull.repo_id, sha, CommitFact::Log(Arc::new(log)));
        context.enqueue(TaskPayload::FetchLog(FetchLog {
            repo_id: pull.repo_id,
            repo: context.project.repo.clone(),
            number: pull.number,
            run_id: check.run_id,
            sha: sha.clone(),
            base_ref: pull.core.base_ref.clone(),
            source: check.key.source.clone(),
            name: check.key.name.clone(),
            workflow_run_id: it.workflow_run_id,
        }));
    }
}

/// Whether the log of one of these is on its way, asked for just now or before.
pub(super) fn under_way<'c>(
    context: &Context<'_>,
    pull: &PullRequest,
    sha: &CommitSha,
    checks: impl Iterator<Item = &'c DerivedCheck>,
) -> bool {
    let logs = &context.known.facts(pull.repo_id, sha).logs;
    let mut runs = checks.map(|it| it.check.run_id);
    runs.any(|run| logs.get(&run).is_some_and(|log| log.is_under_way()))
}
