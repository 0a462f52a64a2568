//! The knobs: what goes wrong, what is refused; and what was asked.

use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::SignedDuration;

use super::FakeGitHub;
use super::faults::{Fault, Limit, Penalty};
use super::hub::{Seen, locked};

impl FakeGitHub {
    /// The next `times` requests whose path (with its query) holds `path` get this instead of their answer. Logs at
    /// the other host have the path `/logs/{repository}/{job}`.
    pub fn fault(&self, path: &str, times: u32, fault: Fault) {
        self.fault_after(path, 0, times, fault);
    }

    /// The same, after `skip` such requests that go well.
    pub fn fault_after(&self, path: &str, skip: u32, times: u32, fault: Fault) {
        locked(&self.hub.faults).add(path, skip, times, fault);
    }

    /// Ends all faults and limits.
    pub fn heal(&self) {
        locked(&self.hub.faults).clear();
    }

    /// New connections to both hosts are closed as they come, until it is taken back.
    pub fn set_down(&self, down: bool) {
        locked(&self.hub.faults).down = down;
    }

    /// How many connections were closed as they came.
    pub fn turned_away(&self) -> u32 {
        locked(&self.hub.faults).turned_away
    }

    /// Refuses everything for so long, with 403 or 429; requests that come all the same are seen as
    /// `inside_penalty`.
    pub fn limit(&self, kind: Limit, status: u16, during: Duration) {
        let now = self.hub.now();
        let during = SignedDuration::try_from(during).unwrap_or(SignedDuration::MAX);
        let until = now.checked_add(during).unwrap_or(jiff::Timestamp::MAX);
        locked(&self.hub.faults).penalty = Some(Penalty { kind, until, status });
    }

    /// How many requests an hour, and how many points, an installation and the App have.
    pub fn set_hourly_limit(&self, limit: u32) {
        self.hub.limit.store(limit, Ordering::SeqCst);
    }

    /// No token that was given out is good any more: 401.
    pub fn expire_tokens(&self) {
        locked(&self.hub.tokens).revoke_all();
    }

    /// All requests so far, to both hosts, in the order of their answers.
    pub fn seen(&self) -> Vec<Seen> {
        locked(&self.hub.seen).clone()
    }

    /// Forgets the requests so far.
    pub fn forget_seen(&self) {
        locked(&self.hub.seen).clear();
    }

    /// How many requests are like this.
    pub fn count(&self, like: impl Fn(&Seen) -> bool) -> usize {
        locked(&self.hub.seen).iter().filter(|it| like(it)).count()
    }

    /// The most requests that were being answered at once.
    pub fn most_at_once(&self) -> usize {
        locked(&self.hub.at_once).1
    }
}
