//! Telling agents by their own servers: stand-ins that speak the wire of Codex's and of opencode's, and lose,
//! refuse and forget as the real ones were seen to.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use nudged::session::channel::{Addressee, Doing, Record, Told};
use nudged::session::harness::{ChannelName, Harnesses, Notes};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};
use tokio_tungstenite::tungstenite::Message;

use super::channel::Desk;

const LATER: Duration = Duration::from_secs(60);

async fn desk(harness: &str, channel: ChannelName, notes: impl FnOnce(&Desk) -> Notes) -> Desk {
    let mut desk = Desk::new(&[]).await;
    let all = Harnesses::new(&std::collections::BTreeMap::new()).expect("harnesses");
    desk.harness = all.get(harness).expect("a harness").clone();
    desk.harness.deliver = vec![channel];
    notes(&desk).write(&desk.folder).expect("notes");
    desk
}

fn to<'a>(desk: &'a Desk, id: &'a str) -> Addressee<'a> {
    Addressee { agent_session_id: Some(id), ..desk.to() }
}

async fn tell(desk: &Desk, id: &str, number: u32) -> Told {
    let message = Desk::nudge(number, "CI failed");
    desk.channels.deliver(&to(desk, id), &message, &|| async { true }).await
}

async fn look(desk: &Desk, id: &str, number: u32) -> Record {
    desk.channels.look(&to(desk, id), &format!("[nudge {number}]"), LATER).await
}

/// What the stand-in for Codex does next.
#[derive(Default)]
struct Codex {
    status: Value,
    /// Ids of messages in the record.
    record: Vec<String>,
    /// The next message is answered and lost, as by an end of the server right after the answer.
    loses: bool,
    /// No turn can be joined.
    ended: bool,
    asked: Vec<String>,
}

impl Codex {
    /// The answer, and what is said by itself after it.
    fn answer(&mut self, asked: &Value) -> (Value, Option<Value>) {
        let method = asked["method"].as_str().unwrap_or_default();
        let mark = asked["params"]["clientUserMessageId"].as_str().unwrap_or_default().to_owned();
        self.asked.push(method.to_owned());
        let items: Vec<Value> =
            self.record.iter().map(|id| json!({"type": "userMessage", "clientId": id})).collect();
        let running = if self.status["type"] == "active" { "inProgress" } else { "completed" };
        let result = match method {
            "thread/loaded/list" => json!({"data": ["title", "t-1"]}),
            "thread/read" => {
                let is_title = asked["params"]["threadId"] == "title";
                json!({"thread": {"ephemeral": is_title, "status": self.status}})
            }
            "thread/turns/list" => {
                json!({"data": [{"id": "turn-1", "status": running, "items": items}]})
            }
            "turn/steer" if self.ended => {
                return (
                    json!({"id": asked["id"], "error": {"code": -32600, "message": "no turn"}}),
                    None,
                );
            }
            "turn/start" | "turn/steer" => {
                let lost = std::mem::take(&mut self.loses);
                let said = (!lost).then(|| {
                    self.record.push(mark.clone());
                    json!({"method": "item/completed", "params": {"item": {"type": "userMessage", "clientId": mark}}})
                });
                return (json!({"id": asked["id"], "result": {"turn": {"id": "turn-2"}}}), said);
            }
            _ => json!({}),
        };
        (json!({"id": asked["id"], "result": result}), None)
    }
}

fn serve(listener: UnixListener, state: Arc<Mutex<Codex>>) {
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let state = Arc::clone(&state);
            tokio::spawn(async move {
                let mut socket = tokio_tungstenite::accept_async(stream).await.expect("an upgrade");
                while let Some(Ok(Message::Text(text))) = socket.next().await {
                    let asked: Value = serde_json::from_str(text.as_str()).expect("JSON");
                    if asked.get("id").is_none() {
                        continue;
                    }
                    let (answer, said) = state.lock().expect("a state").answer(&asked);
                    // Something else is said in between.
                    let noise = json!({"method": "thread/status/changed", "params": {}});
                    for frame in [Some(noise), Some(answer), said].into_iter().flatten() {
                        socket.send(Message::text(frame.to_string())).await.expect("sent");
                    }
                }
            });
        }
    });
}

