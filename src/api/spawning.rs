//! Sessions whose agents run here: started, told, looked at, ended, restored, given back.
//!
//! What is asked for is written down first and done by whoever runs agents; these calls then wait until it is done,
//! as long as somebody may reasonably wait for an answer.

use std::fmt::Write;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::agents::{Agents, TerminalJson, WantedAgent};
use super::commands::{Answer, Origin};
use super::errors::{ApiError, Code};
use super::sessions::{SessionJson, shown};
use super::waiting::Patience;
use crate::domain::{ProjectId, SessionCommand, SessionId, SessionWanted, Text};
use crate::engine::Request;
use crate::lifecycle::Refusal;
use crate::store::views::{ObjectRef, SessionView};

/// So long an answer waits for what it is about; what takes longer goes on all the same.
const PATIENCE: Duration = Duration::from_secs(30);
/// The harness where none is named.
const HARNESS: &str = "claude-code";
const LONGEST_PROMPT: usize = 60_000;
const LONGEST_NAME: usize = 200;
/// How many lines of a terminal can be asked for.
pub const TERMINAL_LINES: RangeInclusive<i64> = 1..=20_000;

/// Where an agent is to run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhereToRun {
    /// Here, in a terminal of ours.
    #[default]
    Tmux,
    /// Elsewhere: nothing is started; it asks for its nudges itself.
    External,
}

/// A session that somebody wants.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SpawnBody {
    pub project_id: String,
    /// What the agent is to do; without it, it waits for what it is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 60_000)]
    pub prompt: Option<String>,
    /// `claude-code` where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    pub harness: Option<String>,
    /// The branch to make for it; `nudged/SESSION` where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    pub branch: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    pub issue_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<WhereToRun>,
}

/// How a session is to go on.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RestoreBody {
    /// In a new conversation, with its first prompt.
    pub fresh: bool,
}

/// Something for an agent, in the words of a person.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MessageBody {
    #[schema(min_length = 1, max_length = 60_000)]
    pub text: String,
}

impl SpawnBody {
    /// What is wanted, checked as far as that is possible without looking at anything.
    fn wanted(self, launch_id: Text) -> Result<SessionWanted, ApiError> {
        let plain = |name: &str, text: &Option<String>| match text {
            Some(text) if text.is_empty() || text.len() > LONGEST_NAME => Err(ApiError::bad_body(
                &format!("`{name}`: 1 to {LONGEST_NAME} bytes, or leave it out"),
            )),
            Some(text) if text.contains(char::is_control) => {
                Err(ApiError::bad_body(&format!("`{name}`: without control characters")))
            }
            _ => Ok(()),
        };
        plain("harness", &self.harness)?;
        plain("branch", &self.branch)?;
        plain("issueId", &self.issue_id)?;
        let prompt = self.prompt.unwrap_or_default();
        check_words("prompt", &prompt)?;
        let is_external = self.runtime == Some(WhereToRun::External);
        let harness = self.harness.unwrap_or_else(|| match is_external {
            true => String::new(),
            false => HARNESS.to_owned(),
        });
        Ok(SessionWanted {
            project: ProjectId(self.project_id.into()),
            launch_id,
            prompt: prompt.into(),
            harness: harness.into(),
            branch: self.branch.map(Into::into),
            issue_id: self.issue_id.map(Into::into),
            is_external,
        })
    }
}

/// Words for an agent may have several lines, and no more bytes than a program takes in one argument.
fn check_words(name: &str, text: &str) -> Result<(), ApiError> {
    if text.len() > LONGEST_PROMPT {
        let what = format!("`{name}`: at most {LONGEST_PROMPT} bytes");
        return Err(ApiError::bad_body(&what));
    }
    let is_strange = |c: char| c.is_control() && !matches!(c, '\n' | '\t' | '\r');
    if text.contains(is_strange) {
        let what = format!("`{name}`: without control characters but line breaks and tabs");
        return Err(ApiError::bad_body(&what));
    }
    Ok(())
}

/// Names a start of an agent: a random UUID (RFC 9562, version 4), which agents take as the name of a conversation.
pub fn new_launch_id() -> Text {
    let mut bytes: [u8; 16] = rand::random();
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        // Writing into a text cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text.into()
}

impl Api {
    /// Makes a session, and has its agent started where that is to run here. Answers when it runs, or could not be
    /// started; what takes longer goes on.
    ///
    /// # Errors
    /// There is no such project, something is in the way of a start, or nothing can be stored now.
    pub async fn spawn_session(
        &self,
        body: SpawnBody,
        origin: Origin,
    ) -> Result<Answer<SessionJson>, ApiError> {
        let wanted = body.wanted(new_launch_id())?;
        let known = self.store.project(wanted.project.0.to_string()).await?;
        let project = known.ok_or_else(|| ApiError::not_found(Refusal::NoProject.to_string()))?;
        let is_external = wanted.is_external;
        // A request that is repeated is not looked at anew: what it made may be in its own way.
        if !is_external && !self.is_known(&origin).await? {
            let harness = wanted.harness.to_string();
            let branch = wanted.branch.as_ref().map(ToString::to_string);
            self.agents()?.check(&WantedAgent { project, harness, branch }).await?;
        }
        let object = ObjectRef::Launch(wanted.launch_id.clone());
        let request = Request::Observe(SessionCommand::Spawn(wanted).into());
        let made = self.carry_out(request, object, origin, Refusal::NoProject, shown).await?;
        if is_external { Ok(made) } else { self.done(made).await }
    }

