//! Full-size GitHub bodies over many pull requests: the recorded story with other numbers in the
//! same places, so that making one costs little beside sending it.

use anyhow::{Result, ensure};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const PULL: &[u8] =
    include_bytes!("../../fixtures/webhooks/plain-life/01-pull_request-opened.json");
const GREEN: &[u8] =
    include_bytes!("../../fixtures/webhooks/plain-life/07-check_run-completed-build-success.json");
const RED: &[u8] =
    include_bytes!("../../fixtures/webhooks/plain-life/08-check_run-completed-test-failure.json");

/// What stands in the recorded bodies.
const NUMBERS: &[&str] = &["/pull/231", "/pulls/231", "/issues/231", "\"number\": 231"];
const PULL_ID: &str = "3398518793";
const HEAD: &str = "368ec74b6f583c3c5347b9391129796ea14cfd3c";
const BRANCH: &str = "ada/retry-budget-window";
const RUNS: &[&str] = &["65079737913", "65079741434"];
const TIMES: &[&str] = &["2026-03-12T09:00:17Z", "2026-03-12T09:01:38Z"];

/// Makes the bodies, and signs them.
pub(super) struct Bodies {
    mac: Hmac<Sha256>,
    pulls: u64,
    deliveries_a_head: u64,
    pull: Template,
    checks: [Template; 2],
}

/// A body, and where in it stands what differs. All replacements have the length of the original.
struct Template {
    bytes: &'static [u8],
    numbers: Vec<usize>,
    pull_ids: Vec<usize>,
    heads: Vec<usize>,
    branches: Vec<usize>,
    runs: Vec<usize>,
    times: Vec<usize>,
}

impl Bodies {
    pub(super) fn new(secret: &str, pulls: u64, deliveries_a_head: u64) -> Result<Self> {
        let bodies = Self {
            mac: Hmac::new_from_slice(secret.as_bytes())?,
            pulls,
            deliveries_a_head,
            pull: Template::new(PULL),
            checks: [Template::new(GREEN), Template::new(RED)],
        };
        ensure!(
            !bodies.pull.numbers.is_empty() && !bodies.pull.times.is_empty(),
            "the story has changed"
        );
        for check in &bodies.checks {
            ensure!(!check.runs.is_empty() && !check.heads.is_empty(), "the story has changed");
        }
        Ok(bodies)
    }

    /// The event and body of a delivery: every pull request is seen, then each has four check runs, and
    /// so on; now and then it is seen with a new head.
    pub(super) fn make(&self, number: u64) -> (&'static str, Vec<u8>) {
        let pull = number % self.pulls;
        let round = number / self.pulls;
        let head = round / self.deliveries_a_head * self.pulls + pull;
        match round % 5 {
            0 => ("pull_request", self.pull.fill(pull, head, number)),
            check => {
                let check = &self.checks[usize::from(check % 2 == 0)];
                ("check_run", check.fill(pull, head, number))
            }
        }
    }

    pub(super) fn sign(&self, body: &[u8]) -> String {
        let mac = self.mac.clone().chain_update(body).finalize();
        format!("sha256={}", hex::encode(mac.into_bytes()))
    }
}

impl Template {
    fn new(bytes: &'static [u8]) -> Self {
        let find = |texts: &[&str], skip: fn(&str) -> usize| {
            let mut found = Vec::new();
            for text in texts {
                let hits = bytes.windows(text.len()).enumerate();
                let hits = hits.filter(|(_, window)| *window == text.as_bytes());
                found.extend(hits.map(|(at, _)| at + skip(text)));
            }
            found
        };
        Self {
            bytes,
            numbers: find(NUMBERS, |text| text.len() - 3),
            pull_ids: find(&[PULL_ID], |_| 0),
            heads: find(&[HEAD], |_| 0),
            branches: find(&[BRANCH], |text| text.len() - 3),
            runs: find(RUNS, |_| 0),
            times: find(TIMES, |_| 0),
        }
    }

    fn fill(&self, pull: u64, head: u64, delivery: u64) -> Vec<u8> {
        let mut body = self.bytes.to_vec();
        let mut put = |places: &[usize], text: &str| {
            for &at in places {
                body[at..at + text.len()].copy_from_slice(text.as_bytes());
            }
        };
        let second = delivery % (10 * 3600);
        let (hour, minute, second) = (10 + second / 3600, second / 60 % 60, second % 60);
        put(&self.numbers, &format!("{}", 100 + pull));
        put(&self.pull_ids, &format!("{}", 4_000_000_000 + pull));
        put(&self.heads, &format!("{:040x}", 0xfeed_0000_0000 + head));
        put(&self.branches, &format!("{pull:03}"));
        put(&self.runs, &format!("{}", 70_000_000_000 + delivery));
        put(&self.times, &format!("2026-03-12T{hour:02}:{minute:02}:{second:02}Z"));
        body
    }
}
