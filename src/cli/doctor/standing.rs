//! What the server says of its own dealings with GitHub.

use super::findings::Findings;
use crate::api::GithubStanding;
use crate::cli::output::line;

const CHECK: &str = "github";

/// Tells what does not go well there, and how to mend it.
pub(super) fn look(findings: &mut Findings, standing: &GithubStanding) {
    for trouble in &standing.troubles {
        let message = format!(
            "the server, about {}: {} (since {})",
            line(&trouble.about),
            line(&trouble.message),
            trouble.since
        );
        findings.doubtful(CHECK, message, mend(&trouble.code));
    }
    if let Some(until) = standing.closed_until {
        let message = format!("the server asks GitHub nothing until {until}");
        findings.doubtful(CHECK, message, "nothing: it goes on by itself then");
    }
    if let Some(pass) = &standing.reconciled
        && standing.troubles.is_empty()
    {
        let message = format!(
            "the server compared {} repositories with GitHub at {}",
            pass.looked_at, pass.began_at
        );
        findings.fine(CHECK, message);
    }
}

/// What to do about a trouble, by the word that the API has for it. A newer server may have others.
fn mend(code: &str) -> &'static str {
    known_mend(code).unwrap_or(
        "is the server newer than this program? `nudged doctor` of its own version knows more",
    )
}

fn known_mend(code: &str) -> Option<&'static str> {
    let mend = match code {
        "unauthorized" => "are the App's id and key of one App, and the clock right?",
        "forbidden" => {
            "give the permission in the App's settings, Permissions & events; then each installation accepts it"
        }
        "suspended" => "who suspended the App's installation can end that at GitHub",
        "not_installed" => "install the App there, or archive the project",
        "withheld" => "nothing can be done here; archive the project where it stays so",
        "strayed" => {
            "NUDGED_GITHUB_API_URL must name the API itself, not an address that redirects to it"
        }
        "limited" | "unavailable" | "malformed" => {
            "nothing, where it lasts for minutes: it is asked again by itself; where it stays, is there a proxy or \
             firewall in between, and what says githubstatus.com?"
        }
        "not_found" | "gone" => "is the repository still there, and the App installed on it?",
        "running" => "nothing: it is asked again when the run has ended",
        "refused" => {
            "what GitHub says is all that is known: the repository's or the owner's settings forbid it"
        }
        _ => return None,
    };
    Some(mend)
}

#[cfg(test)]
mod tests {
    use super::super::findings::Level;
    use super::*;
    use crate::api::GithubTrouble;
    use crate::github::api::GithubError;

    #[test]
    fn each_word_of_a_trouble_has_its_mend() {
        let without: Vec<_> =
            GithubError::CODES.iter().filter(|code| known_mend(code).is_none()).collect();
        assert!(without.is_empty(), "{without:?}");
        assert_eq!(known_mend("nonsense"), None);
    }

    #[test]
    fn troubles_are_told_with_their_mends() {
        let trouble = GithubTrouble {
            about: "acme/rocket".into(),
            code: "suspended".into(),
            message: "the App's installation is suspended".into(),
            since: "2026-05-01T08:00:00Z".parse().unwrap(),
        };
        let mut findings = Findings::default();
        look(&mut findings, &GithubStanding { troubles: vec![trouble], ..Default::default() });
        assert_eq!(findings.count(Level::Doubtful), 1);
        let told = &findings.0[0];
        assert!(
            told.message.contains("acme/rocket") && told.mend.contains("can end that"),
            "{told:?}"
        );
    }
}
