//! Once is once, by what a payload says (`docs/github-rules.md` 2 and 3): told again, it changes nothing.

use serde_json::Value;

use crate::core::{Core, read};
use crate::stories;

#[test]
fn a_story_told_twice_changes_nothing_the_second_time() {
    for name in stories::names() {
        let facts: Vec<_> = stories::story(&name)
            .iter()
            .filter_map(|letter| {
                let payload: Value = serde_json::from_slice(&letter.body).expect("JSON");
                read(letter.event(), &payload).ok()
            })
            .collect();
        let mut core = Core::new();
        let first: usize = facts.iter().map(|fact| core.see(fact.clone()).len()).sum();
        assert!(first >= 6, "{name} tells something");
        let told = core.told();
        for fact in facts {
            assert_eq!(core.see(fact.clone()), [], "{name}: {fact:?}");
        }
        assert_eq!(core.told(), told, "{name}");
    }
}
