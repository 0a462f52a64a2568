//! What goes wrong on request: answers that are no answers, limits, hosts that are down.

use std::time::Duration;

use jiff::Timestamp;

/// What a request gets instead of its answer.
#[derive(Debug, Clone)]
pub enum Fault {
    /// This status with GitHub's kind of JSON; 451 comes with its own.
    Status(u16, String),
    /// 200 and a page.
    Html,
    /// This status and a page, as of a gateway.
    HtmlStatus(u16),
    /// The right answer's head, and the first half of its body; then the connection ends.
    CutInHalf,
    /// The right answer, in pieces with this much time between them.
    Slow(Duration),
    /// The right answer, this much later.
    Late(Duration),
    /// A redirect to this path at the other host ([`super::FakeGitHub::other_url`]).
    ToOtherHost(u16),
    /// A redirect to this address.
    To(u16, String),
    /// Nothing: the connection ends.
    Hangup,
    /// 403 with `Resource not accessible by integration`, and the permission that is wanted.
    Forbidden(String),
}

/// A fault, where it strikes and how often.
#[derive(Debug)]
struct Rule {
    path: String,
    left: u32,
    skip: u32,
    fault: Fault,
}

/// A time in which requests are refused.
#[derive(Debug, Clone, Copy)]
pub(super) struct Penalty {
    pub(super) kind: Limit,
    pub(super) until: Timestamp,
    /// 403 or 429.
    pub(super) status: u16,
}

/// A kind of limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// The hour's requests are used up: `x-ratelimit-remaining` is 0 until `x-ratelimit-reset`.
    Primary,
    /// Too much at once: `retry-after`.
    Secondary,
    /// Too much at once, without a header that says for how long.
    Bare,
}

/// All faults that wait for their requests.
#[derive(Debug, Default)]
pub(super) struct Faults {
    rules: Vec<Rule>,
    pub(super) penalty: Option<Penalty>,
    /// Connections are closed as they come.
    pub(super) down: bool,
    pub(super) turned_away: u32,
}

impl Faults {
    /// The next `times` requests whose path (with its query) holds `path` get the fault, after `skip` that do not.
    pub(super) fn add(&mut self, path: &str, skip: u32, times: u32, fault: Fault) {
        self.rules.push(Rule { path: path.to_owned(), left: times, skip, fault });
    }

    /// Whether a connection is to be closed as it comes.
    pub(super) fn turns_away(&mut self) -> bool {
        self.turned_away += u32::from(self.down);
        self.down
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The fault of this request, which is used up by it.
    pub(super) fn strike(&mut self, path: &str) -> Option<Fault> {
        let mut struck = None;
        for rule in self.rules.iter_mut().filter(|rule| path.contains(&rule.path)) {
            if rule.skip > 0 {
                rule.skip -= 1;
            } else if struck.is_none() && rule.left > 0 {
                rule.left -= 1;
                struck = Some(rule.fault.clone());
            }
        }
        self.rules.retain(|rule| rule.left > 0);
        struck
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_strikes_where_and_as_often_as_it_was_told_to() {
        let mut faults = Faults::default();
        faults.add("/pulls", 1, 2, Fault::Html);
        let struck = ["/pulls", "/checks", "/a/pulls?x", "/pulls/3", "/pulls"]
            .map(|path| faults.strike(path).is_some());
        assert_eq!(struck, [false, false, true, true, false]);
    }
}
