//! Agents that people start themselves: their installed hooks report here, and wait for what there is to tell.
//!
//! Such a session is found by repository and branch, or made: one that runs elsewhere. What is known of it between two
//! hooks lies in a folder for the agent's conversation; what it was given lies there too, so that nothing is told twice.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::report::{LIMIT, hand_on, told};
use crate::api::{ActivityBody, List, NudgeJson, SessionJson, SpawnBody, WhereToRun};
use crate::cli::checkout;
use crate::cli::client::{Client, ClientError, segment};
use crate::cli::lists::{Query, newest_first, walk};
use crate::cli::target::Target;
use crate::config::state_of_agents;
use crate::domain::ActivityState;
use crate::session::channel::Message;
use crate::session::channel::wake::{self, Offer};
use crate::session::harness::Family;
use crate::session::harness::notes::{make_folder, replace};
use crate::session::harness::report::Hook;

const HARNESS: &str = "claude-code";
/// In the folder of a conversation.
const KNOWN: &str = "session.json";
/// Until the hook beside this one has found the session.
const SOON: Duration = Duration::from_millis(200);
/// The longest that one request waits, by the API.
const ROUND: Duration = Duration::from_secs(60);
/// Before a server that is away, or something that was told already, is asked about again.
const PAUSE: Duration = Duration::from_secs(5);

/// What is known of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    /// Empty: its repository is no project of the server.
    session: String,
    repo: String,
    branch: String,
    /// The session was made for it.
    is_made: bool,
}

impl Known {
    fn read(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(folder.join(KNOWN)).ok()?).ok()
    }

    fn write(&self, folder: &Path) -> anyhow::Result<()> {
        make_folder(folder)?;
        Ok(replace(&folder.join(KNOWN), &serde_json::to_vec(self)?, 0o600)?)
    }
}

/// Reports what a hook tells on stdin.
pub(super) async fn tell(target: &Target) -> anyhow::Result<()> {
    let Some(hook) = Hook::read(Family::ClaudeCode, &told()?, None) else { return Ok(()) };
    // A subagent has none: what it does says nothing of the session.
    let Some(folder) = hook.agent_session_id.as_deref().and_then(folder) else { return Ok(()) };
    let client = target.client()?;
    let Some(known) = session(&client, &folder, hook.event.name == "SessionStart").await? else {
        return Ok(());
    };
    let said = ActivityBody::of_hook(HARNESS, &hook.event);
    hand_on(&client, &known.session, HARNESS, hook, None).await?;
    if known.is_made && said.is_some_and(|it| it.state == ActivityState::Exited) {
        leave(&client, &known).await?;
    }
    Ok(())
}

