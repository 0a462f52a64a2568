//! Told by Codex's own server beside its terminal: a turn is begun, or the running one joined, with our mark as the
//! message's id. The proof is that the message comes back with it; the answer to the question itself is none.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::rpc::{Rpc, RpcError};
use super::transcript::Trace;
use super::{Addressee, Channel, Doing, Leave, Message, Record, Told, Tried};
use crate::session::Later;

/// A text that joins a turn is taken at its next call of the model, which can be long after.
const PROOF: Duration = Duration::from_secs(8);
/// Turns of the record that are looked through.
const TURNS: u32 = 20;
const MOST: usize = 60_000;

/// The channel.
#[derive(Debug, Clone, Copy)]
pub(super) struct AppServer;

impl Channel for AppServer {
    fn deliver<'a>(
        &'a self,
        to: &'a Addressee<'a>,
        message: &'a Message,
        leave: &'a dyn Leave,
    ) -> Later<'a, Tried> {
        Box::pin(async move {
            match Thread::open(to).await {
                Ok(thread) => tell(thread, message, leave).await,
                Err(why) => Tried::Closed(why),
            }
        })
    }

    fn look<'a>(&'a self, to: &'a Addressee<'a>, mark: &'a str) -> Later<'a, Record> {
        Box::pin(look(to, mark))
    }
}

/// A conversation that is open in a server.
struct Thread {
    rpc: Rpc,
    id: String,
}

/// What a conversation does.
enum State {
    Idle,
    Waiting,
    Working { turn: Option<String> },
}

