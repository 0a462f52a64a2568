//! The events that have a name here, in one table: a new one is a row of it, and in no other list.

use serde::Deserialize;

use super::envelope::{AnyEvent, Envelope};
use super::translation::{self, Translation, UnclearField};
use crate::domain::{Observed, ScmObservation, Verdict};

/// An event by GitHub's name for it: the value of `X-GitHub-Event`, and a label of metrics.
struct Event {
    name: &'static str,
    handling: Handling,
}

/// What is done with the payloads of an event.
enum Handling {
    /// They are parsed and translated, where their action is known. Any other action is kept, so that
    /// nothing is lost when GitHub adds one.
    Used { actions: &'static [&'static str], read: fn(&[u8], &[&str]) -> Reading },
    /// They are of no interest, for the reason given.
    Unused(&'static str),
}

const fn used(
    name: &'static str,
    actions: &'static [&'static str],
    read: fn(&[u8], &[&str]) -> Reading,
) -> Event {
    Event { name, handling: Handling::Used { actions, read } }
}

const fn unused(name: &'static str, reason: &'static str) -> Event {
    Event { name, handling: Handling::Unused(reason) }
}

/// The actions of an event that has none, or that says the same with each.
const ANY: &[&str] = &[];
/// Why an event is ignored that the table does not have, or has for its label alone.
const NOT_USED: &str = "the event is not used";
/// The label of every event that the table does not have.
const OTHER: &str = "other";

/// The table, by name. A translation's argument is the event's payload type.
const EVENTS: &[Event] = &[
    used(
        "check_run",
        &["completed", "created", "requested_action", "rerequested"],
        |body, known| read(body, known, translation::check_run),
    ),
    used("check_suite", &["completed", "requested", "rerequested"], |body, known| {
        read(body, known, translation::check_suite)
    }),
    unused("create", NOT_USED),
    unused("delete", NOT_USED),
    used("installation", ANY, |body, known| read(body, known, translation::installation)),
    used("installation_repositories", &["added", "removed"], |body, known| {
        read(body, known, translation::installation_repositories)
    }),
    used("issue_comment", &["created", "deleted", "edited"], |body, known| {
        read(body, known, translation::issue_comment)
    }),
    unused("issues", NOT_USED),
    used("merge_group", &["checks_requested", "destroyed"], |body, known| {
        read(body, known, translation::merge_group)
    }),
    unused("ping", "ping"),
    used(
        "pull_request",
        &[
            "assigned",
            "auto_merge_disabled",
            "auto_merge_enabled",
            "closed",
            "converted_to_draft",
            "demilestoned",
            "dequeued",
            "edited",
            "enqueued",
            "labeled",
            "locked",
            "milestoned",
            "opened",
            "ready_for_review",
            "reopened",
            "review_request_removed",
            "review_requested",
            "synchronize",
            "unassigned",
            "unlabeled",
            "unlocked",
        ],
        |body, known| read(body, known, translation::pull_request),
    ),
    used("pull_request_review", &["dismissed", "edited", "submitted"], |body, known| {
        read(body, known, translation::review)
    }),
    used("pull_request_review_comment", &["created", "deleted", "edited"], |body, known| {
        read(body, known, translation::review_comment)
    }),
    used("pull_request_review_thread", &["resolved", "unresolved"], |body, known| {
        read(body, known, translation::review_thread)
    }),
    used("push", ANY, |body, known| read(body, known, translation::push)),
    used(
        "repository",
        &[
            "anonymous_access_disabled",
            "anonymous_access_enabled",
            "archived",
            "created",
            "deleted",
            "edited",
            "privatized",
            "publicized",
            "renamed",
            "transferred",
            "unarchived",
        ],
        |body, known| read(body, known, translation::repository),
    ),
    used("status", ANY, |body, known| read(body, known, translation::status)),
    used("workflow_job", &["completed", "in_progress", "queued", "waiting"], |body, known| {
        read(body, known, translation::workflow_job)
    }),
    used("workflow_run", &["completed", "in_progress", "requested"], |body, known| {
        read(body, known, translation::workflow_run)
    }),
];

/// A payload, read as far as it concerns us.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The payload's `action`.
    pub action: Option<String>,
    /// The payload's repository, `owner/name`.
    pub repo: Option<String>,
    pub verdict: Verdict,
}

/// Reads the JSON body of an event. Never fails: what cannot be read is quarantined.
pub fn understand(event: &str, body: &[u8]) -> Reading {
    match row(event).map(|row| &row.handling) {
        Some(Handling::Used { actions, read }) => read(body, actions),
        Some(Handling::Unused(reason)) => ignored(body, reason),
        None => ignored(body, NOT_USED),
    }
}

/// The label of an event in metrics: its name where the table has it, since a stranger's words must
/// not make new time series.
pub fn label(event: &str) -> &'static str {
    row(event).map_or(OTHER, |row| row.name)
}

