//! Under which names checks are remembered.

use std::collections::BTreeSet;

use crate::domain::{Check, CommitSha, ToldHead};
use crate::lifecycle::scm::DerivedCheck;

/// Heads whose told checks are remembered; they are forgotten when CI passes anyway.
const MOST_HEADS: usize = 16;

/// All names that a check goes by at one commit: a workflow run that arrives after its check runs
/// renames them, and the same failure must not be told under the new name.
pub(super) fn aliases(it: &DerivedCheck) -> BTreeSet<String> {
    let suite = it.suite_id.map(|suite| name(it, &format!("suite:{suite}")));
    suite.into_iter().chain([name(it, &it.check.key.workflow)]).collect()
}

fn name(it: &DerivedCheck, workflow: &str) -> String {
    let key = &it.check.key;
    let shown =
        if &*key.source == "status" { key.name.to_ascii_lowercase() } else { key.name.to_string() };
    format!("{}/{workflow}/{shown}", key.source)
}

/// The name that a check keeps from commit to commit, where it has one.
pub(super) fn lasting_name(it: &DerivedCheck) -> Option<String> {
    it.check.key.lasting_workflow().map(|workflow| name(it, workflow))
}

/// The names among `told` that are of a head.
pub(super) fn names_at(told: &[ToldHead], head: &CommitSha) -> BTreeSet<String> {
    let here = told.iter().filter(|told| told.head == *head);
    here.flat_map(|told| told.checks.iter().cloned()).collect()
}

/// Adds names to those of a head.
pub(super) fn remember(told: &mut Vec<ToldHead>, head: &CommitSha, names: BTreeSet<String>) {
    match told.iter_mut().find(|told| told.head == *head) {
        Some(told) => told.checks.extend(names),
        None => told.push(ToldHead { head: head.clone(), checks: names }),
    }
    if told.len() > MOST_HEADS {
        told.remove(0);
    }
}

/// What a nudge about checks is about: `here`, and their names.
pub(super) fn signature<'a>(here: &str, checks: impl Iterator<Item = &'a Check>) -> String {
    let names: BTreeSet<String> = checks
        .map(|check| format!("{}/{}/{}", check.key.source, check.key.workflow, check.key.name))
        .collect();
    format!("{here}{}", names.into_iter().collect::<Vec<_>>().join(","))
}
