//! How many requests GitHub may be asked, by whom, and when: a limiter that knows no clock and does no I/O.
//!
//! At most [`AT_ONCE`] at once, the more pressing first. A limit that GitHub names is obeyed to the second, and
//! nothing is sent inside it (`docs/github-rules.md` 24): what asks meanwhile is refused with the instant at
//! which it may come again. Where GitHub does not answer, one request at a time finds out whether it does again.

use std::collections::{BTreeMap, HashMap, VecDeque};

use jiff::SignedDuration;

use crate::domain::Timestamp;

/// Requests under way at once.
pub const AT_ONCE: usize = 20;
/// Requests of one account within a minute. GitHub allows 900 (its documentation of secondary limits).
const A_MINUTE: usize = 850;
const MINUTE: SignedDuration = SignedDuration::from_secs(60);
/// The longest that is waited where GitHub does not say for how long.
const LONGEST_PENALTY: SignedDuration = SignedDuration::from_hours(1);
/// So many requests in a row that found nobody, and GitHub is taken for down.
const DOWN_AFTER: u32 = 3;
/// The longest time between two looks whether it is up again.
const LONGEST_OUTAGE: SignedDuration = SignedDuration::from_secs(60);
/// What is left for others of an hour's requests when comparing ends: one in so many.
const RESERVE: u64 = 10;

/// What a request is for. The order is the order in which they go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Somebody waits for what a pull request is now.
    Refresh,
    /// A log is wanted.
    Logs,
    /// All is compared.
    Reconcile,
}

/// Whose limits a request counts against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// The App's own.
    App,
    /// Those of an installation, by its id.
    Installation(i64),
}

/// Which of an account's quotas a request counts against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quota {
    /// REST.
    Core,
    /// GraphQL, counted in points.
    Graphql,
}

/// What wants to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    pub account: Account,
    pub quota: Quota,
    pub priority: Priority,
}

/// A claim's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

/// Why nothing may be sent for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// GitHub said so; or what is left is kept for what is more pressing.
    Limited,
    /// GitHub does not answer.
    Down,
}

/// What becomes of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It is sent now.
    Go,
    /// It is not sent; it may come again then.
    Refused { until: Timestamp, why: Closed },
}

/// What an answer says about limits. Counts and Unix seconds are GitHub's headers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// Nobody answered, or GitHub said that it cannot: 5xx.
    pub down: bool,
    /// The answer is a refusal because of a limit.
    pub limited: bool,
    /// `retry-after`, in seconds.
    pub retry_after: Option<i64>,
    /// `x-ratelimit-limit`.
    pub limit: Option<u64>,
    /// `x-ratelimit-remaining`.
    pub remaining: Option<u64>,
    /// `x-ratelimit-reset`.
    pub reset: Option<i64>,
    /// `date`: GitHub's own clock, by which `reset` is meant.
    pub date: Option<i64>,
}

/// What is known of one quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    pub limit: u64,
    pub remaining: u64,
    /// When it is whole again, by our clock.
    pub reset: Timestamp,
}

#[derive(Debug, Default)]
struct Ledger {
    /// A secondary limit: nothing until then.
    closed: Option<Timestamp>,
    /// Primary limits: nothing of the quota until then.
    used_up: HashMap<Quota, Timestamp>,
    left: HashMap<Quota, Left>,
    /// Limits in a row that did not say for how long.
    strikes: u32,
    /// Requests in a row that nobody answered.
    failures: u32,
    down_until: Option<Timestamp>,
    under_way: usize,
    /// When the last requests were sent, the oldest first.
    sent: VecDeque<Timestamp>,
}

/// The limiter.
#[derive(Debug)]
pub struct Budget {
    /// Whether requests are spread over the minute.
    paced: bool,
    next: u64,
    waiting: BTreeMap<(Priority, Ticket), Claim>,
    under_way: HashMap<Ticket, Claim>,
    accounts: HashMap<Account, Ledger>,
}

impl Budget {
    /// Nothing was asked yet. Without pace, requests are not spread over the minute: for a clock that stands.
    pub fn new(paced: bool) -> Self {
        Self {
            paced,
            next: 0,
            waiting: BTreeMap::new(),
            under_way: HashMap::new(),
            accounts: HashMap::new(),
        }
    }

