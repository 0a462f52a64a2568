//! `pr-closed` and `pr-merged`: the human hears once that it is over.

use super::context::Context;
use super::wording;
use crate::domain::{NudgeKind, PrState, PullRequest};

pub(super) fn react(context: &mut Context<'_>, pull: &mut PullRequest) {
    let state = pull.core.state;
    let kind = match state {
        PrState::Open | PrState::Draft => {
            pull.memory.closing_told = None;
            context.supersede(pull, |nudge| nudge.kind == NudgeKind::PrClosed);
            return;
        }
        PrState::Closed => NudgeKind::PrClosed,
        PrState::Merged => NudgeKind::PrMerged,
    };
    if pull.memory.closing_told == Some(state) {
        return;
    }
    pull.memory.closing_told = Some(state);
    context.supersede(pull, |nudge| nudge.kind == NudgeKind::PrClosed);
    let signature = format!("{state}@{}", pull.core_at);
    let text = wording::ended(context.project, pull);
    context.say(pull, kind, &signature, text);
}
