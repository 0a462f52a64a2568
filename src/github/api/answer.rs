//! What GitHub's answers mean: limits, refusals, pages, other places.

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::{CONTENT_TYPE, DATE, ETAG, LINK, LOCATION, RETRY_AFTER};
use serde::Deserialize;
use serde::de::IgnoredAny;
use url::Url;

use super::budget::Seen;
use super::error::GithubError;

/// An answer, read whole.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// GitHub's form of an error.
#[derive(Debug, Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    message: String,
}

impl Reply {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    fn number(&self, name: &str) -> Option<i64> {
        self.header(name)?.trim().parse().ok()
    }

    fn message(&self) -> String {
        serde_json::from_slice::<Refusal>(&self.body).unwrap_or_default().message
    }

    /// GitHub's clock when it answered, in Unix seconds.
    pub(super) fn date(&self) -> Option<i64> {
        let text = self.headers.get(DATE)?.to_str().ok()?;
        Some(jiff::fmt::rfc2822::parse(text).ok()?.timestamp().as_second())
    }

    pub(super) fn etag(&self) -> Option<&str> {
        self.headers.get(ETAG)?.to_str().ok()
    }

    pub(super) fn location(&self) -> Option<&str> {
        self.headers.get(LOCATION)?.to_str().ok()
    }

    pub(super) fn is_redirect(&self) -> bool {
        matches!(self.status, 301 | 302 | 307 | 308)
    }

