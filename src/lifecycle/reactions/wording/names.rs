//! How things are called in a nudge.

use url::Url;

use crate::domain::{Check, Project, PullRequest};
use crate::excerpt::one_line;

pub(super) const NAME_CHARS: usize = 100;
const URL_BYTES: usize = 300;

/// `owner/name#7`. GitHub gives both parts their alphabet.
pub(super) fn short_name(project: &Project, pull: &PullRequest) -> String {
    format!("{}#{}", one_line(project.repo.as_str(), NAME_CHARS), pull.number)
}

/// The pull request's page, which is made of the repository's.
pub(super) fn page(pull: &PullRequest) -> String {
    address(&pull.url)
}

/// An address as ASCII of bounded size; empty where it is none that a browser would open. Written anew from its
/// parts, it has no spaces, quotes or control characters, and shows the host that it leads to.
pub(super) fn address(text: &str) -> String {
    let Ok(mut url) = Url::parse(text.trim()) else { return String::new() };
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return String::new();
    }
    // Who is named before the host is not who answers.
    let _ = (url.set_username(""), url.set_password(None));
    for cut in [Url::set_fragment, Url::set_query] {
        if url.as_str().len() > URL_BYTES {
            cut(&mut url, None);
        }
    }
    if url.as_str().len() > URL_BYTES {
        url.set_path("/");
    }
    if url.as_str().len() > URL_BYTES { String::new() } else { url.into() }
}

/// A check's name as people know it: `workflow / job`, or the status' context.
pub(super) fn check_name(check: &Check) -> String {
    match check.workflow_name.as_deref().filter(|_| !is_workflow_run(check)) {
        Some(workflow) => one_line(&format!("{workflow} / {}", check.key.name), NAME_CHARS),
        None => one_line(&check.key.name, NAME_CHARS),
    }
}

/// The check stands for a whole workflow run, and is named so.
fn is_workflow_run(check: &Check) -> bool {
    check.key.name.ends_with(" (workflow run)")
}

pub(super) fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_written_anew_and_says_where_it_leads() {
        for (text, written) in [
            ("https://ci.example/job/7", "https://ci.example/job/7"),
            ("https://ci.example/a b\"c`d", "https://ci.example/a%20b%22c%60d"),
            ("https://github.com@evil.example/x", "https://evil.example/x"),
            ("https://ci.example/\u{202e}\u{9b}\n", "https://ci.example/%E2%80%AE%C2%9B"),
            ("HTTP://CI.example", "http://ci.example/"),
            ("javascript:alert(1)", ""),
            ("file:///etc/passwd", ""),
            ("see the log", ""),
            ("", ""),
        ] {
            assert_eq!(address(text), written, "{text:?}");
        }
        let long = "x".repeat(400);
        assert_eq!(address(&format!("https://ci.example/a?q={long}")), "https://ci.example/a");
        assert_eq!(address(&format!("https://ci.example/{long}")), "https://ci.example/");
    }
}
