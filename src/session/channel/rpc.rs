//! The wire of Codex's server: WebSocket over a Unix socket, one JSON object a frame, JSON-RPC 2.0 without its
//! `jsonrpc` member, requests both ways.

use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::UnixStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

/// For a connection, and for each answer.
const LIMIT: Duration = Duration::from_secs(10);
/// A record of many turns can be large.
const MOST_BYTES: usize = 64 << 20;
/// Of what the server says by itself; the oldest is forgotten.
const MOST_HEARD: usize = 1_000;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum RpcError {
    /// Nobody is there.
    #[error("Codex's server is not there: {0}")]
    NotThere(String),
    /// It does not want to; nothing was done.
    #[error("Codex's server refuses: {message} ({code})")]
    Refused { code: i64, message: String },
    /// It may have been done or not.
    #[error("Codex's server gave no answer: {0}")]
    Unanswered(String),
}

/// A connection to a server.
pub(super) struct Rpc {
    socket: WebSocketStream<UnixStream>,
    last_id: u64,
    heard: VecDeque<Value>,
}

impl Rpc {
    /// Connects, and says who we are.
    pub(super) async fn connect(path: &Path) -> Result<Self, RpcError> {
        let not_there = |error: String| RpcError::NotThere(error);
        let connected = async {
            let stream = UnixStream::connect(path).await.map_err(|error| error.to_string())?;
            let mut config = WebSocketConfig::default();
            config.max_message_size = Some(MOST_BYTES);
            config.max_frame_size = Some(MOST_BYTES);
            let upgraded = tokio_tungstenite::client_async_with_config(
                "ws://localhost/",
                stream,
                Some(config),
            )
            .await;
            upgraded.map_err(|error| error.to_string())
        };
        let connected = timeout(LIMIT, connected)
            .await
            .map_err(|_| not_there("it does not answer".to_owned()))?;
        let (socket, _) = connected.map_err(not_there)?;
        let mut rpc = Self { socket, last_id: 0, heard: VecDeque::new() };
        let hello = json!({
            "clientInfo": {"name": "nudged", "title": null, "version": env!("CARGO_PKG_VERSION")},
            "capabilities": {"experimentalApi": false},
        });
        rpc.call("initialize", hello).await?;
        rpc.send(&json!({"method": "initialized"})).await?;
        Ok(rpc)
    }

    /// Asks, and waits for the answer.
    pub(super) async fn call(&mut self, method: &str, params: Value) -> Result<Value, RpcError> {
        self.last_id += 1;
        let id = self.last_id;
        self.send(&json!({"id": id, "method": method, "params": params})).await?;
        let until = Instant::now() + LIMIT;
        loop {
            let Some(mut said) = self.receive(until).await? else {
                return Err(RpcError::Unanswered(format!("`{method}` took too long")));
            };
            if said.get("method").is_some() || said["id"] != id {
                self.keep(said);
                continue;
            }
            return match said.get("error") {
                Some(error) => Err(RpcError::Refused {
                    code: error["code"].as_i64().unwrap_or(0),
                    message: error["message"].as_str().unwrap_or_default().to_owned(),
                }),
                None => Ok(said["result"].take()),
            };
        }
    }

    /// The next thing that the server says by itself for which `is` holds. `None`: none until then.
    pub(super) async fn hear(
        &mut self,
        until: Instant,
        is: impl Fn(&Value) -> bool,
    ) -> Option<Value> {
        if let Some(at) = self.heard.iter().position(&is) {
            return self.heard.remove(at);
        }
        while let Ok(Some(said)) = self.receive(until).await {
            if is(&said) {
                return Some(said);
            }
        }
        None
    }

    fn keep(&mut self, said: Value) {
        if self.heard.len() == MOST_HEARD {
            self.heard.pop_front();
        }
        self.heard.push_back(said);
    }

    async fn send(&mut self, said: &Value) -> Result<(), RpcError> {
        let sent = timeout(LIMIT, self.socket.send(Message::text(said.to_string()))).await;
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(RpcError::Unanswered(error.to_string())),
            Err(_) => Err(RpcError::Unanswered("it takes nothing".to_owned())),
        }
    }

    async fn receive(&mut self, until: Instant) -> Result<Option<Value>, RpcError> {
        loop {
            let Ok(frame) = timeout_at(until, self.socket.next()).await else { return Ok(None) };
            let gone = |why: String| RpcError::Unanswered(why);
            let frame = frame.ok_or_else(|| gone("it went away".to_owned()))?;
            match frame.map_err(|error| gone(error.to_string()))? {
                Message::Text(text) => {
                    if let Ok(said) = serde_json::from_str(text.as_str()) {
                        return Ok(Some(said));
                    }
                }
                Message::Close(_) => return Err(gone("it went away".to_owned())),
                Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }
}
