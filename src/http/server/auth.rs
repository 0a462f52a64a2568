//! Who may use the API: bearers of the token, and no web page of another site.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::Response;
use subtle::ConstantTimeEq;

use super::errors::HttpError;

/// The token of the API. Never printed.
#[derive(Clone)]
pub struct ApiToken(Arc<str>);

impl ApiToken {
    /// Takes a token; `None` when there is nothing in it, since then anybody would have it.
    pub fn new(token: impl Into<String>) -> Option<Self> {
        let token = token.into();
        (!token.trim().is_empty()).then(|| Self(token.into()))
    }

    /// Whether the header bears this token, in a time that tells no more than its length.
    fn is_borne_by(&self, headers: &HeaderMap) -> bool {
        let Some(given) = headers.get(header::AUTHORIZATION) else { return false };
        let given = given.as_bytes();
        let Some((scheme, token)) = given.split_at_checked(b"Bearer ".len()) else { return false };
        scheme.eq_ignore_ascii_case(b"Bearer ") && token.ct_eq(self.0.as_bytes()).into()
    }
}

impl std::fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApiToken(…)")
    }
}

/// Stands before everything under `/v1`.
pub(in crate::http) async fn guard(
    State(token): State<ApiToken>,
    request: Request,
    next: Next,
) -> Result<Response, HttpError> {
    if is_foreign(request.headers(), request.uri()) {
        let message = "requests from web pages of another origin are refused";
        return Err(HttpError::new(StatusCode::FORBIDDEN, "foreign_origin", message));
    }
    if !token.is_borne_by(request.headers()) {
        return Err(HttpError::unauthorized());
    }
    Ok(next.run(request).await)
}

/// Browsers name the page that makes a request; everybody else sends no `Origin`.
fn is_foreign(headers: &HeaderMap, uri: &Uri) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    let host = match uri.authority() {
        Some(authority) => Some(authority.as_str()),
        None => headers.get(header::HOST).and_then(|host| host.to_str().ok()),
    };
    let page = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    match (page, host) {
        (Some((_, page)), Some(host)) => !page.eq_ignore_ascii_case(host),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_token_and_nothing_else_opens() {
        let token = ApiToken::new("s3cret").unwrap();
        for (value, opens) in [
            ("Bearer s3cret", true),
            ("bearer s3cret", true),
            ("Bearer s3cre", false),
            ("Bearer s3crets", false),
            ("Bearer ", false),
            ("Bearer", false),
            ("Basic s3cret", false),
            ("s3cret", false),
        ] {
            assert_eq!(token.is_borne_by(&headers(&[("authorization", value)])), opens, "{value}");
        }
        assert!(!token.is_borne_by(&HeaderMap::new()));
        assert!(ApiToken::new(" ").is_none());
        assert_eq!(format!("{token:?}"), "ApiToken(…)");
    }

    #[test]
    fn pages_of_other_sites_are_foreign() {
        let path = Uri::from_static("/v1/changes");
        for (origin, foreign) in [
            ("http://localhost:8787", false),
            ("http://LOCALHOST:8787", false),
            ("http://localhost:8788", true),
            ("https://evil.example", true),
            ("null", true),
        ] {
            let given = headers(&[("host", "localhost:8787"), ("origin", origin)]);
            assert_eq!(is_foreign(&given, &path), foreign, "{origin}");
        }
        assert!(!is_foreign(&headers(&[("host", "localhost:8787")]), &path));
        let absolute = Uri::from_static("http://localhost:8787/v1/changes");
        assert!(!is_foreign(&headers(&[("origin", "http://localhost:8787")]), &absolute));
    }
}
