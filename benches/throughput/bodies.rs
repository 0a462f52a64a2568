//! Full-size GitHub bodies over many pull requests: the recorded story with other numbers in the
//! same places, so that making one costs little beside sending it.

use anyhow::{Context, Result, ensure};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

const PULL: &[u8] =
    include_bytes!("../../fixtures/webhooks/plain-life/01-pull_request-opened.json");
const GREEN: &[u8] =
    include_bytes!("../../fixtures/webhooks/plain-life/07-check_run-completed-build-success.json");
const RED: &[u8] =
    include_bytes!("../../fixtures/webhooks/plain-life/08-check_run-completed-test-failure.json");
const STATUS: &[u8] =
    include_bytes!("../../fixtures/webhooks/status-only-ci/06-status-success.json");
const PUSH: &[u8] = include_bytes!("../../fixtures/webhooks/conflicts/07-push-base-branch.json");

/// What stands in the recorded bodies.
const NUMBERS: &[&str] = &["/pull/231", "/pulls/231", "/issues/231", "\"number\": 231"];
const PULL_ID: &str = "3398518793";
const HEAD: &str = "368ec74b6f583c3c5347b9391129796ea14cfd3c";
const BRANCH: &str = "ada/retry-budget-window";
const RUNS: &[&str] = &["65079737913", "65079741434"];
const TIMES: &[&str] = &["2026-03-12T09:00:17Z", "2026-03-12T09:01:38Z"];

/// Pull requests have numbers of three digits, from this on.
const FIRST_PULL: u64 = 100;
pub(super) const MOST_PULLS: u64 = 800;
/// Beyond the heads of all pull requests.
const STRAY_HEAD: u64 = 1 << 40;
/// When the contexts that are there beforehand were set.
const BEFORE: &str = "2026-03-12T08:00:00Z";

/// Seconds since 1970, later than anything in the stories.
const FIRST_PUSH: u64 = 1_900_000_000;

/// What is sent.
pub(super) struct Delivery {
    pub(super) event: &'static str,
    pub(super) id: String,
    pub(super) body: Vec<u8>,
}

/// What the deliveries are about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) pulls: u64,
    /// Deliveries about one head of a pull request.
    pub(super) a_head: u64,
    /// Status contexts at each head before; heads stay where there are any.
    pub(super) checks_at_head: u64,
    pub(super) scattered_ids: bool,
}

/// Makes the bodies, and signs them.
pub(super) struct Bodies {
    mac: Hmac<Sha256>,
    plan: Plan,
    pull: Template,
    checks: [Template; 2],
    status: Value,
    push: Value,
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
    pub(super) fn new(secret: &str, mut plan: Plan) -> Result<Self> {
        if plan.checks_at_head > 0 {
            plan.a_head = u64::MAX;
        }
        let repository = serde_json::from_slice::<Value>(PULL)?["repository"].take();
        let mut push: Value = serde_json::from_slice(PUSH)?;
        ensure!(
            push["repository"]["id"] == repository["id"],
            "the stories have other repositories"
        );
        push["ref"] = json!("refs/heads/main");
        let mut status: Value = serde_json::from_slice(STATUS)?;
        let named = status.as_object_mut().context("a status is an object")?;
        named.insert("name".into(), repository["full_name"].clone());
        named.insert("repository".into(), repository);
        let bodies = Self {
            mac: Hmac::new_from_slice(secret.as_bytes())?,
            plan,
            pull: Template::new(PULL),
            checks: [Template::new(GREEN), Template::new(RED)],
            status,
            push,
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

    pub(super) fn pulls(&self) -> u64 {
        self.plan.pulls
    }

    /// Every pull request is seen, then each has four check runs, and so on; now and then it is seen with
    /// a new head.
    pub(super) fn delivery(&self, number: u64) -> Delivery {
        let pull = number % self.plan.pulls;
        let round = number / self.plan.pulls;
        let head = round / self.plan.a_head * self.plan.pulls + pull;
        let (event, body) = match round % 5 {
            0 => ("pull_request", self.pull.fill(pull, head, number)),
            check => {
                let check = &self.checks[usize::from(check % 2 == 0)];
                ("check_run", check.fill(pull, head, number))
            }
        };
        Delivery { event, id: self.id(0, number), body }
    }

    /// How many deliveries come before: a status of each context at each head. The pull requests are not
    /// known then, so that the rows of each are derived once and not after every context.
    pub(super) fn seeds(&self) -> u64 {
        self.plan.pulls * self.plan.checks_at_head
    }

    pub(super) fn seed(&self, number: u64) -> Delivery {
        let (head, context) = (number % self.plan.pulls, number / self.plan.pulls);
        Delivery { id: self.id(1, number), ..self.status(head, context) }
    }

    /// A status at a commit that no pull request has.
    pub(super) fn stray(&self, number: u64) -> Delivery {
        Delivery { id: self.id(3, number), ..self.status(STRAY_HEAD + number, 0) }
    }

    fn status(&self, head: u64, context: u64) -> Delivery {
        let mut status = self.status.clone();
        status["id"] = json!(60_000_000_000 + context * MOST_PULLS + head % MOST_PULLS);
        status["sha"] = json!(sha(head));
        status["commit"]["sha"] = json!(sha(head));
        status["context"] = json!(format!("ci/part-{context:05}"));
        status["created_at"] = json!(BEFORE);
        status["updated_at"] = json!(BEFORE);
        let body = status.to_string().into_bytes();
        Delivery { event: "status", id: String::new(), body }
    }

    /// A push to the branch that all pull requests go into; a greater number is a later push.
    pub(super) fn base_push(&self, number: u64) -> Delivery {
        let mut push = self.push.clone();
        push["repository"]["pushed_at"] = json!(FIRST_PUSH + number);
        Delivery { event: "push", id: self.id(2, number), body: push.to_string().into_bytes() }
    }

    /// `kind` keeps the numbers of one sort of delivery apart from those of the others.
    fn id(&self, kind: u64, number: u64) -> String {
        if self.plan.scattered_ids {
            scattered_id(kind << 48 | number)
        } else {
            format!("00000000-0000-4000-{:04}-{number:012}", 8_000 + kind)
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
        put(&self.numbers, &format!("{}", FIRST_PULL + pull));
        put(&self.pull_ids, &format!("{}", 4_000_000_000 + pull));
        put(&self.heads, &sha(head));
        put(&self.branches, &format!("{pull:03}"));
        put(&self.runs, &format!("{}", 70_000_000_000 + delivery));
        put(&self.times, &format!("2026-03-12T{hour:02}:{minute:02}:{second:02}Z"));
        body
    }
}

fn sha(head: u64) -> String {
    format!("{:040x}", 0xfeed_0000_0000 + head)
}

/// An id of a delivery that shares no beginning with that of the next number. Of SplitMix64, so that
/// different numbers have different ids.
pub(super) fn scattered_id(number: u64) -> String {
    let mix = |seed: u64| {
        let mut z = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let (high, low) = (mix(number), mix(!number));
    let (time, middle, version) = (high >> 32, high >> 16 & 0xffff, high & 0xffff);
    format!(
        "{time:08x}-{middle:04x}-{version:04x}-{:04x}-{:012x}",
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}