    /// Something wants to be sent. What becomes of it, [`Budget::turns`] says.
    pub fn enter(&mut self, claim: Claim) -> Ticket {
        let ticket = Ticket(self.next);
        self.next += 1;
        self.waiting.insert((claim.priority, ticket), claim);
        ticket
    }

    /// Those whose turn has come, the most pressing first. The rest goes on waiting.
    pub fn turns(&mut self, now: Timestamp) -> Vec<(Ticket, Turn)> {
        let mut turns = Vec::new();
        let claims: Vec<_> = self.waiting.iter().map(|(key, claim)| (*key, *claim)).collect();
        for ((priority, ticket), claim) in claims {
            let ledger = self.accounts.entry(claim.account).or_default();
            let turn = if let Some((until, why)) = ledger.refusal(claim, now) {
                Turn::Refused { until, why }
            } else if self.under_way.len() < AT_ONCE && ledger.has_room(self.paced, now) {
                ledger.under_way += 1;
                ledger.sent.push_back(now);
                self.under_way.insert(ticket, claim);
                Turn::Go
            } else {
                continue;
            };
            self.waiting.remove(&(priority, ticket));
            turns.push((ticket, turn));
        }
        turns
    }

    /// When somebody may go who waits now, although nothing ends until then.
    pub fn next_turn(&self, now: Timestamp) -> Option<Timestamp> {
        let waits = self.waiting.values().filter_map(|claim| self.accounts.get(&claim.account));
        let full = waits.filter(|ledger| ledger.sent.len() >= A_MINUTE);
        let oldest = full.filter_map(|ledger| ledger.sent.front()).min()?;
        Some(later(*oldest, MINUTE).max(now))
    }

    /// A request has ended with this answer.
    pub fn end(&mut self, ticket: Ticket, seen: &Seen, now: Timestamp) {
        let Some(claim) = self.under_way.remove(&ticket) else { return };
        let ledger = self.accounts.entry(claim.account).or_default();
        ledger.under_way = ledger.under_way.saturating_sub(1);
        ledger.learn(claim.quota, seen, now);
    }

    /// A claim is given up, whether or not its turn had come.
    pub fn leave(&mut self, ticket: Ticket) {
        self.waiting.retain(|(_, waiting), _| *waiting != ticket);
        if let Some(claim) = self.under_way.remove(&ticket)
            && let Some(ledger) = self.accounts.get_mut(&claim.account)
        {
            ledger.under_way = ledger.under_way.saturating_sub(1);
        }
    }

    /// What is left of a quota, as far as answers told.
    pub fn left(&self, account: Account, quota: Quota) -> Option<Left> {
        self.accounts.get(&account)?.left.get(&quota).copied()
    }

    /// Until when nothing of the account is sent, if so.
    pub fn closed(&self, account: Account, now: Timestamp) -> Option<(Timestamp, Closed)> {
        let claim = Claim { account, quota: Quota::Core, priority: Priority::Refresh };
        self.accounts.get(&account)?.refusal(claim, now)
    }
}

impl Ledger {
    fn refusal(&self, claim: Claim, now: Timestamp) -> Option<(Timestamp, Closed)> {
        let limits = [self.closed, self.used_up.get(&claim.quota).copied(), self.reserved(claim)];
        let limited = limits.into_iter().flatten().max().map(|until| (until, Closed::Limited));
        let down = self.down_until.map(|until| (until, Closed::Down));
        limited.into_iter().chain(down).filter(|(until, _)| *until > now).max_by_key(|it| it.0)
    }

    /// The last part of an hour's requests is not for comparing.
    fn reserved(&self, claim: Claim) -> Option<Timestamp> {
        let left = self.left.get(&claim.quota)?;
        let kept = claim.priority == Priority::Reconcile && left.remaining <= left.limit / RESERVE;
        kept.then_some(left.reset)
    }

    fn has_room(&mut self, paced: bool, now: Timestamp) -> bool {
        while self.sent.front().is_some_and(|sent| later(*sent, MINUTE) <= now) {
            self.sent.pop_front();
        }
        while self.sent.len() > A_MINUTE {
            self.sent.pop_front();
        }
        // After a limit or a failure one goes first.
        let tries = self.strikes > 0 || self.failures >= DOWN_AFTER;
        let within = !paced || self.sent.len() < A_MINUTE;
        within && !(tries && self.under_way > 0)
    }

