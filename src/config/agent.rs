//! What an agent of ours finds in its environment: its server, its session, and the token for it.

use std::path::PathBuf;

use reqwest::Url;

use super::error::ConfigError;
use super::secret::Secret;
use super::{names, server, variable};

/// What an agent knows of itself.
#[derive(Debug, Clone)]
pub struct AgentSelf {
    /// Where its server is.
    pub url: Url,
    /// May report for and read its one session.
    pub token: Secret,
    pub session: String,
    /// Which start of it this is.
    pub launch_id: Option<String>,
    /// The folder of its session, where it was started by us.
    pub folder: Option<PathBuf>,
}

/// The folder of the session of ours in which this process runs, if it does.
///
/// # Errors
/// The variable cannot be read.
pub fn agent_folder() -> Result<Option<PathBuf>, ConfigError> {
    Ok(variable("NUDGED_FOLDER")?.map(PathBuf::from))
}

/// `None`: this process is no agent of ours, and was not started by one.
///
/// # Errors
/// The variables cannot be read.
pub fn agent_self() -> Result<Option<AgentSelf>, ConfigError> {
    let Some(session) = variable("NUDGED_SESSION_ID")? else { return Ok(None) };
    let (url, token) = (variable(names::URL)?, variable("NUDGED_TOKEN")?);
    let (Some(url), Some(token)) = (url, token) else { return Ok(None) };
    Ok(Some(AgentSelf {
        url: server::parse(names::URL, &url)?,
        token: Secret::new(token),
        session,
        launch_id: variable("NUDGED_LAUNCH_ID")?,
        folder: agent_folder()?,
    }))
}
