//! The client's side of the API: one server, one token, errors that say what to do.

use std::time::Duration;

use anyhow::Context;
use reqwest::{Method, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::api::ErrorJson;

use super::output::Printer;
use crate::config::{Address, Pass, Secret, is_here};

/// No answer takes longer than a long poll and this.
const PATIENCE: Duration = Duration::from_secs(15);

/// A server and the token to it.
#[derive(Debug, Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    url: Url,
    token: Secret,
    token_from: String,
    /// What else may be the reason where nobody answers.
    hint: String,
}

/// Why a request gave no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientError {
    /// It may work in a moment.
    #[error("{0}")]
    Passing(String),
    /// It will not.
    #[error("{0}")]
    Lasting(String),
    /// The server does not understand what was asked for: an argument is wrong.
    #[error("{0}")]
    Misuse(String),
}

impl Client {
    pub(super) fn new(address: Address, pass: Pass) -> anyhow::Result<Self> {
        let hint = address.unheeded.map_or_else(String::new, |setting| {
            format!(
                ". The {setting} of this folder is not heeded by clients: where it is meant, give it \
                 with --config"
            )
        });
        Ok(Self { hint, ..Self::plain(address.url, pass.token)? }.with_token_from(pass.place))
    }

    /// A client that was told both.
    pub(super) fn plain(url: Url, token: Secret) -> anyhow::Result<Self> {
        Ok(Self { http: http(&url)?, url, token, token_from: String::new(), hint: String::new() })
    }

    fn with_token_from(mut self, place: String) -> Self {
        self.token_from = place;
        self
    }

    /// GETs JSON. `wait` is what the query asks the server to wait at most.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
        wait: Duration,
    ) -> Result<T, ClientError> {
        let mut url = self.join(path)?;
        url.query_pairs_mut().extend_pairs(query);
        self.answer(self.http.get(url).timeout(wait + PATIENCE)).await
    }

    /// POSTs nothing but the request itself.
    pub(super) async fn post<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.answer(self.http.post(self.join(path)?).timeout(PATIENCE)).await
    }

    /// Sends a request with a JSON body, or without one where it is null. `patience` is how long the answer may take.
    pub(super) async fn submit<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &Value,
        patience: Duration,
    ) -> Result<T, ClientError> {
        let request = self.http.request(method, self.join(path)?).timeout(patience);
        self.answer(if body.is_null() { request } else { request.json(body) }).await
    }

    /// POSTs something of which no answer is wanted.
    pub(super) async fn tell(&self, path: &str, body: &Value, patience: Duration) {
        let _ = self.submit::<Value>(Method::POST, path, body, patience).await;
    }

    /// The server is on this machine.
    pub(super) fn is_here(&self) -> bool {
        is_here(&self.url)
    }

    /// PUTs an object.
    pub(super) async fn put<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &Value,
    ) -> Result<T, ClientError> {
        self.answer(self.http.put(self.join(path)?).json(body).timeout(PATIENCE)).await
    }

    /// GETs a text and prints it as it comes, without control characters. Whether the server says that it is not
    /// all.
    pub(super) async fn text(&self, path: &str, query: &[(&str, String)]) -> anyhow::Result<bool> {
        let mut url = self.join(path)?;
        url.query_pairs_mut().extend_pairs(query);
        let passing = |error| self.no_answer(error);
        let request = self.http.get(url).bearer_auth(self.token.expose());
        let mut response = request.send().await.map_err(passing)?;
        let status = response.status();
        if !status.is_success() {
            let body = response.bytes().await.map_err(passing)?;
            return Err(self.refusal(status, &body).into());
        }
        let truncated = response.headers().contains_key("x-log-truncated");
        let mut out = Printer::default();
        while let Some(piece) = response.chunk().await.map_err(passing)? {
            out.print(&piece)?;
        }
        out.finish()?;
        Ok(truncated)
    }

    fn join(&self, path: &str) -> Result<Url, ClientError> {
        self.url
            .join(path)
            .map_err(|error| ClientError::Lasting(format!("{path} is no path: {error}")))
    }

    async fn answer<T: DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<T, ClientError> {
        let passing = |error| self.no_answer(error);
        let request = request.bearer_auth(self.token.expose());
        let response = request.send().await.map_err(passing)?;
        let status = response.status();
        let body = response.bytes().await.map_err(passing)?;
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|error| {
                let url = &self.url;
                ClientError::Lasting(format!("{url} does not answer as nudged does: {error}"))
            });
        }
        Err(self.refusal(status, &body))
    }

    fn no_answer(&self, error: reqwest::Error) -> ClientError {
        let hint = match unanswered(&self.url, &error) {
            Unanswered::Plain => PLAIN,
            Unanswered::Down => DOWN,
            Unanswered::Lost => "",
        };
        let (reason, more) = (root_cause(&error.without_url()), &self.hint);
        ClientError::Passing(format!("no answer from {}: {reason}{hint}{more}", self.url))
    }

    fn refusal(&self, status: StatusCode, body: &[u8]) -> ClientError {
        if status != StatusCode::UNAUTHORIZED {
            return refusal(status, body);
        }
        let from = match self.token_from.as_str() {
            "" => String::new(),
            place => format!(" (from {place})"),
        };
        ClientError::Lasting(format!(
            "{} does not know this token{from}; it is looked for in --token, NUDGED_API_TOKEN, \
             api_token in nudged.toml, and the file api-token beside the database (--db)",
            self.url
        ))
    }
}

