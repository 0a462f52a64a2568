//! Webhooks out: signed, one after the other, with what can go wrong on the way, and kept in the list of
//! deliveries with the status code that came back.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use sha2::Sha256;

use super::auth::App;

/// How long the list of deliveries goes back.
const KEPT: SignedDuration = SignedDuration::from_hours(72);
/// How long GitHub waits for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// An event that is to be told.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) name: &'static str,
    pub(super) action: Option<String>,
    pub(super) payload: Bytes,
    pub(super) repository: Option<i64>,
    pub(super) installation: Option<i64>,
}

/// One attempt to deliver an event.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Beyond what a double holds.
    pub id: i64,
    /// The same for all attempts of an event.
    pub guid: String,
    /// When it was sent.
    pub delivered_at: Timestamp,
    /// A further attempt of an event.
    pub redelivery: bool,
    /// How long the answer took.
    pub took: Duration,
    /// GitHub's words for what came of it.
    pub status: String,
    /// What came back; 502 where nobody answered, 504 where it took too long.
    pub status_code: u16,
    /// The event's name.
    pub event: String,
    /// The payload's action.
    pub action: Option<String>,
    /// Of the payload.
    pub installation: Option<i64>,
    /// Of the payload.
    pub repository: Option<i64>,
    /// Where it went.
    pub url: String,
    /// What was sent as headers.
    pub headers: Vec<(String, String)>,
    /// What was sent.
    pub payload: Bytes,
}

/// What goes wrong between GitHub and the receiver. The same seed chooses the same deliveries.
#[derive(Debug, Clone, PartialEq)]
pub struct Trouble {
    /// For all choices.
    pub seed: u64,
    /// This share of events is never sent, and in no list: GitHub's own loss.
    pub lose: f64,
    /// This share is tried and fails: in the list with 502, not received.
    pub fail: f64,
    /// This share comes twice.
    pub duplicate: f64,
    /// An event may be overtaken by this many later ones.
    pub reorder: usize,
    /// Each waits this long before it is sent.
    pub delay: Duration,
    /// Events of these names are never sent.
    pub silent: BTreeSet<String>,
}

impl Default for Trouble {
    fn default() -> Self {
        Self {
            seed: 1,
            lose: 0.0,
            fail: 0.0,
            duplicate: 0.0,
            reorder: 0,
            delay: Duration::ZERO,
            silent: BTreeSet::new(),
        }
    }
}

/// What waits to be sent, and what was.
#[derive(Debug)]
pub(super) struct Webhooks {
    waiting: VecDeque<Waiting>,
    deliveries: BTreeMap<i64, Delivery>,
    trouble: Trouble,
    random: StdRng,
    /// Nothing is sent meanwhile.
    pub(super) held: bool,
    last_id: i64,
    guids: u64,
}

#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) guid: String,
    pub(super) event: Event,
    pub(super) redelivery: bool,
    fails: bool,
    pub(super) delay: Duration,
}

impl Default for Webhooks {
    fn default() -> Self {
        Self {
            waiting: VecDeque::new(),
            deliveries: BTreeMap::new(),
            trouble: Trouble::default(),
            random: StdRng::seed_from_u64(1),
            held: false,
            last_id: 9_007_199_254_740_992,
            guids: 0,
        }
    }
}

impl Webhooks {
    pub(super) fn trouble(&mut self, trouble: Trouble) {
        self.random = StdRng::seed_from_u64(trouble.seed);
        self.trouble = trouble;
    }

    fn chance(&mut self, share: f64) -> bool {
        share > 0.0 && self.random.random_bool(share.min(1.0))
    }

    /// Queues an event, if it is not lost.
    pub(super) fn tell(&mut self, event: Event) {
        // All choices are made for every event, so that one share does not change what another one hits.
        let lost = self.chance(self.trouble.lose);
        let fails = self.chance(self.trouble.fail);
        let twice = self.chance(self.trouble.duplicate);
        if lost || self.trouble.silent.contains(event.name) {
            return;
        }
        self.guids += 1;
        let guid = format!("{:08x}-6b76-5b84-b0aa-{:012x}", self.guids, self.guids);
        let delay = self.trouble.delay;
        let waiting = Waiting { guid, event, redelivery: false, fails, delay };
        if twice {
            self.waiting.push_back(waiting.clone());
        }
        self.waiting.push_back(waiting);
    }

