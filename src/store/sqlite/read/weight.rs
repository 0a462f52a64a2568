//! How heavy what is read is: an answer has a bound in bytes, not in rows alone.

use rusqlite::Result;

use crate::store::reads::{CheckedPull, HEAVIEST_ANSWER};
use crate::store::views::{
    Change, CheckView, CommentView, DeliveryView, NudgeView, ProjectView, PullView, SessionView,
};

/// What every item weighs beside its long texts: names, times, numbers.
const FRAME: usize = 512;

/// Something whose bytes are counted.
pub(super) trait Weighed {
    /// Its bytes, about.
    fn weight(&self) -> usize;
}

/// The first items, up to `most` of them and no heavier than [`HEAVIEST_ANSWER`], but one at least; and
/// whether there are more. Reads one item too many at most.
pub(super) fn heaviest<T: Weighed>(
    items: impl IntoIterator<Item = Result<T>>,
    most: usize,
) -> Result<(Vec<T>, bool)> {
    let (mut taken, mut weight) = (Vec::new(), 0);
    for item in items {
        let item = item?;
        weight += item.weight();
        if taken.len() == most || (weight > HEAVIEST_ANSWER && !taken.is_empty()) {
            return Ok((taken, true));
        }
        taken.push(item);
    }
    Ok((taken, false))
}

fn all<T: Weighed>(items: &[T]) -> usize {
    items.iter().map(Weighed::weight).sum()
}

impl Weighed for ProjectView {
    fn weight(&self) -> usize {
        let trust = &self.trust;
        let named = trust.associations.iter().chain(&trust.bots).flatten().chain(&trust.users);
        let globs = self.checks_only.iter().chain(&self.checks_except).chain(named);
        FRAME + globs.map(String::len).sum::<usize>() + self.path.as_ref().map_or(0, String::len)
    }
}

impl Weighed for SessionView {
    fn weight(&self) -> usize {
        let branch = self.branch.as_ref().map_or(0, String::len);
        FRAME + branch + self.prompt.len() + all(&self.pulls)
    }
}

impl Weighed for PullView {
    fn weight(&self) -> usize {
        FRAME + self.title.len() + self.url.len() + self.head_ref.len() + self.base_ref.len()
    }
}

impl Weighed for CheckedPull {
    fn weight(&self) -> usize {
        self.pull.weight() + all(&self.checks.items)
    }
}

impl Weighed for CheckView {
    fn weight(&self) -> usize {
        let log_tail = self.log_tail.as_ref().map_or(0, String::len);
        FRAME + self.name.len() + self.url.len() + log_tail
    }
}

impl Weighed for CommentView {
    fn weight(&self) -> usize {
        FRAME + self.body.len() + self.url.len() + self.file.as_ref().map_or(0, String::len)
    }
}

impl Weighed for NudgeView {
    fn weight(&self) -> usize {
        FRAME + self.body.len() + self.pull_url.as_ref().map_or(0, String::len)
    }
}

impl Weighed for DeliveryView {
    fn weight(&self) -> usize {
        FRAME + self.guid.len() + self.reason.as_ref().map_or(0, String::len)
    }
}

impl Weighed for Change {
    fn weight(&self) -> usize {
        FRAME + self.payload.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Stone(usize);

    impl Weighed for Stone {
        fn weight(&self) -> usize {
            self.0
        }
    }

    #[test]
    fn what_is_taken_is_bounded_in_number_and_weight() {
        const HALF: usize = HEAVIEST_ANSWER / 2;
        for (stones, most, taken, more) in [
            (&[1, 1, 1][..], 3, 3, false),
            (&[1, 1, 1], 2, 2, true),
            (&[HALF, HALF], 9, 2, false),
            (&[HALF, HALF, 1], 9, 2, true),
            (&[HALF * 3, 1], 9, 1, true),
            (&[], 9, 0, false),
        ] {
            let found = heaviest(stones.iter().map(|stone| Ok(Stone(*stone))), most).unwrap();
            assert_eq!((found.0.len(), found.1), (taken, more), "{stones:?} by {most}");
        }
    }
}