/// A text as one segment of a path.
pub(super) fn segment(text: &str) -> String {
    let encoded: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    encoded.replace('+', "%20")
}

/// What is told where nobody answers.
const DOWN: &str = "; start the server with `nudged serve`, or name another one with --url";
const PLAIN: &str = "; it does not speak TLS there: nudged itself speaks plain HTTP, so say http://, or \
                     give the address of the proxy in front of it";

/// Why a request was not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unanswered {
    /// TLS was spoken to a port that does not.
    Plain,
    /// Nobody is there.
    Down,
    /// It broke off.
    Lost,
}

pub(super) fn unanswered(url: &Url, error: &reqwest::Error) -> Unanswered {
    if !error.is_connect() {
        return Unanswered::Lost;
    }
    let reason = root_cause(error);
    let plain = ["corrupt message", "handshake eof"].iter().any(|part| reason.contains(part));
    if url.scheme() == "https" && plain { Unanswered::Plain } else { Unanswered::Down }
}

fn refusal(status: StatusCode, body: &[u8]) -> ClientError {
    let ErrorJson { error, floor, head, epoch } = serde_json::from_slice(body).unwrap_or_default();
    let message = match error.message.as_str() {
        "" => "no reason given",
        message => message,
    };
    let (floor, head) = (floor.unwrap_or_default(), head.unwrap_or_default());
    let epoch = epoch.unwrap_or_default();
    match status {
        StatusCode::GONE => ClientError::Lasting(format!(
            "gap: changes after this cursor are no longer there (the log begins after {floor}, its \
             head is {head}, epoch {epoch:?}): {message}. Read the present state from /v1/pulls and /v1/sessions, \
             then go on with --after head, or with --after {floor} for all that is left"
        )),
        status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
            ClientError::Passing(format!("{status}: {message}"))
        }
        StatusCode::BAD_REQUEST => ClientError::Misuse(format!("{status}: {message}")),
        status => ClientError::Lasting(format!("{status}: {message}")),
    }
}

/// A client for that address. A proxy never stands between us and our own machine.
pub(super) fn http(url: &Url) -> anyhow::Result<reqwest::Client> {
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(5));
    if is_here(url) {
        builder = builder.no_proxy();
    }
    builder.build().context("cannot make an HTTP client")
}

/// The innermost reason: `connection refused` says more than `error sending request`.
pub(super) fn root_cause(error: &dyn std::error::Error) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}
