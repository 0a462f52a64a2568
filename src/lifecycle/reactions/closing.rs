//! `pr-closed` and `pr-merged`: the human hears once that it is over.

use crate::domain::{NudgeKind, PrState, PullRequest};
use crate::lifecycle::body;

use super::Scene;

pub(super) fn react(scene: &mut Scene<'_>, pull: &mut PullRequest) {
    let state = pull.core.state;
    let kind = match state {
        PrState::Open | PrState::Draft => {
            pull.memory.closing_told = None;
            scene.supersede(|nudge| nudge.kind == NudgeKind::PrClosed);
            return;
        }
        PrState::Closed => NudgeKind::PrClosed,
        PrState::Merged => NudgeKind::PrMerged,
    };
    if pull.memory.closing_told == Some(state) {
        return;
    }
    pull.memory.closing_told = Some(state);
    scene.supersede(|nudge| nudge.kind == NudgeKind::PrClosed);
    let signature = format!("{state}@{}", pull.core_at);
    scene.say(kind, signature, body::ended(scene.project, pull));
}
