//! What the API asks of the manager.

use super::telling;
use super::tools::{Halt, Tools};
use crate::api::{Agents, ApiError, Code, Later, TerminalJson, WantedAgent};
use crate::session::channel::Told;
use crate::session::runtime::{Handle, Runtime};
use crate::session::tool::ToolError;
use crate::session::workspace::WorkspaceError;
use crate::store::views::SessionView;

impl Agents for Tools {
    fn check<'a>(&'a self, wanted: &'a WantedAgent) -> Later<'a, ()> {
        Box::pin(async move {
            let unknown = |error: &dyn std::fmt::Display| {
                ApiError::new(Code::UnknownHarness, error.to_string())
            };
            self.harnesses.get(&wanted.harness).map_err(|error| unknown(&error))?;
            self.tmux.version().await.map_err(|error| cannot_start(&error))?;
            let id = &wanted.project.id;
            let Some(path) = &wanted.project.path else {
                let message = format!(
                    "project {id} has no path: tell it where its checkout is (`path` of PUT /v1/projects/{id})"
                );
                return Err(ApiError::new(Code::NoRepository, message));
            };
            let checked = self.worktrees.check(path.as_ref(), wanted.branch.as_deref()).await;
            checked.map_err(|error| refusal(&error))
        })
    }

    fn tell<'a>(&'a self, session: &'a SessionView, text: &'a str) -> Later<'a, ()> {
        Box::pin(async move {
            match telling::say(self, session, text).await {
                Ok(Told::Handed | Told::Delivered) => Ok(()),
                Ok(Told::NotNow { reason, .. }) => {
                    let message = format!(
                        "nothing was said: {reason}; send it again later, under another key"
                    );
                    Err(ApiError::new(Code::NotNow, message))
                }
                Ok(Told::Unconfirmed { reason }) => {
                    let message = format!(
                        "it cannot be known whether it was heard: {reason}; look with `nudged attach`"
                    );
                    Err(ApiError::new(Code::NotNow, message))
                }
                Ok(Told::Refused) => Err(ApiError::internal(&"a message was not let go")),
                Err(Halt::Failed(reason)) => Err(ApiError::new(Code::NotNow, reason)),
                Err(Halt::Left) => Err(ApiError::unavailable("the server is shutting down")),
            }
        })
    }

    fn terminal<'a>(&'a self, session: &'a SessionView, lines: u32) -> Later<'a, TerminalJson> {
        Box::pin(async move {
            let none = |why: String| ApiError::new(Code::NoTerminal, why);
            let handle = session.runtime_handle.as_deref().and_then(Handle::parse);
            let handle = handle.ok_or_else(|| none("its agent has no terminal here".to_owned()))?;
            let text = self
                .tmux
                .scrollback(&handle, lines)
                .await
                .map_err(|error| none(error.to_string()))?;
            let socket = self.tmux.socket().display().to_string();
            Ok(TerminalJson { socket, name: handle.name, text })
        })
    }
}

fn cannot_start(error: &ToolError) -> ApiError {
    ApiError::new(Code::CannotStart, format!("no agent can be started here: {error}"))
}

fn refusal(error: &WorkspaceError) -> ApiError {
    let code = match error {
        WorkspaceError::Tool(error) => return cannot_start(error),
        WorkspaceError::NotARepository(_) | WorkspaceError::NoBase(_) => Code::NoRepository,
        WorkspaceError::BranchExists(_) => Code::BranchExists,
        WorkspaceError::BranchInUse { .. } => Code::BranchTaken,
        WorkspaceError::BadBranch(_) | WorkspaceError::BadName(_) => Code::BadBody,
        WorkspaceError::NoBranch(_)
        | WorkspaceError::PathTaken(_)
        | WorkspaceError::NotOurs(_)
        | WorkspaceError::Unsaved { .. }
        | WorkspaceError::Unsalvageable { .. }
        | WorkspaceError::StillChanging(_)
        | WorkspaceError::Place(_)
        | WorkspaceError::Io { .. } => Code::CannotStart,
    };
    ApiError::new(code, error.to_string())
}