#[tokio::test]
async fn codex_is_told_once_and_its_record_is_asked() {
    if !super::is_possible() {
        return;
    }
    let mut listener = None;
    let desk = desk("codex", ChannelName::AppServer, |desk| {
        let socket = desk.folder.join("codex.sock");
        listener = Some(UnixListener::bind(&socket).expect("a socket"));
        Notes { socket: Some(socket), ..Notes::default() }
    })
    .await;
    let state = Arc::new(Mutex::new(Codex { status: json!({"type": "idle"}), ..Codex::default() }));
    serve(listener.expect("a socket"), Arc::clone(&state));
    let set = |change: &dyn Fn(&mut Codex)| change(&mut state.lock().expect("a state"));
    // Of a terminal whose conversation was not learned it is the only one.
    assert_eq!(tell(&desk, "unknown", 1).await, Told::Delivered);
    assert_eq!(look(&desk, "t-1", 1).await, Record::Begun);
    // Told again, it is known, and not sent.
    assert_eq!(tell(&desk, "t-1", 1).await, Told::Delivered);
    set(&|codex| assert_eq!(codex.asked.iter().filter(|it| *it == "turn/start").count(), 1));
    // It waits for a person.
    set(&|codex| codex.status = json!({"type": "active", "activeFlags": ["waitingOnApproval"]}));
    assert!(matches!(tell(&desk, "t-1", 2).await, Told::NotNow { .. }));
    let doing = desk.channels.doing(&to(&desk, "t-1")).await;
    assert!(matches!(doing, Doing::Waiting { .. }), "{doing:?}");
    // Busy: it joins; and where the turn ends in this moment it begins one.
    set(&|codex| codex.status = json!({"type": "active", "activeFlags": []}));
    assert_eq!(tell(&desk, "t-1", 2).await, Told::Delivered);
    set(&|codex| codex.ended = true);
    assert_eq!(tell(&desk, "t-1", 3).await, Told::Delivered);
    set(&|codex| assert_eq!(codex.record, ["[nudge 1]", "[nudge 2]", "[nudge 3]"]));
    // What was answered and lost is waited for while a turn runs, and known to be absent after it.
    set(&|codex| codex.loses = true);
    assert_eq!(tell(&desk, "t-1", 4).await, Told::Handed);
    assert_eq!(look(&desk, "t-1", 4).await, Record::Waiting);
    set(&|codex| codex.status = json!({"type": "idle"}));
    assert_eq!(look(&desk, "t-1", 4).await, Record::Absent);
    assert_eq!(tell(&desk, "t-1", 4).await, Told::Delivered);
    // Without its server nothing is known, and nothing told.
    std::fs::remove_file(desk.folder.join("codex.sock")).expect("removed");
    assert!(matches!(look(&desk, "t-1", 4).await, Record::Unknown { .. }));
    assert!(matches!(tell(&desk, "t-1", 5).await, Told::NotNow { .. }));
}

/// What the stand-in for opencode does next.
#[derive(Default)]
struct Opencode {
    messages: Vec<Value>,
    busy: bool,
    asks: bool,
    /// It takes messages and begins no turn.
    sleeps: bool,
}

impl Opencode {
    fn answer(&mut self, method: &str, path: &str, body: &Value) -> Value {
        match (method, path.split('?').next().unwrap_or_default()) {
            ("GET", "/session/status") if self.busy => json!({"ses_1": {"type": "busy"}}),
            ("GET", "/permission") if self.asks => json!([{"id": "p", "sessionID": "ses_1"}]),
            ("GET", "/session/ses_1/message") => self.messages.clone().into(),
            ("POST", "/session/ses_1/prompt_async") => {
                let id = body["messageID"].clone();
                self.messages.retain(|it| it["info"]["id"] != id);
                self.messages
                    .push(json!({"info": {"id": id, "role": "user"}, "parts": body["parts"]}));
                if !self.sleeps {
                    self.messages.push(json!({"info": {"role": "assistant", "parentID": id}}));
                }
                Value::Null
            }
            ("GET", "/permission" | "/question") => json!([]),
            _ => json!({}),
        }
    }
}