impl Thread {
    /// The one that the terminal shows: the known one, else the only one that is no helper of the server's.
    async fn open(to: &Addressee<'_>) -> Result<Self, String> {
        let socket = to.notes().socket.ok_or("Codex has no server of its own")?;
        let mut rpc = Rpc::connect(&socket).await.map_err(|error| error.to_string())?;
        let loaded =
            rpc.call("thread/loaded/list", json!({})).await.map_err(|error| error.to_string())?;
        let loaded = loaded["data"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let loaded: Vec<String> = loaded.map(str::to_owned).collect();
        if let Some(id) = to.agent_session_id.filter(|id| loaded.iter().any(|it| it == id)) {
            return Ok(Self { rpc, id: id.to_owned() });
        }
        let mut found = Vec::new();
        for id in loaded {
            let read = rpc.call("thread/read", json!({"threadId": id})).await;
            // One that has just been closed.
            let Ok(read) = read else { continue };
            if read["thread"]["ephemeral"] != true {
                found.push(id);
            }
        }
        match <[String; 1]>::try_from(found) {
            Ok([id]) => Ok(Self { rpc, id }),
            Err(found) if found.is_empty() => {
                Err("no conversation is open in Codex's server".to_owned())
            }
            Err(_) => Err("several conversations are open in Codex's server".to_owned()),
        }
    }

    async fn state(&mut self) -> Result<State, RpcError> {
        let read = self.rpc.call("thread/read", json!({"threadId": self.id})).await?;
        let status = &read["thread"]["status"];
        if status["type"] != "active" {
            return Ok(State::Idle);
        }
        let flags =
            status["activeFlags"].as_array().into_iter().flatten().filter_map(Value::as_str);
        if flags.into_iter().any(|flag| flag.starts_with("waitingOn")) {
            return Ok(State::Waiting);
        }
        let running = self.turns().await?.into_iter().find(|turn| turn["status"] == "inProgress");
        Ok(State::Working { turn: running.and_then(|turn| turn["id"].as_str().map(str::to_owned)) })
    }

    async fn turns(&mut self) -> Result<Vec<Value>, RpcError> {
        let params = json!({"threadId": self.id, "limit": TURNS, "itemsView": "full"});
        let mut listed = self.rpc.call("thread/turns/list", params).await?;
        Ok(listed["data"].as_array_mut().map(std::mem::take).unwrap_or_default())
    }

    /// Whether the message with our mark is part of a turn; also one that was typed, and has the mark in its text.
    async fn has(&mut self, mark: &str) -> Result<bool, RpcError> {
        let turns = self.turns().await?;
        let mut items =
            turns.iter().flat_map(|turn| turn["items"].as_array().into_iter().flatten());
        Ok(items.any(|item| {
            let mut texts = item["content"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|it| it["text"].as_str());
            item["type"] == "userMessage"
                && (item["clientId"] == mark || texts.any(|it| it.contains(mark)))
        }))
    }
}

async fn tell(mut thread: Thread, message: &Message, leave: &dyn Leave) -> Tried {
    let resume = json!({"threadId": thread.id, "excludeTurns": true});
    // Only who has resumed a conversation hears what happens in it.
    if let Err(error) = thread.rpc.call("thread/resume", resume).await {
        return Tried::Closed(error.to_string());
    }
    let state = match thread.has(&message.mark).await {
        Ok(true) => return Tried::Told(Told::Delivered),
        Ok(false) => thread.state().await,
        Err(error) => Err(error),
    };
    let turn = match state {
        Ok(State::Waiting) => {
            let reason = "the agent waits for an answer".to_owned();
            return Tried::Told(Told::NotNow { reason, retry_after: 30 });
        }
        Ok(State::Working { turn }) => turn,
        Ok(State::Idle) => None,
        Err(error) => return Tried::Closed(error.to_string()),
    };
    if !leave.leave().await {
        return Tried::Told(Told::Refused);
    }
    Tried::Told(match give(&mut thread, message, turn).await {
        Ok(()) => {
            let mark = message.mark.as_str();
            let is_ours = |said: &Value| {
                said["method"] == "item/completed" && said["params"]["item"]["clientId"] == mark
            };
            match thread.rpc.hear(Instant::now() + PROOF, is_ours).await {
                Some(_) => Told::Delivered,
                None => Told::Handed,
            }
        }
        Err(RpcError::Refused { code, message }) => Told::NotNow {
            reason: format!("Codex's server refuses: {message} ({code})"),
            retry_after: 15,
        },
        // The record will tell.
        Err(RpcError::Unanswered(_) | RpcError::NotThere(_)) => Told::Handed,
    })
}

async fn give(
    thread: &mut Thread,
    message: &Message,
    turn: Option<String>,
) -> Result<(), RpcError> {
    let text = message.whole(MOST);
    let mut params = json!({
        "threadId": thread.id,
        "clientUserMessageId": message.mark,
        "input": [{"type": "text", "text": text}],
    });
    if let Some(turn) = turn {
        let mut joining = params.clone();
        joining["expectedTurnId"] = turn.into();
        match thread.rpc.call("turn/steer", joining).await {
            // The turn has ended in this moment.
            Err(RpcError::Refused { code: -32600, .. }) => {}
            joined => return joined.map(drop),
        }
    }
    thread.rpc.call("turn/start", params.take()).await.map(drop)
}

async fn look(to: &Addressee<'_>, mark: &str) -> Record {
    let unknown = |reason: String| Record::Unknown { reason };
    let mut thread = match Thread::open(to).await {
        Ok(thread) => thread,
        Err(why) => return unknown(why),
    };
    // First the state: what is taken between the two questions is seen then.
    let state = thread.state().await;
    match (thread.has(mark).await, state) {
        (Ok(true), _) => Record::Begun,
        (Ok(false), Ok(State::Idle)) => Record::Absent,
        (Ok(false), Ok(_)) => Record::Waiting,
        (Err(error), _) | (_, Err(error)) => unknown(error.to_string()),
    }
}

/// Whether the record has a mark.
pub(super) async fn trace(to: &Addressee<'_>, mark: &str) -> Trace {
    let Ok(mut thread) = Thread::open(to).await else { return Trace::Unreadable };
    match thread.has(mark).await {
        Ok(true) => Trace::Begun,
        Ok(false) => Trace::None,
        Err(_) => Trace::Unreadable,
    }
}

/// What it does. `None`: its server does not tell.
pub(super) async fn doing(to: &Addressee<'_>, shown: &str) -> Option<Doing> {
    let mut thread = Thread::open(to).await.ok()?;
    Some(match thread.state().await.ok()? {
        State::Idle => Doing::Idle,
        State::Waiting => Doing::Waiting { shown: shown.to_owned() },
        State::Working { .. } => Doing::Working,
    })
}