    fn learn(&mut self, quota: Quota, seen: &Seen, now: Timestamp) {
        if seen.down {
            self.failures = self.failures.saturating_add(1);
            if let Some(over) = self.failures.checked_sub(DOWN_AFTER) {
                let wait = SignedDuration::from_secs(1 << over.min(6));
                self.down_until = Some(later(now, wait.min(LONGEST_OUTAGE)));
            }
            return;
        }
        (self.failures, self.down_until) = (0, None);
        let reset = seen.reset.map(|reset| reset_at(reset, seen.date, now));
        if let (Some(limit), Some(remaining), Some(reset)) = (seen.limit, seen.remaining, reset) {
            self.left.insert(quota, Left { limit, remaining, reset });
        }
        let used_up = seen.remaining == Some(0);
        if let Some(reset) = reset.filter(|_| used_up) {
            self.used_up.insert(quota, reset);
        }
        if !seen.limited {
            self.strikes = 0;
            return;
        }
        match (seen.retry_after, used_up && reset.is_some()) {
            (Some(seconds), _) => {
                let wait = SignedDuration::from_secs(seconds.clamp(1, 24 * 3_600));
                self.close(later(now, wait));
            }
            (None, true) => {}
            (None, false) => {
                let wait = MINUTE * (1 << self.strikes.min(6));
                self.strikes = self.strikes.saturating_add(1);
                self.close(later(now, wait.min(LONGEST_PENALTY)));
            }
        }
    }

    fn close(&mut self, until: Timestamp) {
        self.closed = self.closed.max(Some(until));
    }
}

/// When a quota is whole again by our clock. Both of GitHub's times are cut to seconds, hence one more.
fn reset_at(reset: i64, date: Option<i64>, now: Timestamp) -> Timestamp {
    let at = match date {
        Some(date) => later(now, SignedDuration::from_secs(reset.saturating_sub(date).max(0))),
        None => Timestamp::from_second(reset).unwrap_or(now),
    };
    later(at, SignedDuration::from_secs(1))
}

