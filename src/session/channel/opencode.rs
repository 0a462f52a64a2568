//! Told by opencode's own HTTP server, with ids of ours for message and part: by them it is found in the record. The
//! proof is an answer that has our message as its parent.

use std::time::Duration;

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::transcript::Trace;
use super::{Addressee, Channel, Doing, Leave, Message, Record, Told, Tried, word_of};
use crate::session::Later;

/// A question sent while the server starts can hang for ever.
const LIMIT: Duration = Duration::from_secs(5);
const QUICK: Duration = Duration::from_secs(1);
const PROOF: Duration = Duration::from_secs(5);
const STEP: Duration = Duration::from_millis(100);
/// Messages of the record that are looked through.
const MESSAGES: u32 = 100;
const MOST: usize = 60_000;

/// The channel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Http;

impl Channel for Http {
    fn deliver<'a>(
        &'a self,
        to: &'a Addressee<'a>,
        message: &'a Message,
        leave: &'a dyn Leave,
    ) -> Later<'a, Tried> {
        Box::pin(async move {
            match (Server::of(to), to.agent_session_id) {
                (Some(server), Some(session)) => tell(&server, session, message, leave).await,
                (None, _) => Tried::Closed("opencode has no server that is known".to_owned()),
                (_, None) => Tried::Closed("opencode's session is not known yet".to_owned()),
            }
        })
    }

    fn look<'a>(&'a self, to: &'a Addressee<'a>, mark: &'a str) -> Later<'a, Record> {
        Box::pin(look(to, mark))
    }
}

/// An agent's server.
pub(super) struct Server {
    client: Client,
    port: u16,
    password: String,
    folder: String,
}

/// Where a message of ours stands in the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Absent,
    /// Nothing answers it; `is_last`: and nothing came after it.
    Unanswered {
        is_last: bool,
    },
    Answered,
}

