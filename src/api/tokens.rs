//! The tokens of agents: each may report for and read its one session. Only their hashes are kept.

use sha2::{Digest, Sha256};

use super::Api;
use super::errors::ApiError;

/// What is kept of a token: SHA-256 in hex. Tokens are long and random, so nothing slower is needed.
pub fn token_hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

impl Api {
    /// The session whose agent bears the token.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn session_of_token(&self, token: &str) -> Result<Option<String>, ApiError> {
        Ok(self.store.session_of_token(token_hash(token)).await?)
    }

    /// Whether a nudge is about that session.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn is_nudge_of(&self, nudge: i64, session: &str) -> Result<bool, ApiError> {
        let found = self.store.nudge(nudge).await?;
        Ok(found.is_some_and(|nudge| nudge.session_id.as_deref() == Some(session)))
    }
}
