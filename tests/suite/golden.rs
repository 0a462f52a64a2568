//! The golden tables: every row that the rules written so far cover.

use std::path::PathBuf;

use nudged::domain::{PrState, TerminationReason};
use nudged::lifecycle::{DrivingPull, display_status};

use crate::stories::root;

/// A table's text, from `NUDGED_GOLDEN_DIR` or the repository's own.
#[allow(clippy::disallowed_methods, reason = "tests may be pointed at other tables")]
pub fn table(name: &str) -> String {
    let folder = std::env::var_os("NUDGED_GOLDEN_DIR")
        .map_or_else(|| root().join("fixtures/golden"), PathBuf::from);
    let path = folder.join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn display_status_is_as_the_table_says() {
    let table = table("display_status.tsv");
    let mut wrong = Vec::new();
    let rows = table.lines().skip(1);
    let count = rows.clone().count();
    for row in rows {
        let cells: Vec<&str> = row.split('\t').collect();
        let &[state, reason, pr, ci, review, mergeability, comments, "=>", status] = &cells[..]
        else {
            panic!("{row}: not nine cells");
        };
        let pull = (!pr.is_empty()).then(|| DrivingPull {
            state: pr.parse::<PrState>().expect("pr state"),
            ci: ci.parse().expect("ci"),
            review: review.parse().expect("review"),
            mergeability: mergeability.parse().expect("mergeability"),
            unresolved_comments: comments.parse().expect("comments"),
        });
        let reason = (!reason.is_empty())
            .then(|| reason.parse::<TerminationReason>().expect("termination reason"));
        let found = display_status(state.parse().expect("state"), reason, pull.as_ref());
        if found.as_str() != status {
            wrong.push(format!("{row} but found {found}"));
        }
    }
    assert!(count > 0, "the table is empty");
    assert!(wrong.is_empty(), "{} of {count} rows: {wrong:#?}", wrong.len());
}