    /// The address of the next page.
    pub(super) fn next(&self) -> Option<&str> {
        let links = self.headers.get(LINK)?.to_str().ok()?;
        links.split(',').find_map(|link| {
            let (address, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
            parameters.contains("rel=\"next\"").then_some(address)
        })
    }

    /// What it says about limits.
    pub(super) fn seen(&self) -> Seen {
        let count = |name| self.number(name).and_then(|count| u64::try_from(count).ok());
        let retry_after = self.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(|seconds| seconds.trim().parse().ok());
        let remaining = count("x-ratelimit-remaining");
        let said = || self.message().to_ascii_lowercase();
        let refused = matches!(self.status, 403 | 429);
        let limited = self.status == 429
            || (refused
                && (retry_after.is_some()
                    || remaining == Some(0)
                    || ["rate limit", "abuse"].iter().any(|word| said().contains(word))))
            || (self.status == 200 && self.is_graphql_limit());
        Seen {
            down: self.status >= 500,
            limited,
            retry_after,
            limit: count("x-ratelimit-limit"),
            remaining,
            reset: self.number("x-ratelimit-reset"),
            date: self.date(),
        }
    }

    /// GraphQL tells of its limit in an answer that is none otherwise.
    fn is_graphql_limit(&self) -> bool {
        #[derive(Default, Deserialize)]
        struct Failed {
            #[serde(default)]
            errors: Vec<Kind>,
        }
        #[derive(Deserialize)]
        struct Kind {
            #[serde(default, rename = "type")]
            kind: String,
        }
        // Only an answer of GraphQL begins with its errors or data.
        let errors = self.body.starts_with(b"{\"errors\"") || self.body.starts_with(b"{\"data\"");
        errors
            && serde_json::from_slice::<Failed>(&self.body)
                .unwrap_or_default()
                .errors
                .iter()
                .any(|error| matches!(error.kind.as_str(), "RATE_LIMITED" | "RATE_LIMIT"))
    }

    /// The answer, where it is one: JSON, or nothing new.
    ///
    /// # Errors
    /// Why it is none. Limits are told from the budget, which knows until when.
    pub(super) fn judge(self) -> Result<Self, GithubError> {
        match self.status {
            304 => Ok(self),
            200..=299 if self.is_json() => Ok(self),
            200..=299 => Err(GithubError::Malformed(format!(
                "{} and {} instead of JSON",
                self.status,
                self.content_type()
            ))),
            401 => Err(GithubError::Unauthorized(said(&self.message()))),
            403 if self.message().to_ascii_lowercase().contains("suspended") => {
                Err(GithubError::Suspended)
            }
            403 if self.message().to_ascii_lowercase().contains("already running") => {
                Err(GithubError::Running)
            }
            403 if self.is_no_permission() => {
                let permission = self.header("x-accepted-github-permissions").map(said);
                Err(GithubError::Forbidden { permission })
            }
            403 | 409 | 422 => Err(GithubError::Refused(said(&self.message()))),
            404 => Err(GithubError::NotFound),
            410 => Err(GithubError::Gone),
            451 => Err(GithubError::Withheld),
            status @ (408 | 500..=599) => {
                Err(GithubError::Unavailable(format!("it answered {status}")))
            }
            status => Err(GithubError::Malformed(format!("it answered {status}"))),
        }
    }

    /// Where it does not name what would be needed, it has a fixed text for it.
    fn is_no_permission(&self) -> bool {
        self.headers.contains_key("x-accepted-github-permissions")
            || self.message().is_empty()
            || self.message().contains("not accessible")
    }

    fn content_type(&self) -> String {
        let given = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        said(given.unwrap_or("an unnamed type"))
    }

    /// Whole JSON; nothing at all is whole too.
    fn is_json(&self) -> bool {
        self.status == 204
            || self.body.is_empty() && self.status != 200
            || serde_json::from_slice::<IgnoredAny>(&self.body).is_ok()
    }
}

/// A stranger's words as part of a text of ours: short and of one line.
fn said(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// The path below `base` that an address stands for; `None` where it leads to another host.
pub(super) fn path_below(base: &Url, address: &str) -> Option<String> {
    let url = base.join(address).ok()?;
    let plain = url.username().is_empty() && url.password().is_none();
    if url.origin() != base.origin() || !plain {
        return None;
    }
    let stem = base.path().trim_end_matches('/');
    let path = url.path().strip_prefix(stem).filter(|path| path.starts_with('/'));
    let path = path.unwrap_or(url.path());
    Some(url.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}")))
}

/// The host of an address, for messages.
pub(super) fn host(address: &str) -> String {
    let url = Url::parse(address).ok();
    url.and_then(|url| url.host_str().map(said)).unwrap_or_else(|| "unnamed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, headers: &[(&'static str, &str)], body: &'static str) -> Reply {
        let headers = headers.iter().map(|(name, value)| {
            (hyper::header::HeaderName::from_static(name), value.parse().unwrap())
        });
        Reply { status, headers: headers.collect(), body: Bytes::from_static(body.as_bytes()) }
    }

    #[test]
    fn a_limit_is_told_from_a_missing_permission() {
        let limits = [
            reply(429, &[], ""),
            reply(403, &[("retry-after", "30")], "{}"),
            reply(403, &[("x-ratelimit-remaining", "0")], "{}"),
            reply(403, &[], r#"{"message":"You have exceeded a secondary rate limit."}"#),
            reply(200, &[], r#"{"errors":[{"type":"RATE_LIMITED"}]}"#),
        ];
        for limit in limits {
            assert!(limit.seen().limited, "{limit:?}");
        }
        let permission =
            [("x-accepted-github-permissions", "checks=read"), ("x-ratelimit-remaining", "4999")];
        let refused = reply(403, &permission, r#"{"message":"Resource not accessible"}"#);
        assert!(!refused.seen().limited);
        let wanted = Some("checks=read".to_owned());
        assert_eq!(refused.judge().unwrap_err(), GithubError::Forbidden { permission: wanted });
    }

    #[test]
    fn a_refusal_in_github_s_words_is_no_want_of_a_permission() {
        let refused = |message| reply(403, &[], message).judge().unwrap_err();
        let words = "Unable to retry this workflow run because it was created over a month ago";
        let old = refused(
            r#"{"message":"Unable to retry this workflow run because it was created over a month ago"}"#,
        );
        assert_eq!(old, GithubError::Refused(words.to_owned()));
        let runs = refused(r#"{"message":"This workflow is already running"}"#);
        assert_eq!(runs, GithubError::Running);
        let integration = refused(r#"{"message":"Resource not accessible by integration"}"#);
        assert_eq!(integration, GithubError::Forbidden { permission: None });
    }

    #[test]
    fn what_is_no_json_is_no_answer() {
        for body in ["<html>", "{\"a\":", ""] {
            let error = reply(200, &[("content-type", "text/html")], body).judge().unwrap_err();
            assert!(matches!(error, GithubError::Malformed(_)), "{error}");
        }
        assert!(reply(200, &[], "[]").judge().is_ok());
        assert!(reply(204, &[], "").judge().is_ok());
        assert!(reply(304, &[], "").judge().is_ok());
    }

    #[test]
    fn the_next_page_is_that_of_the_same_host_alone() {
        let link = r#"<https://ghe.example/api/v3/repositories/1/pulls?page=3>; rel="next", <https://ghe.example/api/v3/x>; rel="last""#;
        let page = reply(200, &[("link", link)], "[]");
        let base = Url::parse("https://ghe.example/api/v3/").unwrap();
        let next = page.next().unwrap();
        let path = path_below(&base, next);
        assert_eq!(path.as_deref(), Some("/repositories/1/pulls?page=3"));
        for strange in [
            "https://evil.example/api/v3/x",
            "http://ghe.example/api/v3/x",
            "https://ghe.example:444/x",
            "//evil.example/x",
            "https://user@ghe.example/x",
        ] {
            assert_eq!(path_below(&base, strange), None, "{strange}");
        }
        assert_eq!(path_below(&base, "/api/v3/user").as_deref(), Some("/user"));
    }

    #[test]
    fn github_s_clock_is_read() {
        let answer = reply(200, &[("date", "Thu, 21 May 2026 10:00:00 GMT")], "{}");
        let noted = "2026-05-21T10:00:00Z".parse::<crate::domain::Timestamp>().unwrap();
        assert_eq!(answer.date(), Some(noted.as_second()));
    }
}
