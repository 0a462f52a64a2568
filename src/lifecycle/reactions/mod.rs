//! What is to be said about a pull request, from what it is and what was said before.
//!
//! Each reaction looks at the state, not at the event that led to it, and keeps what it said in
//! the row's memory: so the order of events, a repetition or a restart cannot make it speak twice.

mod agent;
mod agent_wording;
mod cancelled;
mod checks;
mod ci_failed;
mod closing;
mod conflicts;
mod context;
mod feedback;
mod green;
mod judge;
mod logs;
mod merge_queue;
mod permission;
mod refresh;
mod rerun;
mod wording;

use crate::domain::{PullRequest, TimerKind};

pub(super) use agent::{Circumstances, owns_open, pulls_changed, react_to_session};
pub(super) use ci_failed::gathered;
pub(super) use context::Context;

/// Speaks about `pull`, whose derived columns are up to date, and remembers it there.
pub(super) fn react(mut context: Context<'_>, pull: &mut PullRequest) {
    for kind in TimerKind::ALL {
        if !pull.core.state.is_open() || (context.head_moved && kind.is_of_head()) {
            context.cancel(*kind);
        }
    }
    closing::react(&mut context, pull);
    // A head cannot have arrived later than now: the clock has been set back since.
    let in_future = |at| at > context.now;
    if pull.memory.head_since.is_none_or(in_future) || context.head_moved {
        pull.memory.head_since = Some(context.now);
    }
    ci_failed::react(&mut context, pull);
    cancelled::react(&mut context, pull);
    conflicts::react(&mut context, pull);
    permission::react(&mut context, pull);
    feedback::react(&mut context, pull);
    merge_queue::react(&mut context, pull);
    refresh::react(&mut context, pull);
    green::react(&mut context, pull);
    context.follow_agent(pull);
}
