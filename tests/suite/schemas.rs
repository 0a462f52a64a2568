//! What conforms to GitHub's own schemas, of any host, is applied or ignored, and never quarantined
//! (`docs/github-rules.md` 4): what is absent or `null` is not said, and no reason to set a payload aside.

mod conforming;
mod fixture;
mod generator;

use std::collections::BTreeMap;

use futures_util::future::join_all;
use nudged::domain::{Observation, Verdict};
use nudged::github::webhook::{labels, understand};
use reqwest::StatusCode;
use serde_json::Value;

use crate::any_order::ends_alike;
use crate::world::{World, outcome};
use conforming::conforms;
use fixture::{PayloadKind, Schemas};
use generator::Generator;

/// Payloads of each event, action and host.
const ROUNDS: usize = 8;
/// What these are with the schemas that are kept.
const PAYLOADS: usize = 16_320;

/// A payload, and the seed it is made from.
struct Made<'a> {
    kind: &'a PayloadKind,
    seed: usize,
    body: Vec<u8>,
}

impl Made<'_> {
    /// `pull_request closed, seed 17`.
    fn name(&self) -> String {
        let action = self.kind.action.as_deref().unwrap_or("without action");
        format!("{} {action}, seed {}", self.kind.event, self.seed)
    }
}

/// `ROUNDS` payloads for each event, action and host.
fn payloads(schemas: &Schemas) -> impl Iterator<Item = Made<'_>> {
    let each = |kind| std::iter::repeat_n(kind, ROUNDS * PayloadKind::hosts(kind));
    schemas.payloads.iter().flat_map(each).enumerate().map(|(seed, kind)| {
        let body = Generator::new(schemas, seed as u64).payload(kind.schema);
        Made { kind, seed, body }
    })
}

/// What became of an event's payloads.
#[derive(Debug, Default)]
struct Count {
    made: usize,
    observed: usize,
    ignored: BTreeMap<String, usize>,
    /// By reason, with the first of them.
    quarantined: BTreeMap<String, (usize, String)>,
}

fn count(schemas: &Schemas) -> BTreeMap<String, Count> {
    let mut counts: BTreeMap<String, Count> = BTreeMap::new();
    for made in payloads(schemas) {
        let count = counts.entry(made.kind.event.clone()).or_default();
        count.made += 1;
        match understand(&made.kind.event, &made.body).verdict {
            Verdict::Observed(_) => count.observed += 1,
            Verdict::Ignored(reason) => *count.ignored.entry(reason).or_default() += 1,
            Verdict::Quarantined(reason) => {
                // Where it is in the body makes no other reason.
                let reason = reason.split(" at line ").next().unwrap_or_default().to_owned();
                count.quarantined.entry(reason).or_insert((0, made.name())).0 += 1;
            }
        }
    }
    counts
}

#[test]
fn what_conforms_to_github_s_schemas_is_never_quarantined() {
    let schemas = Schemas::read();
    assert_eq!(schemas.hosts.len(), 8);
    let mut counts = count(&schemas);
    assert_eq!(counts.values().map(|count| count.made).sum::<usize>(), PAYLOADS);
    // Each event of the table is sent, and is observed or of no use at all.
    for event in labels().filter(|event| *event != "other") {
        let count = counts.get(event).unwrap_or_else(|| panic!("no host sends {event}"));
        let unused =
            count.ignored.keys().all(|why| why == "ping" || why == "the event is not used");
        assert!(count.observed > 0 || unused, "{event}: {count:#?}");
    }
    counts.retain(|_, count| !count.quarantined.is_empty());
    let set_aside = counts.values().flat_map(|count| count.quarantined.values());
    let set_aside: usize = set_aside.map(|(number, _)| number).sum();
    assert!(set_aside == 0, "{set_aside} of {PAYLOADS} payloads are quarantined: {counts:#?}");
}

/// Every fifth: reading them all as values takes longer than understanding them.
#[test]
fn what_is_made_conforms() {
    let schemas = Schemas::read();
    for made in payloads(&schemas).step_by(5) {
        let read: Value = serde_json::from_slice(&made.body).expect("JSON");
        if let Err(why) = conforms(&schemas, made.kind.schema, &read) {
            panic!("{}: {why} in {read:#}", made.name());
        }
    }
}

#[tokio::test]
async fn what_conforms_is_taken_in_at_the_front_door() {
    let world = World::new().await;
    let schemas = Schemas::read();
    let some: Vec<Made<'_>> = payloads(&schemas)
        .filter(|made| labels().any(|event| event == made.kind.event))
        .step_by(11)
        .collect();
    assert!(some.len() > 400, "{}", some.len());
    let mut applied = 0;
    for together in some.chunks(64) {
        let sent = together.iter().map(async |made| {
            let id = made.seed.to_string();
            (made, world.send(&made.kind.event, &id, &made.body).await)
        });
        for (made, (status, answer)) in join_all(sent).await {
            let told = outcome(&answer);
            applied += usize::from(told == "applied");
            assert_eq!(status, StatusCode::OK, "{}: {answer}", made.name());
        }
    }
    assert_eq!(world.items("/v1/deliveries?outcome=quarantined").await, [Value::Null; 0]);
    assert!(applied * 2 > some.len(), "{applied} of {}", some.len());
}

/// What a payload tells.
fn observed(made: &Made<'_>) -> Option<Observation> {
    match understand(&made.kind.event, &made.body).verdict {
        Verdict::Observed(seen) => Some(Observation::Scm(*seen.observation)),
        Verdict::Ignored(_) | Verdict::Quarantined(_) => None,
    }
}

/// Payloads of all kinds about the same few pull requests and commits, at the same few seconds.
#[test]
fn what_conforms_ends_alike_in_any_order() {
    let schemas = Schemas::read();
    let observed: Vec<Observation> =
        payloads(&schemas).filter_map(|made| observed(&made)).collect();
    // Of each kind of payload some, whatever the part.
    for part in 0..PARTS {
        let some: Vec<Observation> = observed.iter().skip(part).step_by(PARTS).cloned().collect();
        ends_alike(&format!("part {part}"), &some, 0..SHUFFLES);
    }
}

const PARTS: usize = 24;
/// Of each part.
const SHUFFLES: u64 = 12;
