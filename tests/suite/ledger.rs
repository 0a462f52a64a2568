//! What the ledger of an existing database holds: it must go on being readable.

use std::collections::BTreeSet;

use nudged::domain::ScmObservation;
use serde_json::Value;

/// Observations as builds before this one wrote them down: one a line, each kind and each optional
/// part. A line is never changed; new ones may follow.
const KEPT: &str = include_str!("ledger.jsonl");

/// Whether all that `before` says is said alike by `after`, which may say more.
fn says_no_less(after: &Value, before: &Value) -> bool {
    match (after, before) {
        (Value::Object(after), Value::Object(before)) => before
            .iter()
            .all(|(key, before)| after.get(key).is_some_and(|after| says_no_less(after, before))),
        (Value::Array(after), Value::Array(before)) => {
            after.len() == before.len()
                && after.iter().zip(before).all(|(after, before)| says_no_less(after, before))
        }
        _ => after == before,
    }
}

#[test]
fn what_earlier_builds_kept_is_read_and_says_the_same() {
    let mut kinds = BTreeSet::new();
    for line in KEPT.lines() {
        let before: Value = serde_json::from_str(line).expect("JSON");
        let read: ScmObservation =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let after = serde_json::to_value(&read).expect("JSON");
        assert!(says_no_less(&after, &before), "{before}\nbecame\n{after}");
        kinds.insert(before["type"].to_string());
    }
    assert_eq!(kinds.len(), 11, "{kinds:?}");
}
