//! Who may use the API: bearers of the token, and no web page of another site.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::Response;
use subtle::ConstantTimeEq;

use super::errors::HttpError;
use crate::api::Api;

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
    State(api): State<Arc<Api>>,
    request: Request,
    next: Next,
) -> Result<Response, HttpError> {
    if is_foreign(request.headers(), request.uri()) {
        let message = "requests from web pages of another origin are refused";
        return Err(HttpError::new(StatusCode::FORBIDDEN, "foreign_origin", message));
    }
    if !token.is_borne_by(request.headers()) {
        let bearer = bearer(request.headers()).ok_or_else(HttpError::unauthorized)?;
        let session = api.session_of_token(bearer).await?.ok_or_else(HttpError::unauthorized)?;
        let may = match reach(&session, request.method(), request.uri()) {
            Reach::Nothing => false,
            Reach::Its => true,
            Reach::Nudge(nudge) => api.is_nudge_of(nudge, &session).await?,
        };
        if !may {
            let message = format!(
                "this is the token of an agent: it may report for and read {session}, and nothing else"
            );
            return Err(HttpError::new(StatusCode::FORBIDDEN, "forbidden", message));
        }
    }
    Ok(next.run(request).await)
}

/// The longest token that is looked up.
const LONGEST_TOKEN: usize = 200;

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let is_one =
        scheme.eq_ignore_ascii_case("Bearer") && (1..=LONGEST_TOKEN).contains(&token.len());
    is_one.then_some(token)
}

/// What the token of an agent reaches with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Nothing,
    /// Its own session.
    Its,
    /// This nudge, if it is one of its session.
    Nudge(i64),
}

/// An agent may report what it does, and read its session and what its session is told.
fn reach(session: &str, method: &Method, uri: &Uri) -> Reach {
    let path: Vec<&str> = uri.path().trim_start_matches('/').split('/').collect();
    // Inside of `/v1` the prefix is taken off.
    let path = path.strip_prefix(&["v1"]).unwrap_or(&path);
    match (method, path) {
        (&Method::GET, ["sessions", id]) | (&Method::POST, ["sessions", id, "activity"])
            if *id == session =>
        {
            Reach::Its
        }
        (&Method::GET, ["nudges"]) => {
            let query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
            let mut wanted = query.filter(|(name, _)| name == "session");
            match (wanted.next(), wanted.next()) {
                (Some((_, id)), None) if id == session => Reach::Its,
                _ => Reach::Nothing,
            }
        }
        (&Method::GET, ["nudges", id]) => id.parse().map_or(Reach::Nothing, Reach::Nudge),
        _ => Reach::Nothing,
    }
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
    fn an_agent_reaches_its_own_session_alone() {
        let of = |method: &str, uri: &'static str| {
            reach("mer-1", &method.parse().unwrap(), &Uri::from_static(uri))
        };
        let its = [
            ("GET", "/sessions/mer-1"),
            ("GET", "/v1/sessions/mer-1"),
            ("POST", "/sessions/mer-1/activity"),
            ("GET", "/nudges?session=mer-1"),
            ("GET", "/nudges?state=pending&session=mer%2D1&limit=1"),
        ];
        assert!(its.iter().all(|(method, uri)| of(method, uri) == Reach::Its), "{its:?}");
        assert_eq!(of("GET", "/nudges/17"), Reach::Nudge(17));
        for (method, uri) in [
            ("GET", "/sessions/mer-10"),
            ("GET", "/sessions"),
            ("GET", "/sessions/mer-1/terminal"),
            ("POST", "/sessions/mer-2/activity"),
            ("POST", "/sessions/mer-1/kill"),
            ("POST", "/sessions/mer-1/messages"),
            ("PUT", "/projects/mer"),
            ("GET", "/nudges"),
            ("GET", "/nudges?session=mer-2"),
            ("GET", "/nudges?session=mer-1&session=mer-2"),
            ("POST", "/nudges/17/ack"),
            ("GET", "/nudges/x"),
            ("GET", "/changes"),
            ("GET", "/v1/v1/sessions/mer-1"),
        ] {
            assert_eq!(of(method, uri), Reach::Nothing, "{method} {uri}");
        }
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
