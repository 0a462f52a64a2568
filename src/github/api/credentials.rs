//! The App's credentials: a JSON web token made of its key, and the tokens of installations that it buys.
//!
//! A JSON web token is issued a minute back and lasts nine (`docs/github-rules.md` 26), by GitHub's clock
//! where ours differs. Nothing here is ever shown.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use jiff::SignedDuration;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::Serialize;

use super::error::GithubError;
use crate::domain::Timestamp;

/// A token is renewed so long before its hour is over.
const EARLY: SignedDuration = SignedDuration::from_mins(5);
/// Clocks that differ by less are taken for one: GitHub's is told in whole seconds.
const SAME: i64 = 5;

/// Who the App is.
#[derive(Clone)]
pub struct Credentials {
    app: i64,
    key: Result<EncodingKey, String>,
}

impl Credentials {
    /// Takes the App's id and its private key, PEM as GitHub hands it out. A key that is none is told at
    /// each request, so that the rest of the server works on.
    pub fn new(app: i64, pem: &str) -> Self {
        let wrong = "the private key is none: it wants the PEM file that GitHub made for the App";
        let key = EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(|_| wrong.to_owned());
        Self { app, key }
    }

    /// The App's id.
    pub fn app(&self) -> i64 {
        self.app
    }

    /// A token that speaks for the App, at an instant by GitHub's clock.
    pub(super) fn jwt(&self, now: Timestamp) -> Result<String, GithubError> {
        #[derive(Serialize)]
        struct Claims {
            iss: String,
            iat: i64,
            exp: i64,
        }
        let key = self.key.as_ref().map_err(|wrong| GithubError::Unauthorized(wrong.clone()))?;
        let now = now.as_second();
        let claims = Claims { iss: self.app.to_string(), iat: now - 60, exp: now + 9 * 60 };
        encode(&Header::new(Algorithm::RS256), &claims, key).map_err(|_| {
            GithubError::Unauthorized("the private key cannot sign: make a new one".to_owned())
        })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("app", &self.app).finish_non_exhaustive()
    }
}

/// An installation's token.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) text: Arc<str>,
    pub(super) expires_at: Timestamp,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// The tokens that are held, and how GitHub's clock differs from ours.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    held: HashMap<i64, Token>,
    skew: i64,
}

impl Tokens {
    /// An installation's token, where it lasts long enough.
    pub(super) fn get(&self, installation: i64, now: Timestamp) -> Option<Token> {
        let token = self.held.get(&installation)?;
        let until = token.expires_at.checked_sub(EARLY).ok()?;
        (self.there(now) < until).then(|| token.clone())
    }

    pub(super) fn put(&mut self, installation: i64, token: Token) {
        self.held.insert(installation, token);
    }

    /// A token was refused: it is not used again. A newer one stays.
    pub(super) fn refuse(&mut self, installation: i64, token: &str) {
        if self.held.get(&installation).is_some_and(|held| &*held.text == token) {
            self.held.remove(&installation);
        }
    }

    /// What GitHub's clock shows, as far as its answers told.
    pub(super) fn there(&self, now: Timestamp) -> Timestamp {
        now.checked_add(SignedDuration::from_secs(self.skew)).unwrap_or(now)
    }

    /// Takes down what GitHub's clock showed when ours showed `now`; the seconds that it is ahead.
    pub(super) fn compare(&mut self, date: i64, now: Timestamp) -> i64 {
        let skew = date - now.as_second();
        self.skew = if skew.abs() < SAME { 0 } else { skew };
        self.skew
    }

    /// By how many seconds GitHub's clock is ahead of ours.
    pub(super) fn skew(&self) -> i64 {
        self.skew
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    #[test]
    fn a_token_is_renewed_before_its_hour_is_over_by_github_s_clock() {
        let mut tokens = Tokens::default();
        let token = Token { text: "t1".into(), expires_at: at(3_600) };
        tokens.put(7, token.clone());
        assert_eq!(tokens.get(7, at(3_299)), Some(token.clone()));
        assert_eq!(tokens.get(7, at(3_300)), None);
        tokens.compare(at(600).as_second(), at(0));
        assert_eq!(
            (tokens.skew(), tokens.get(7, at(2_699)), tokens.get(7, at(2_700))),
            (600, Some(token), None)
        );
        tokens.refuse(7, "another");
        assert!(tokens.get(7, at(0)).is_some());
        tokens.refuse(7, "t1");
        assert!(tokens.get(7, at(0)).is_none());
    }

    #[test]
    fn a_key_that_is_none_is_told_without_showing_it() {
        let credentials = Credentials::new(9, "-----BEGIN NONSENSE-----");
        let error = credentials.jwt(at(0)).unwrap_err();
        assert!(error.to_string().contains("the private key is none"), "{error}");
        assert!(!format!("{credentials:?} {error}").contains("NONSENSE"));
    }
}