/// All labels there are.
pub fn labels() -> impl Iterator<Item = &'static str> {
    EVENTS.iter().map(|row| row.name).chain([OTHER])
}

fn row(event: &str) -> Option<&'static Event> {
    EVENTS.iter().find(|row| row.name == event)
}

/// An event that is understood when its action is one of `known`.
fn read<'a, E: Envelope + Deserialize<'a>>(
    body: &'a [u8],
    known: &[&str],
    translate: fn(&E) -> Result<Translation, UnclearField>,
) -> Reading {
    match serde_json::from_slice::<E>(body) {
        Ok(event) => {
            let verdict = match strange(&event, known) {
                Some(reason) => Verdict::Quarantined(reason),
                None => verdict(translate(&event)),
            };
            reading(&event, verdict)
        }
        Err(error) => {
            let envelope = envelope(body);
            let reason = strange(&envelope, known).unwrap_or_else(|| {
                format!("the body does not have the shape of this event: {error}")
            });
            reading(&envelope, Verdict::Quarantined(reason))
        }
    }
}

/// Why an action is not understood, if it is not.
fn strange(event: &impl Envelope, known: &[&str]) -> Option<String> {
    let action = event.action().unwrap_or_default();
    let is_known = known.is_empty() || known.contains(&action);
    (!is_known).then(|| format!("the action `{action}` is not known"))
}

fn verdict(translated: Result<Translation, UnclearField>) -> Verdict {
    match translated {
        Ok(Translation::Fact(observation)) => observed(observation),
        Ok(Translation::OfNoInterest(reason)) => Verdict::Ignored(reason.to_owned()),
        Err(UnclearField(field)) => Verdict::Quarantined(format!(
            "`{field}` is missing or has a value that is not understood"
        )),
    }
}

fn observed(observation: Box<ScmObservation>) -> Verdict {
    match serde_json::to_string(&observation) {
        Ok(json) => Verdict::Observed(Observed { observation, json }),
        Err(error) => Verdict::Quarantined(format!("it cannot be kept as JSON: {error}")),
    }
}

fn ignored(body: &[u8], reason: &str) -> Reading {
    reading(&envelope(body), Verdict::Ignored(reason.to_owned()))
}

fn envelope(body: &[u8]) -> AnyEvent<'_> {
    serde_json::from_slice(body).unwrap_or_default()
}

fn reading(event: &impl Envelope, verdict: Verdict) -> Reading {
    Reading {
        action: event.action().map(str::to_owned),
        repo: event.repo().map(str::to_owned),
        verdict,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_is_there_once_and_each_action_once() {
        let names: Vec<&str> = EVENTS.iter().map(|row| row.name).collect();
        assert!(names.is_sorted_by(|one, next| one < next), "{names:?}");
        for row in EVENTS {
            if let Handling::Used { actions, .. } = row.handling {
                assert!(actions.is_sorted_by(|one, next| one < next), "{actions:?}");
            }
        }
    }

    #[test]
    fn every_event_is_labelled_by_its_name_and_a_stranger_s_word_is_not() {
        for row in EVENTS {
            assert_eq!(label(row.name), row.name);
            assert!(labels().any(|label| label == row.name));
        }
        assert_eq!(label("x".repeat(200).as_str()), OTHER);
        assert!(labels().any(|label| label == OTHER));
    }

    #[test]
    fn an_action_that_is_not_known_is_kept_whatever_else_the_body_says() {
        let shapeless = br#"{"action":"exploded","repository":{"full_name":"acme/rocket"}}"#;
        for row in EVENTS {
            let reading = understand(row.name, shapeless);
            assert_eq!(reading.action.as_deref(), Some("exploded"), "{}", row.name);
            assert_eq!(reading.repo.as_deref(), Some("acme/rocket"), "{}", row.name);
            match row.handling {
                Handling::Unused(reason) => {
                    assert_eq!(reading.verdict, Verdict::Ignored(reason.to_owned()));
                }
                Handling::Used { actions: [], .. } => {
                    let Verdict::Quarantined(reason) = reading.verdict else { panic!() };
                    assert!(reason.contains("does not have the shape"), "{}: {reason}", row.name);
                }
                Handling::Used { .. } => {
                    let reason = "the action `exploded` is not known".to_owned();
                    assert_eq!(reading.verdict, Verdict::Quarantined(reason), "{}", row.name);
                }
            }
        }
    }

    #[test]
    fn the_json_that_is_kept_is_the_observation() {
        let body = br#"{"action":"renamed","repository":{"id":41,"full_name":"acme/rocket"}}"#;
        let Verdict::Observed(observed) = understand("repository", body).verdict else { panic!() };
        let read: ScmObservation = serde_json::from_str(&observed.json).unwrap();
        assert_eq!(read, *observed.observation);
    }
}
