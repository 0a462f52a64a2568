//! Agents that run elsewhere: they ask for their nudges themselves, and nothing here can start, see or end them.

use super::{Handle, Launch, Runtime, RuntimeError, Typed, View};
use crate::domain::{Probe, ProbeAnswer};
use crate::session::Later;

/// The runtime of agents that run elsewhere.
#[derive(Debug, Clone, Copy, Default)]
pub struct External;

fn elsewhere<'a, T: Send + 'a>(what: &'static str) -> Later<'a, Result<T, RuntimeError>> {
    Box::pin(async move { Err(RuntimeError::Elsewhere(what)) })
}

impl Runtime for External {
    fn name(&self) -> &'static str {
        "external"
    }

    /// Nothing is started: the session waits for its agent.
    fn start<'a>(&'a self, launch: &'a Launch) -> Later<'a, Result<Handle, RuntimeError>> {
        let handle =
            Handle { name: launch.name.clone(), launch_id: launch.launch_id.clone(), pane: None };
        Box::pin(async move { Ok(handle) })
    }

    fn find<'a>(
        &'a self,
        name: &'a str,
        launch_id: &'a str,
    ) -> Later<'a, Result<Option<Handle>, RuntimeError>> {
        let handle = Handle { name: name.to_owned(), launch_id: launch_id.to_owned(), pane: None };
        Box::pin(async move { Ok(Some(handle)) })
    }

    /// That cannot be known: such a session is not to be probed.
    fn probe<'a>(&'a self, handles: &'a [Handle]) -> Later<'a, Vec<Probe>> {
        Box::pin(async move { handles.iter().map(|_| unknown()).collect() })
    }

    /// It ends by itself, when its session has.
    fn kill<'a>(&'a self, _handle: &'a Handle) -> Later<'a, Result<(), RuntimeError>> {
        Box::pin(async move { Ok(()) })
    }

    fn look<'a>(&'a self, _handle: &'a Handle) -> Later<'a, Result<View, RuntimeError>> {
        elsewhere("seen")
    }

    fn scrollback<'a>(
        &'a self,
        _handle: &'a Handle,
        _most: u32,
    ) -> Later<'a, Result<String, RuntimeError>> {
        elsewhere("seen")
    }

    fn last_words<'a>(&'a self, _: &'a Handle) -> Later<'a, String> {
        Box::pin(async { String::new() })
    }

    fn paste<'a>(
        &'a self,
        _handle: &'a Handle,
        _view: &'a View,
        _line: &'a str,
    ) -> Later<'a, Result<Typed, RuntimeError>> {
        elsewhere("typed into")
    }

    fn enter<'a>(
        &'a self,
        _handle: &'a Handle,
        _view: &'a View,
    ) -> Later<'a, Result<Typed, RuntimeError>> {
        elsewhere("typed into")
    }
}

fn unknown() -> Probe {
    Probe {
        runtime: ProbeAnswer::Unknown,
        process: ProbeAnswer::Unknown,
        evidence: "its agent runs elsewhere".into(),
        is_proof: false,
    }
}