/// One request a connection, which is closed then.
fn serve_http(listener: TcpListener, state: Arc<Mutex<Opencode>>) {
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let state = Arc::clone(&state);
            tokio::spawn(async move {
                let mut text = String::new();
                let body = loop {
                    let mut part = [0; 4096];
                    let count = stream.read(&mut part).await.expect("a request");
                    text.push_str(&String::from_utf8_lossy(&part[..count]));
                    let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                    let length = head.lines().find_map(|line| {
                        line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned)
                    });
                    if body.len() >= length.and_then(|it| it.parse().ok()).unwrap_or(0) {
                        break body.to_owned();
                    }
                };
                let mut words = text.split(' ');
                let (method, path) =
                    (words.next().unwrap_or_default(), words.next().unwrap_or_default());
                let body = serde_json::from_str(&body).unwrap_or_default();
                // `opencode:pw`
                let answer = match text.contains("authorization: Basic b3BlbmNvZGU6cHc=") {
                    true => format!(
                        "200 OK\r\n\r\n{}",
                        state.lock().expect("a state").answer(method, path, &body)
                    ),
                    false => "401 Unauthorized\r\n\r\n".to_owned(),
                };
                let answer = answer.replacen("\r\n\r\n", "\r\nconnection: close\r\n\r\n", 1);
                stream.write_all(format!("HTTP/1.1 {answer}").as_bytes()).await.expect("an answer");
            });
        }
    });
}

#[tokio::test]
async fn opencode_is_told_once_and_its_record_is_asked() {
    if !super::is_possible() {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let note = |password: &str| Notes {
        port: Some(port),
        password: Some(password.to_owned()),
        ..Notes::default()
    };
    let desk = desk("opencode", ChannelName::Http, |_| note("pw")).await;
    let state = Arc::new(Mutex::new(Opencode::default()));
    serve_http(listener, Arc::clone(&state));
    let set = |change: &dyn Fn(&mut Opencode)| change(&mut state.lock().expect("a state"));
    assert_eq!(tell(&desk, "ses_1", 1).await, Told::Delivered);
    assert_eq!(look(&desk, "ses_1", 1).await, Record::Begun);
    assert_eq!(tell(&desk, "ses_1", 1).await, Told::Delivered);
    set(&|opencode| assert_eq!(opencode.messages.len(), 2));
    set(&|opencode| assert_eq!(opencode.messages[0]["info"]["id"], "msg_nudge1_1"));
    set(&|opencode| opencode.asks = true);
    assert!(matches!(tell(&desk, "ses_1", 2).await, Told::NotNow { .. }));
    // Busy: it waits for the end of the running call.
    set(&|opencode| (opencode.asks, opencode.busy, opencode.sleeps) = (false, true, true));
    assert_eq!(tell(&desk, "ses_1", 2).await, Told::Handed);
    assert_eq!(look(&desk, "ses_1", 2).await, Record::Waiting);
    // It slept through an end of its server: the same ids wake it, and are there once.
    set(&|opencode| opencode.busy = false);
    assert_eq!(look(&desk, "ses_1", 2).await, Record::Absent);
    set(&|opencode| opencode.sleeps = false);
    assert_eq!(tell(&desk, "ses_1", 2).await, Told::Delivered);
    set(&|opencode| assert_eq!(opencode.messages.len(), 4));
    // Unanswered, and another came after it: it would be told twice.
    set(&|opencode| {
        opencode.messages.push(json!({"info": {"id": "msg_nudge3_1", "role": "user"}}));
        opencode.messages.push(json!({"info": {"id": "msg_other", "role": "user"}}));
    });
    assert!(matches!(tell(&desk, "ses_1", 3).await, Told::Unconfirmed { .. }));
    // Another's server at the port, and a session that could be a path.
    note("other").write(&desk.folder).expect("notes");
    assert!(
        matches!(tell(&desk, "ses_1", 4).await, Told::NotNow { reason, .. } if reason.contains("401"))
    );
    note("pw").write(&desk.folder).expect("notes");
    assert!(matches!(tell(&desk, "ses_1/../x", 4).await, Told::NotNow { .. }));
}