    /// Ends a session's agent; its worktree stays.
    ///
    /// # Errors
    /// There is no such session, or nothing can be stored now.
    pub async fn kill_session(
        &self,
        id: String,
        origin: Origin,
    ) -> Result<Answer<SessionJson>, ApiError> {
        let session = SessionId(id.into());
        self.order(SessionCommand::Kill { session: session.clone() }, session, origin).await
    }

    /// Has a session that has ended go on, in its own conversation, or in a new one.
    ///
    /// # Errors
    /// There is no such session, it has not ended or cannot go on, or nothing can be stored now.
    pub async fn restore_session(
        &self,
        id: String,
        body: RestoreBody,
        origin: Origin,
    ) -> Result<Answer<SessionJson>, ApiError> {
        self.agents()?;
        let session = SessionId(id.into());
        let (launch_id, is_fresh) = (new_launch_id(), body.fresh);
        let restore = SessionCommand::Restore { session: session.clone(), launch_id, is_fresh };
        self.order(restore, session, origin).await
    }

    /// Gives back the worktree of a session that has ended, unless there is work in it that is nowhere else.
    ///
    /// # Errors
    /// There is no such session, it has not ended, there is such work, or nothing can be stored now.
    pub async fn clean_up_session(
        &self,
        id: String,
        origin: Origin,
    ) -> Result<Answer<SessionJson>, ApiError> {
        let session = SessionId(id.into());
        self.order(SessionCommand::Cleanup { session: session.clone() }, session, origin).await
    }

    /// Says something to a session's agent.
    ///
    /// # Errors
    /// There is no such session, its agent does not run here or cannot listen now, or nothing can be stored now.
    pub async fn tell_session(
        &self,
        id: String,
        body: MessageBody,
        origin: Origin,
    ) -> Result<Answer<SessionJson>, ApiError> {
        check_words("text", &body.text)?;
        if body.text.trim().is_empty() {
            return Err(ApiError::bad_body(&"`text`: there is nothing in it"));
        }
        let session = SessionId(id.clone().into());
        let tell = SessionCommand::Tell { session: session.clone() };
        // The key is taken first: whatever happens then, the same words are not said twice under it.
        let request = Request::Observe(tell.into());
        let object = ObjectRef::Session(session);
        let taken = self.carry_out(request, object, origin, Refusal::NoSession, shown).await?;
        if taken.again {
            return Ok(taken);
        }
        let view = self.view(&id).await?;
        self.agents()?.tell(&view, &body.text).await?;
        Ok(Answer { object: self.session(id).await?, again: false })
    }

    /// What the terminal of a session's agent shows.
    ///
    /// # Errors
    /// There is no such session, its agent has no terminal here, or the terminal cannot be read.
    pub async fn terminal(&self, id: String, lines: Option<i64>) -> Result<TerminalJson, ApiError> {
        let lines = lines.unwrap_or(200);
        let in_range = Some(lines).filter(|lines| TERMINAL_LINES.contains(lines));
        let lines = in_range.and_then(|lines| u32::try_from(lines).ok());
        let lines = lines.ok_or_else(|| ApiError::range("lines", &TERMINAL_LINES))?;
        let view = self.view(&id).await?;
        self.agents()?.terminal(&view, lines).await
    }

    async fn view(&self, id: &str) -> Result<SessionView, ApiError> {
        let found = self.store.session(id.to_owned()).await?;
        found.ok_or_else(|| ApiError::not_found(Refusal::NoSession.to_string()))
    }

    fn agents(&self) -> Result<&Arc<dyn Agents>, ApiError> {
        let none = || ApiError::new(Code::CannotStart, "this server starts no agents");
        self.agents.as_ref().ok_or_else(none)
    }

    async fn is_known(&self, origin: &Origin) -> Result<bool, ApiError> {
        match &origin.key {
            Some(key) => Ok(self.store.knows_key(key.key.clone()).await?),
            None => Ok(false),
        }
    }

    async fn order(
        &self,
        asked: SessionCommand,
        session: SessionId,
        origin: Origin,
    ) -> Result<Answer<SessionJson>, ApiError> {
        let (request, object) = (Request::Observe(asked.into()), ObjectRef::Session(session));
        let taken = self.carry_out(request, object, origin, Refusal::NoSession, shown).await?;
        self.done(taken).await
    }

    /// Waits until nothing is being done to the session any more, and shows it as it is then.
    async fn done(&self, taken: Answer<SessionJson>) -> Result<Answer<SessionJson>, ApiError> {
        if self.agents.is_none() {
            return Ok(taken);
        }
        let Answer { object, again } = taken;
        let mut patience = Patience::new(self.engine.commits(), self.shutdown.clone(), PATIENCE);
        loop {
            let object = self.session(object.id.clone()).await?;
            if object.operation.is_none() || !patience.news().await {
                return Ok(Answer { object, again });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_named_by_a_uuid() {
        let id = new_launch_id();
        assert_eq!((id.len(), id.matches('-').count(), &id[14..15]), (36, 4, "4"), "{id}");
        assert!(matches!(&id[19..20], "8" | "9" | "a" | "b"), "{id}");
        assert_ne!(id, new_launch_id());
    }
}
