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

/// Where is kept what is known of agents that people start themselves: `nudged/agents` among the state files of the
/// user. `None`: there is no home.
/// <https://specifications.freedesktop.org/basedir-spec/latest/>
///
/// # Errors
/// The variables cannot be read.
pub fn state_of_agents() -> Result<Option<PathBuf>, ConfigError> {
    let of = |name| {
        Ok::<_, ConfigError>(variable(name)?.filter(|it| it.starts_with('/')).map(PathBuf::from))
    };
    let state = match of("XDG_STATE_HOME")? {
        Some(state) => Some(state),
        None => of("HOME")?.map(|home| home.join(".local/state")),
    };
    Ok(state.map(|state| state.join("nudged/agents")))
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
