//! What conforms to GitHub's own schemas, of any host, is applied or ignored: never quarantined
//! (`docs/github-rules.md` 4). What is absent or `null` is not said; it is no reason to set a payload aside.

mod fixture;
mod generator;

use std::collections::{BTreeMap, BTreeSet};

use nudged::domain::Verdict;
use nudged::github::webhook::{labels, understand};

use fixture::{PayloadKind, Schemas};
use generator::Generator;

/// Payloads of each event, action and host.
const ROUNDS: u64 = 8;

/// What became of an event's payloads.
#[derive(Debug, Default)]
struct Count {
    observed: usize,
    ignored: BTreeMap<String, usize>,
    /// By reason, with the seed of the first.
    quarantined: BTreeMap<String, (usize, u64)>,
}

/// Every payload that is made, with its seed: `ROUNDS` for each event, action and host.
fn each(schemas: &Schemas, mut look: impl FnMut(&PayloadKind, u64, &[u8])) {
    let mut seed = 0;
    for kind in &schemas.payloads {
        for _ in 0..ROUNDS * kind.hosts.len() as u64 {
            seed += 1;
            look(kind, seed, &Generator::new(schemas, seed).payload(kind.schema));
        }
    }
}

#[test]
fn what_conforms_to_github_s_schemas_is_never_quarantined() {
    let schemas = Schemas::read();
    let mut counts: BTreeMap<&str, Count> = BTreeMap::new();
    let mut made = 0;
    let kinds: &Schemas = &schemas;
    for kind in &kinds.payloads {
        counts.entry(&kind.event).or_default();
    }
    each(kinds, |kind, seed, body| {
        made += 1;
        let Some(count) = counts.get_mut(&*kind.event) else { return };
        match understand(&kind.event, body).verdict {
            Verdict::Observed(_) => count.observed += 1,
            Verdict::Ignored(reason) => *count.ignored.entry(reason).or_default() += 1,
            Verdict::Quarantined(reason) => {
                count.quarantined.entry(reason).or_insert((0, seed)).0 += 1;
            }
        }
    });
    assert_eq!((schemas.hosts.len(), made), (8, 16_320));
    let quarantined = counts.values().flat_map(|it| it.quarantined.values());
    let total: usize = quarantined.map(|(count, _)| count).sum();
    assert_eq!(total, 0, "of {made} payloads are quarantined: {counts:#?}");
}

/// What the table of events has, GitHub's hosts send; and what is used is observed.
#[test]
fn every_event_of_the_table_is_made() {
    let schemas = Schemas::read();
    let mut sent = BTreeSet::new();
    for kind in &schemas.payloads {
        sent.insert(&*kind.event);
    }
    for event in labels().filter(|event| *event != "other") {
        assert!(sent.contains(event), "{event}");
    }
}