impl Server {
    pub(super) fn of(to: &Addressee<'_>) -> Option<Self> {
        let notes = to.notes();
        // A proxy is not for loopback.
        let client = Client::builder().no_proxy().timeout(LIMIT).build().ok()?;
        let folder = to.workspace.to_string_lossy().into_owned();
        Some(Self { client, port: notes.port?, password: notes.password?, folder })
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, HttpError> {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        let mut request =
            self.client.request(method, url).basic_auth("opencode", Some(&self.password));
        request = request.header("x-opencode-directory", &self.folder);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.map_err(|error| match error.is_connect() {
            true => HttpError::NotThere,
            false => HttpError::Unanswered,
        })?;
        let status = answer.status();
        if !status.is_success() {
            return Err(HttpError::Refused(status));
        }
        let text = answer.text().await.map_err(|_| HttpError::Unanswered)?;
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    async fn get(&self, path: &str) -> Result<Value, HttpError> {
        self.ask(Method::GET, path, None).await
    }

    /// It answers, and to our password.
    pub(super) async fn is_up(&self) -> bool {
        let asked = tokio::time::timeout(QUICK, self.get("/global/health")).await;
        matches!(asked, Ok(Ok(_)))
    }

    /// Makes a session and shows it in the terminal; its id.
    pub(super) async fn open_session(&self) -> Result<String, HttpError> {
        let made = match self.ask(Method::POST, "/session", Some(json!({}))).await {
            // One more session without a prompt does no harm.
            Err(HttpError::Unanswered) => {
                self.ask(Method::POST, "/session", Some(json!({}))).await?
            }
            made => made?,
        };
        let id = made["id"].as_str().filter(|id| is_id(id)).ok_or(HttpError::Unanswered)?;
        self.ask(Method::POST, "/tui/select-session", Some(json!({"sessionID": id}))).await?;
        Ok(id.to_owned())
    }

    pub(super) async fn prompt(
        &self,
        session: &str,
        word: &str,
        text: &str,
    ) -> Result<(), HttpError> {
        let (message, part) = ids(session, word);
        let body =
            json!({"messageID": message, "parts": [{"id": part, "type": "text", "text": text}]});
        let path = format!("/session/{session}/prompt_async");
        self.ask(Method::POST, &path, Some(body)).await.map(drop)
    }

    /// The same where it is not there yet; again where it was not answered and is not there.
    pub(super) async fn prompt_once(
        &self,
        session: &str,
        word: &str,
        text: &str,
    ) -> Result<(), HttpError> {
        if self.standing(session, word).await? != Standing::Absent {
            return Ok(());
        }
        match self.prompt(session, word, text).await {
            Err(HttpError::Unanswered)
                if self.standing(session, word).await? == Standing::Absent =>
            {
                self.prompt(session, word, text).await
            }
            Err(HttpError::Unanswered) => Ok(()),
            given => given,
        }
    }

    async fn standing(&self, session: &str, word: &str) -> Result<Standing, HttpError> {
        let (ours, _) = ids(session, word);
        let listed = self.get(&format!("/session/{session}/message?limit={MESSAGES}")).await?;
        let listed = listed.as_array().ok_or(HttpError::Unanswered)?;
        let infos: Vec<&Value> = listed.iter().map(|message| &message["info"]).collect();
        let Some(at) = infos.iter().position(|info| info["id"] == ours.as_str()) else {
            return Ok(Standing::Absent);
        };
        let later = &infos[at..];
        let users: Vec<&Value> =
            later.iter().filter(|it| it["role"] == "user").map(|it| &it["id"]).collect();
        // One run answers several messages that waited for it together.
        let is_answer =
            |info: &&&Value| info["role"] == "assistant" && users.contains(&&info["parentID"]);
        Ok(match later.iter().find(is_answer) {
            Some(_) => Standing::Answered,
            None => Standing::Unanswered { is_last: users.len() == 1 },
        })
    }

    /// Whether a turn runs. Sessions that do nothing are absent from the list.
    async fn is_busy(&self, session: &str) -> Result<bool, HttpError> {
        let all = self.get("/session/status").await?;
        Ok(all[session]["type"].as_str().is_some_and(|it| it != "idle"))
    }

    /// Whether it waits for a permission or an answer.
    async fn is_waiting(&self, session: &str) -> Result<bool, HttpError> {
        for path in ["/permission", "/question"] {
            let asked = self.get(path).await?;
            if asked.as_array().into_iter().flatten().any(|it| it["sessionID"] == session) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum HttpError {
    /// Nothing was done.
    #[error("opencode's server is not there")]
    NotThere,
    /// Nothing was done.
    #[error("opencode's server refuses: {0}")]
    Refused(StatusCode),
    /// It may have been done or not.
    #[error("opencode's server gave no answer")]
    Unanswered,
}

/// Ids of message and part. They have to be nobody else's in all sessions of the machine, and the same at each
/// attempt.
fn ids(session: &str, word: &str) -> (String, String) {
    let own = format!("{}_{}", word.replace('-', ""), session.trim_start_matches("ses_"));
    (format!("msg_{own}"), format!("prt_{own}"))
}

/// What may stand in a path.
fn is_id(id: &str) -> bool {
    !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

async fn tell(server: &Server, session: &str, message: &Message, leave: &dyn Leave) -> Tried {
    if !is_id(session) {
        return Tried::Closed("opencode's session cannot be called so".to_owned());
    }
    let word = word_of(&message.mark);
    let not_now = |reason: &str, retry_after| {
        Tried::Told(Told::NotNow { reason: reason.to_owned(), retry_after })
    };
    let seen = async {
        let standing = server.standing(session, &word).await?;
        Ok::<_, HttpError>((
            standing,
            server.is_waiting(session).await?,
            server.is_busy(session).await?,
        ))
    };
    match seen.await {
        Err(error) => return Tried::Closed(error.to_string()),
        Ok((Standing::Answered, ..)) => return Tried::Told(Told::Delivered),
        Ok((_, true, _)) => return not_now("the agent waits for an answer", 30),
        Ok((Standing::Unanswered { .. }, _, true)) => return Tried::Told(Told::Handed),
        // Told again, it would have a second turn.
        Ok((Standing::Unanswered { is_last: false }, ..)) => {
            let reason = "it stands in opencode's record, and nothing answers it".to_owned();
            return Tried::Told(Told::Unconfirmed { reason });
        }
        // With the same ids it is there once, and begins its turn.
        Ok((Standing::Unanswered { is_last: true } | Standing::Absent, ..)) => {}
    }
    if !leave.leave().await {
        return Tried::Told(Told::Refused);
    }
    match server.prompt(session, &word, &message.whole(MOST)).await {
        Ok(()) | Err(HttpError::Unanswered) => {}
        Err(error @ (HttpError::NotThere | HttpError::Refused(_))) => {
            return not_now(&error.to_string(), 15);
        }
    }
    let until = Instant::now() + PROOF;
    while Instant::now() < until {
        if let Ok(Standing::Answered) = server.standing(session, &word).await {
            return Tried::Told(Told::Delivered);
        }
        sleep(STEP).await;
    }
    Tried::Told(Told::Handed)
}

async fn look(to: &Addressee<'_>, mark: &str) -> Record {
    let unknown = |reason: String| Record::Unknown { reason };
    let (Some(server), Some(session)) = (Server::of(to), to.agent_session_id) else {
        return unknown("opencode's server or session is not known".to_owned());
    };
    let busy = server.is_busy(session).await;
    match (server.standing(session, &word_of(mark)).await, busy) {
        (Ok(Standing::Answered), _) => Record::Begun,
        (Ok(Standing::Unanswered { .. }), Ok(true)) => Record::Waiting,
        // It slept through an end of the server, and can be woken; or another came after it.
        (Ok(Standing::Unanswered { is_last: true } | Standing::Absent), _) => Record::Absent,
        (Ok(Standing::Unanswered { is_last: false }), _) => {
            unknown("it stands in opencode's record, and nothing answers it".to_owned())
        }
        (Err(error), _) => unknown(error.to_string()),
    }
}

/// Whether the record has a text that was typed.
pub(super) async fn trace(to: &Addressee<'_>, mark: &str) -> Trace {
    let (Some(server), Some(session)) = (Server::of(to), to.agent_session_id) else {
        return Trace::Unreadable;
    };
    let Ok(listed) = server.get(&format!("/session/{session}/message?limit={MESSAGES}")).await
    else {
        return Trace::Unreadable;
    };
    let prompts = listed.as_array().into_iter().flatten().filter(|it| it["info"]["role"] == "user");
    let mut parts = prompts.flat_map(|it| it["parts"].as_array().into_iter().flatten());
    match parts.any(|part| part["text"].as_str().is_some_and(|text| text.contains(mark))) {
        true => Trace::Begun,
        false => Trace::None,
    }
}

/// What it does. `None`: its server does not tell.
pub(super) async fn doing(to: &Addressee<'_>, shown: &str) -> Option<Doing> {
    let (server, session) = (Server::of(to)?, to.agent_session_id?);
    if server.is_waiting(session).await.ok()? {
        return Some(Doing::Waiting { shown: shown.to_owned() });
    }
    Some(if server.is_busy(session).await.ok()? { Doing::Working } else { Doing::Idle })
}
