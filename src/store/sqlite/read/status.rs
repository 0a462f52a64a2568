//! A display status as conditions on rows. It is derived and not stored, so what may show it is found
//! by asking the rule itself about everything that a row can hold; who shows it is then asked of each.

use std::fmt::Display;
use std::sync::LazyLock;

use crate::domain::{
    CiState, DisplayStatus, Mergeability, PrState, ReviewDecision, SessionState, TerminationReason,
};
use crate::lifecycle::{DrivingPull, display_status};

/// What the index `pr_noticed` holds, in the words of its migration.
pub(super) const NOTICED: &str = "pr_state IN ('draft', 'open') AND (ci_state = 'failing' \
    OR pr_state = 'draft' OR review_decision <> 'none' OR unresolved_comments > 0)";

/// An open pull request, whatever is to be said about it.
const OPEN: &str = "pr_state IN ('draft', 'open')";

/// A pull request of the session `s`. All else that may be said of it is the worse index.
const OF_SESSION: &str = "SELECT 1 FROM pr INDEXED BY pr_by_session WHERE session_id = s.id";

/// Where sessions of a status are to be looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Search {
    /// In these ranges of sessions, all of which have it.
    Sessions(Vec<String>),
    /// At the pull requests in these ranges of `pr_noticed`, or where these are too many as below.
    Noticed { ranges: Vec<String>, walk: Walk },
    /// By a walk along sessions.
    Along(Walk),
}

/// Sessions one after another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Walk {
    /// The ranges that hold all of them.
    pub(super) ranges: Vec<String>,
    /// What holds for each that has the status, of the session `s.id`, and for many others.
    pub(super) condition: String,
}

/// How to look for a status.
pub(super) fn search(status: DisplayStatus) -> &'static Search {
    static SEARCHES: LazyLock<Vec<Search>> = LazyLock::new(|| {
        let (live, pulls) = (live(), pulls());
        DisplayStatus::ALL.iter().map(|status| derive(*status, &live, &pulls)).collect()
    });
    // In the order of declaration, as `ALL` is.
    &SEARCHES[status as usize]
}

fn derive(status: DisplayStatus, live: &[SessionState], pulls: &[DrivingPull]) -> Search {
    let shows =
        |state, reason, pull: Option<&DrivingPull>| display_status(state, reason, pull) == status;
    let shown_by = |pull: &&DrivingPull| live.iter().any(|state| shows(*state, None, Some(pull)));
    let pulls: Vec<DrivingPull> = pulls.iter().filter(shown_by).copied().collect();
    let ranges = |holds: &dyn Fn(SessionState, Option<TerminationReason>) -> bool| {
        let reasons = || [None].into_iter().chain(TerminationReason::ALL.iter().copied().map(Some));
        let all = SessionState::ALL.iter().flat_map(|state| reasons().map(|it| (*state, it)));
        let held = all.filter(|(state, reason)| holds(*state, *reason));
        held.map(|(state, reason)| session_range(state, reason)).collect::<Vec<_>>()
    };
    if pulls.is_empty() {
        return Search::Sessions(ranges(&|state, reason| shows(state, reason, None)));
    }
    let bare = live.iter().any(|state| shows(*state, None, None));
    let walk = Walk {
        ranges: ranges(&|state, reason| {
            shows(state, reason, None) || pulls.iter().any(|pull| shows(state, reason, Some(pull)))
        }),
        condition: if bare {
            format!("NOT EXISTS ({OF_SESSION} AND {OPEN})")
        } else {
            format!("EXISTS ({OF_SESSION} AND {})", projection(&pulls))
        },
    };
    if !bare && pulls.iter().all(is_noticed) {
        let mut ranges: Vec<String> = pulls.iter().map(noticed_range).collect();
        ranges.sort();
        ranges.dedup();
        return Search::Noticed { ranges, walk };
    }
    Search::Along(walk)
}

/// The states in which a pull request can drive the display.
fn live() -> Vec<SessionState> {
    let is_driven = |state: &SessionState| {
        let alone = display_status(*state, None, None);
        pulls().iter().any(|pull| display_status(*state, None, Some(pull)) != alone)
    };
    SessionState::ALL.iter().copied().filter(is_driven).collect()
}

/// Every pull request that the rule can tell from others.
fn pulls() -> Vec<DrivingPull> {
    let mut pulls = Vec::new();
    for state in PrState::ALL.iter().copied() {
        for ci in CiState::ALL.iter().copied() {
            for review in ReviewDecision::ALL.iter().copied() {
                for mergeability in Mergeability::ALL.iter().copied() {
                    for unresolved_comments in [0, 1] {
                        let pull =
                            DrivingPull { state, ci, review, mergeability, unresolved_comments };
                        pulls.push(pull);
                    }
                }
            }
        }
    }
    pulls
}

/// [`NOTICED`], of one pull request.
fn is_noticed(pull: &DrivingPull) -> bool {
    pull.state.is_open()
        && (pull.ci == CiState::Failing
            || pull.state == PrState::Draft
            || pull.review != ReviewDecision::None
            || pull.unresolved_comments > 0)
}

// The words below are those of our enumerations: no caller's text gets into a statement.

fn session_range(state: SessionState, reason: Option<TerminationReason>) -> String {
    match reason {
        Some(reason) => format!("session_state = '{state}' AND termination_reason = '{reason}'"),
        None => format!("session_state = '{state}' AND termination_reason IS NULL"),
    }
}

fn noticed_range(pull: &DrivingPull) -> String {
    let DrivingPull { state, ci, review, unresolved_comments, .. } = pull;
    format!(
        "{NOTICED} AND ci_state = '{ci}' AND pr_state = '{state}' AND review_decision = '{review}' \
         AND (unresolved_comments > 0) = {unresolved_comments}"
    )
}

/// What all of them have in common, column by column, the rarest first.
fn projection(pulls: &[DrivingPull]) -> String {
    let words = |column: &'static str, word: fn(&DrivingPull) -> String| {
        let mut words: Vec<String> = pulls.iter().map(word).collect();
        words.sort();
        words.dedup();
        (words.len(), format!("{column} IN ({})", words.join(", ")))
    };
    let mut conditions = [
        words("pr_state", |pull| quoted(pull.state)),
        words("ci_state", |pull| quoted(pull.ci)),
        words("review_decision", |pull| quoted(pull.review)),
        words("mergeability", |pull| quoted(pull.mergeability)),
        words("(unresolved_comments > 0)", |pull| pull.unresolved_comments.to_string()),
    ];
    conditions.sort();
    conditions.map(|(_, condition)| condition).join(" AND ")
}

fn quoted(word: impl Display) -> String {
    format!("'{word}'")
}