    /// Queues a delivery of the list again; false where there is none of this id.
    pub(super) fn redeliver(
        &mut self,
        id: i64,
        known: impl Fn(&str) -> Option<&'static str>,
    ) -> bool {
        let Some(delivery) = self.deliveries.get(&id) else { return false };
        let Some(name) = known(&delivery.event) else { return false };
        let event = Event {
            name,
            action: delivery.action.clone(),
            payload: delivery.payload.clone(),
            repository: delivery.repository,
            installation: delivery.installation,
        };
        let guid = delivery.guid.clone();
        let delay = self.trouble.delay;
        self.waiting.push_back(Waiting { guid, event, redelivery: true, fails: false, delay });
        true
    }

    /// The next one to send.
    pub(super) fn next(&mut self) -> Option<Waiting> {
        if self.held || self.waiting.is_empty() {
            return None;
        }
        let window = self.trouble.reorder.min(self.waiting.len() - 1);
        let at = if window == 0 { 0 } else { self.random.random_range(0..=window) };
        self.waiting.remove(at)
    }

    pub(super) fn are_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub(super) fn record(&mut self, mut delivery: Delivery) {
        self.last_id += 3;
        delivery.id = self.last_id;
        self.deliveries.insert(delivery.id, delivery);
    }

    pub(super) fn delivery(&self, id: i64) -> Option<&Delivery> {
        self.deliveries.get(&id)
    }

    /// Those that the list still has, newest first, from below this id.
    pub(super) fn list(
        &self,
        below: Option<i64>,
        now: Timestamp,
    ) -> impl Iterator<Item = &Delivery> {
        let oldest = now.checked_sub(KEPT).unwrap_or(now);
        let below = below.unwrap_or(i64::MAX);
        self.deliveries
            .range(..below)
            .rev()
            .map(|(_, it)| it)
            .filter(move |it| it.delivered_at >= oldest)
    }
}

/// The value of `X-Hub-Signature-256`.
pub(super) fn sign(secret: &str, body: &[u8]) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

/// Sends one delivery, and tells what came of it.
pub(super) async fn send(
    client: &reqwest::Client,
    app: &App,
    waiting: Waiting,
    now: Timestamp,
) -> Option<Delivery> {
    let url = app.webhook_url.clone()?;
    if !waiting.delay.is_zero() {
        tokio::time::sleep(waiting.delay).await;
    }
    let Waiting { guid, event, redelivery, fails, .. } = waiting;
    let headers: Vec<(String, String)> = [
        ("Accept", "*/*".to_owned()),
        ("Content-Type", "application/json".to_owned()),
        ("User-Agent", "GitHub-Hookshot/8f2c1d7".to_owned()),
        ("X-GitHub-Delivery", guid.clone()),
        ("X-GitHub-Event", event.name.to_owned()),
        ("X-GitHub-Hook-ID", app.hook_id.to_string()),
        ("X-GitHub-Hook-Installation-Target-ID", app.id.to_string()),
        ("X-GitHub-Hook-Installation-Target-Type", "integration".to_owned()),
        ("X-Hub-Signature-256", sign(&app.webhook_secret, &event.payload)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    let begun = Instant::now();
    let (status_code, status) = if fails {
        (502, "failed to connect to host".to_owned())
    } else {
        let request = headers
            .iter()
            .fold(client.post(&url).timeout(PATIENCE), |it, (name, value)| it.header(name, value));
        match request.body(event.payload.clone()).send().await {
            Ok(answer) if answer.status().is_success() => {
                (answer.status().as_u16(), "OK".to_owned())
            }
            Ok(answer) => {
                let code = answer.status().as_u16();
                (code, format!("Invalid HTTP Response: {code}"))
            }
            Err(error) if error.is_timeout() => (504, "timed out".to_owned()),
            Err(_) => (502, "failed to connect to host".to_owned()),
        }
    };
    Some(Delivery {
        id: 0,
        guid,
        delivered_at: now,
        redelivery,
        took: begun.elapsed(),
        status,
        status_code,
        event: event.name.to_owned(),
        action: event.action,
        installation: event.installation,
        repository: event.repository,
        url,
        headers,
        payload: event.payload,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test vector of GitHub's documentation.
    #[test]
    fn signatures_are_githubs() {
        let signature = sign("It's a Secret to Everybody", b"Hello, World!");
        assert_eq!(
            signature,
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
        );
    }
}
