//! The names of variables that are no settings of the server, and those that are probably a slip.

/// Where clients find the server.
pub(super) const URL: &str = "NUDGED_URL";

/// What agents, the examples and the composition read; none of them is ours to warn of.
const OTHERS: &[&str] = &[
    URL,
    "NUDGED_TOKEN",
    "NUDGED_SESSION_ID",
    "NUDGED_PROJECT_ID",
    "NUDGED_ISSUE_ID",
    "NUDGED_LAUNCH_ID",
    "NUDGED_FOLDER",
    "NUDGED_API_TOKEN_FILE",
    "NUDGED_CURSOR_FILE",
    "NUDGED_PROJECT",
    "NUDGED_HOST",
];

/// Slips change no more letters than this.
const SLIP: usize = 2;

/// One sentence for each of these names that is not known but looks as if it should be.
pub(super) fn slips<'a>(
    settings: &[&'static str],
    given: impl Iterator<Item = &'a str>,
) -> Vec<String> {
    let known: Vec<_> = settings.iter().chain(OTHERS).copied().collect();
    let mut slips: Vec<_> = given.filter_map(|name| slip(&known, name)).collect();
    slips.sort();
    slips
}

fn slip(known: &[&'static str], name: &str) -> Option<String> {
    if known.contains(&name) {
        return None;
    }
    let upper = name.to_ascii_uppercase();
    let near = known.iter().map(|known| (strsim::osa_distance(known, &upper), known)).min();
    match near {
        Some((..=SLIP, near)) => {
            Some(format!("the variable {name} has no effect; is {near} meant?"))
        }
        _ if upper.starts_with("NUDGED_") => {
            Some(format!("the variable {name} has no effect: there is no such setting"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_told_and_others_names_left_alone() {
        let given = [
            "NUDGED_LISTEN",
            "NUDGED_URL",
            "NUDGE_URL",
            "NUDGED_LISTN",
            "nudged_db",
            "NUDGED_COLOUR",
            "PATH",
            "NUDGED_HOST",
        ];
        let said = slips(&["NUDGED_LISTEN", "NUDGED_DB"], given.into_iter());
        let ends =
            ["NUDGED_URL meant?", "NUDGED_DB meant?", "no such setting", "NUDGED_LISTEN meant?"];
        assert_eq!(said.len(), ends.len(), "{said:?}");
        for end in ends {
            assert!(said.iter().any(|slip| slip.ends_with(end)), "{end}: {said:?}");
        }
    }
}
