//! `merge-conflicts`: the agent hears once an episode; the human, when it is still there later.

use jiff::SignedDuration;

use crate::domain::{Mergeability, NudgeKind, PullRequest, TimerKind};
use crate::lifecycle::body;

use super::Scene;

/// A conflict that the agent has not solved by then is escalated.
const PATIENCE: SignedDuration = SignedDuration::from_mins(15);
/// When the time is up while GitHub computes, it is looked at again after this long.
const RECOMPUTED: SignedDuration = SignedDuration::from_mins(1);

pub(super) fn react(scene: &mut Scene<'_>, pull: &mut PullRequest) {
    let over = match pull.mergeability {
        _ if !pull.core.state.is_open() => true,
        Mergeability::Mergeable | Mergeability::Unstable | Mergeability::Blocked => true,
        // Not computed yet: neither begins nor ends an episode.
        Mergeability::Unknown => {
            if scene.rang == Some(TimerKind::ConflictEscalation) {
                scene.arm(TimerKind::ConflictEscalation, RECOMPUTED);
            }
            return;
        }
        Mergeability::Conflicting => false,
    };
    if over {
        pull.memory.conflict_since = None;
        pull.memory.conflict_escalated = false;
        scene.supersede(|nudge| nudge.kind == NudgeKind::MergeConflicts);
        scene.cancel(TimerKind::ConflictEscalation);
        return;
    }
    let Some(since) = pull.memory.conflict_since else {
        pull.memory.conflict_since = Some(scene.now);
        scene.arm(TimerKind::ConflictEscalation, PATIENCE);
        let text = body::merge_conflicts(scene.project, pull);
        scene.say(NudgeKind::MergeConflicts, format!("conflict@{}", scene.now), text);
        return;
    };
    if scene.rang == Some(TimerKind::ConflictEscalation) && !pull.memory.conflict_escalated {
        pull.memory.conflict_escalated = true;
        let text = body::still_conflicting(scene.project, pull);
        scene.say(NudgeKind::Escalated, format!("conflict@{since}"), text);
    }
}