fn later(at: Timestamp, span: SignedDuration) -> Timestamp {
    at.checked_add(span).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: Account = Account::Installation(1);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn claim(account: Account, priority: Priority) -> Claim {
        Claim { account, quota: Quota::Core, priority }
    }

    /// Has so many enter, and answers who may go now.
    fn ask(budget: &mut Budget, priority: Priority, count: usize, now: Timestamp) -> Vec<Turn> {
        for _ in 0..count {
            budget.enter(claim(OURS, priority));
        }
        budget.turns(now).into_iter().map(|(_, turn)| turn).collect()
    }

    /// One request that goes and gets this answer.
    fn answered(budget: &mut Budget, seen: Seen, now: Timestamp) {
        let ticket = budget.enter(claim(OURS, Priority::Refresh));
        assert_eq!(budget.turns(now), [(ticket, Turn::Go)]);
        budget.end(ticket, &seen, now);
    }

    fn until(turns: &[Turn]) -> Option<Timestamp> {
        match turns {
            [Turn::Refused { until, .. }] => Some(*until),
            _ => None,
        }
    }

    #[test]
    fn twenty_go_at_once_and_the_more_pressing_first() {
        let mut budget = Budget::new(true);
        let first: Vec<Ticket> =
            (0..25).map(|_| budget.enter(claim(OURS, Priority::Reconcile))).collect();
        let gone: Vec<Ticket> = budget.turns(at(0)).into_iter().map(|it| it.0).collect();
        assert_eq!(gone, first[..20]);
        let log = budget.enter(claim(OURS, Priority::Logs));
        let refresh = budget.enter(claim(OURS, Priority::Refresh));
        assert_eq!(budget.turns(at(0)), []);
        budget.end(first[0], &Seen::default(), at(1));
        assert_eq!(budget.turns(at(1)), [(refresh, Turn::Go)]);
        budget.leave(first[1]);
        assert_eq!(budget.turns(at(1)), [(log, Turn::Go)]);
        budget.leave(log);
        assert_eq!(budget.turns(at(1)), [(first[20], Turn::Go)]);
    }

    #[test]
    fn nothing_goes_inside_a_penalty_and_everything_after_it() {
        let mut budget = Budget::new(true);
        answered(
            &mut budget,
            Seen { limited: true, retry_after: Some(37), ..Seen::default() },
            at(0),
        );
        assert_eq!(until(&ask(&mut budget, Priority::Refresh, 1, at(36))), Some(at(37)));
        let other = budget.enter(claim(Account::Installation(2), Priority::Reconcile));
        assert_eq!(budget.turns(at(36)), [(other, Turn::Go)]);
        assert_eq!(ask(&mut budget, Priority::Refresh, 1, at(37)), [Turn::Go]);
    }

    #[test]
    fn a_used_up_hour_lasts_until_its_reset_by_github_s_clock() {
        let mut budget = Budget::new(true);
        // GitHub's clock is ten minutes behind ours.
        let (date, reset) = (at(-600).as_second(), at(-600 + 90).as_second());
        let seen = Seen {
            limit: Some(5_000),
            remaining: Some(0),
            reset: Some(reset),
            date: Some(date),
            ..Seen::default()
        };
        answered(&mut budget, seen, at(0));
        assert_eq!(until(&ask(&mut budget, Priority::Refresh, 1, at(90))), Some(at(91)));
        let graphql = Claim { quota: Quota::Graphql, ..claim(OURS, Priority::Refresh) };
        let graphql = budget.enter(graphql);
        assert_eq!(budget.turns(at(1)), [(graphql, Turn::Go)]);
        assert_eq!(ask(&mut budget, Priority::Refresh, 1, at(91)), [Turn::Go]);
    }

    #[test]
    fn a_limit_without_a_time_is_a_minute_and_grows() {
        let mut budget = Budget::new(true);
        let bare = Seen { limited: true, ..Seen::default() };
        answered(&mut budget, bare, at(0));
        assert_eq!(until(&ask(&mut budget, Priority::Refresh, 1, at(59))), Some(at(60)));
        answered(&mut budget, bare, at(60));
        assert_eq!(until(&ask(&mut budget, Priority::Refresh, 1, at(61))), Some(at(180)));
        // One alone finds out whether it is over.
        assert_eq!(ask(&mut budget, Priority::Logs, 3, at(180)), [Turn::Go]);
    }

    #[test]
    fn comparing_leaves_a_tenth_of_the_hour_to_others() {
        let mut budget = Budget::new(true);
        let left = Seen {
            limit: Some(5_000),
            remaining: Some(500),
            reset: Some(at(900).as_second()),
            ..Seen::default()
        };
        answered(&mut budget, left, at(0));
        assert_eq!(until(&ask(&mut budget, Priority::Reconcile, 1, at(1))), Some(at(901)));
        assert_eq!(ask(&mut budget, Priority::Refresh, 1, at(1)), [Turn::Go]);
        assert_eq!(ask(&mut budget, Priority::Reconcile, 1, at(901)), [Turn::Go]);
    }

    #[test]
    fn who_does_not_answer_is_asked_ever_more_seldom_and_by_one_alone() {
        let mut budget = Budget::new(true);
        let (mut now, mut asked) = (0, 0);
        let down = Seen { down: true, ..Seen::default() };
        while now < 3_600 {
            let ticket = budget.enter(claim(OURS, Priority::Refresh));
            if budget.turns(at(now)) == [(ticket, Turn::Go)] {
                asked += 1;
                budget.end(ticket, &down, at(now));
            }
            now += 1;
        }
        assert!((60..75).contains(&asked), "{asked} requests in an hour");
        assert_eq!(ask(&mut budget, Priority::Refresh, 5, at(3_700)), [Turn::Go]);
    }

    #[test]
    fn a_minute_holds_no_more_than_github_allows() {
        let mut budget = Budget::new(true);
        for _ in 0..A_MINUTE {
            answered(&mut budget, Seen::default(), at(0));
        }
        assert_eq!(ask(&mut budget, Priority::Reconcile, 1, at(59)), []);
        assert_eq!(budget.next_turn(at(59)), Some(at(60)));
        assert_eq!(budget.turns(at(60)).len(), 1);
        let mut unpaced = Budget::new(false);
        for _ in 0..2 * A_MINUTE {
            answered(&mut unpaced, Seen::default(), at(0));
        }
    }
}
