//! The rules, room by room, without server, file or async: each case is a few facts and what is told.

mod agents;
mod blame;
mod ci_failed;
mod clocks;
mod closing;
mod comments;
mod conflicts;
mod feedback;
mod green;
mod heard;
mod hooks;
mod logs;
mod merge_queue;
mod naming;
mod once;
mod operations;
mod order;
mod ownership;
mod pause;
mod permission;
mod refresh;
mod reruns;
mod reviews;
mod roll_up;
mod say;
mod told;
mod untrusted;
mod what_counts;

use nudged::domain::ScmObservation;

use crate::core::Core;

/// Every order of `count` things.
fn permutations(count: usize) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for next in 0..count {
        let into = |order: Vec<usize>| {
            (0..=next).map(move |place| {
                let mut longer = order.clone();
                longer.insert(place, next);
                longer
            })
        };
        all = all.into_iter().flat_map(into).collect();
    }
    all
}

/// Tells the facts in every order, the first one once more at the end, and compares what is then shown.
pub fn in_any_order<T: PartialEq<U> + std::fmt::Debug, U: std::fmt::Debug>(
    facts: &[ScmObservation],
    show: impl Fn(&Core) -> T,
    expected: U,
) {
    assert!(!facts.is_empty());
    for order in permutations(facts.len()) {
        let mut core = Core::new();
        for index in order.iter().chain(&order[..1]) {
            core.see(facts[*index].clone());
        }
        assert_eq!(show(&core), expected, "in the order {order:?} of {facts:#?}");
    }
}

/// A list of facts of different kinds.
macro_rules! facts {
    ($($fact:expr),* $(,)?) => { [$(::nudged::domain::ScmObservation::from($fact)),*] };
}
pub(crate) use facts;