/// Begins to fetch what there is to tell the agent whose hook this is into a folder, where it can be waited for.
/// `None`: it says nothing of a conversation.
pub(super) fn listen(target: &Target) -> anyhow::Result<Option<PathBuf>> {
    let Some(hook) = Hook::read(Family::ClaudeCode, &told()?, None) else { return Ok(None) };
    let Some(folder) = hook.agent_session_id.as_deref().and_then(folder) else { return Ok(None) };
    make_folder(&folder)?;
    let (client, into) = (target.client()?, folder.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // It ends with the process.
    std::thread::spawn(move || runtime.block_on(fetch(&client, &into)));
    Ok(Some(folder))
}

/// The folder of a conversation, whose name the agent gives.
fn folder(conversation: &str) -> Option<PathBuf> {
    let is_plain = conversation.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let state = state_of_agents().ok().flatten()?;
    (is_plain && !conversation.is_empty()).then(|| state.join(conversation))
}

async fn fetch(client: &Client, folder: &Path) {
    loop {
        let Some(known) = Known::read(folder).filter(|known| !known.session.is_empty()) else {
            tokio::time::sleep(SOON).await;
            continue;
        };
        let query: Query = vec![
            ("session", known.session),
            ("audience", "agent".to_owned()),
            ("state", "pending".to_owned()),
            ("wait", ROUND.as_secs().to_string()),
        ];
        let pause = match client.get::<List<NudgeJson>>("/v1/nudges", &query, ROUND).await {
            Ok(list) if list.items.is_empty() => SOON,
            Ok(list) => {
                for nudge in list.items {
                    let message = Message::of_nudge(nudge.id, &nudge.body);
                    let (mark, text) = (message.mark.clone(), message.whole(wake::MOST));
                    if !wake::was_taken(folder, &mark) {
                        // What cannot be written now is still there at the next look.
                        let _ = wake::offer(folder, &Offer { mark, text });
                    }
                }
                PAUSE
            }
            Err(_) => PAUSE,
        };
        tokio::time::sleep(pause).await;
    }
}

/// The session of the checkout here. It is looked for once, and again where another branch is checked out.
async fn session(client: &Client, folder: &Path, is_start: bool) -> anyhow::Result<Option<Known>> {
    let (repo, branch) = (checkout::repository()?, checkout::branch()?);
    let before = Known::read(folder);
    if let Some(known) = before.clone().filter(|it| it.repo == repo && it.branch == branch)
        && (!known.session.is_empty() || !is_start)
    {
        return Ok(Some(known).filter(|known| !known.session.is_empty()));
    }
    let found = match project(client, &repo).await? {
        Some(project) => Some(find_or_make(client, &project, &branch).await?),
        None => None,
    };
    let (session, is_made) = found.unwrap_or_default();
    let known = Known { session, repo, branch, is_made };
    known.write(folder)?;
    if let Some(before) = before.filter(|it| it.is_made && it.session != known.session) {
        leave(client, &before).await?;
    }
    Ok(Some(known).filter(|known| !known.session.is_empty()))
}

async fn project(client: &Client, repo: &str) -> anyhow::Result<Option<String>> {
    let mut found = None;
    walk(client, "/v1/projects", &Query::new(), 1_000, Duration::ZERO, |project| {
        if project["repo"].as_str().is_some_and(|name| name.eq_ignore_ascii_case(repo)) {
            found = project["id"].as_str().map(str::to_owned);
        }
        Ok(found.is_none())
    })
    .await?;
    Ok(found)
}

/// The session that works on a branch, and whether it was made for it now.
async fn find_or_make(
    client: &Client,
    project: &str,
    branch: &str,
) -> anyhow::Result<(String, bool)> {
    let query = newest_first(vec![("project", project.to_owned())]);
    let mut found = None;
    walk(client, "/v1/sessions", &query, 1_000, Duration::ZERO, |item| {
        let session: SessionJson = serde_json::from_value(item)?;
        let is_it = session.branch.as_deref() == Some(branch) && !session.state.is_terminal();
        found = is_it.then_some(session.id);
        Ok(!is_it)
    })
    .await?;
    if let Some(found) = found {
        return Ok((found, false));
    }
    let body = SpawnBody {
        project_id: project.to_owned(),
        prompt: None,
        harness: Some(HARNESS.to_owned()),
        branch: Some(branch.to_owned()),
        issue_id: None,
        runtime: Some(WhereToRun::External),
    };
    let body = serde_json::to_value(body)?;
    let made: SessionJson = client.submit(Method::POST, "/v1/sessions", &body, LIMIT).await?;
    Ok((made.id, true))
}

/// The agent has gone on to another branch, or ended. Where nothing came of the session, nobody has to see it further.
async fn leave(client: &Client, known: &Known) -> Result<(), ClientError> {
    let path = format!("/v1/sessions/{}", segment(&known.session));
    let session: SessionJson = client.get(&path, &[], Duration::ZERO).await?;
    if session.pulls.is_empty() {
        client.submit::<Value>(Method::POST, &format!("{path}/kill"), &json!({}), LIMIT).await?;
    }
    Ok(())
}
