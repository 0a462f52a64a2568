//! What a hook is told by its agent, and how that is handed on.

use std::io::Read;
use std::time::Duration;

use crate::api::ActivityBody;
use crate::cli::client::Client;
use crate::session::harness::report::Hook;

/// A server that does not answer by then is not waited for.
pub(super) const LIMIT: Duration = Duration::from_millis(800);
/// Of what an agent tells its hook.
const MOST_INPUT: u64 = 16 << 20;

/// What the agent tells on stdin.
pub(super) fn told() -> std::io::Result<String> {
    let mut told = Vec::new();
    std::io::stdin().lock().take(MOST_INPUT).read_to_end(&mut told)?;
    Ok(String::from_utf8_lossy(&told).into_owned())
}

/// Hands on what a hook says of a session, where it says something.
pub(super) async fn hand_on(
    client: &Client,
    session: &str,
    harness: &str,
    hook: Hook,
    launch_id: Option<String>,
) -> anyhow::Result<()> {
    let Some(mut body) = ActivityBody::of_hook(harness, &hook.event) else { return Ok(()) };
    body.agent_session_id = hook.agent_session_id;
    body.transcript_path = hook.transcript_path;
    body.mark = hook.mark;
    body.launch_id = launch_id;
    let path = format!("/v1/sessions/{session}/activity");
    client.tell(&path, &serde_json::to_value(body)?, LIMIT).await;
    Ok(())
}
