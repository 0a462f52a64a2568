//! Whoever listens for the human: what is sent there, signed how, and what its answers mean.
//!
//! Standard Webhooks: <https://github.com/standard-webhooks/standard-webhooks>. Slack:
//! <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>.

use std::error::Error;
use std::time::Duration;

use anyhow::Context;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, StatusCode, Url, redirect};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::domain::Timestamp;

/// What is read of an answer's body, so that the connection can serve again; the rest is cut off.
const MOST_READ: usize = 64 * 1024;
/// What is kept of an answer to a test, in characters.
const LONGEST_ANSWER: usize = 300;
/// Slack cuts off longer texts.
const LONGEST_TEXT: usize = 30_000;

/// A receiver. Its address is not shown: only the host is.
#[derive(Clone)]
pub struct Receiver {
    client: Client,
    url: Url,
    key: Option<Hmac<Sha256>>,
    within: Duration,
}

/// What came of a test message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// The beginning of what the receiver answered; a stranger's text.
    pub answer: String,
    /// Why it was not taken; without address and secrets.
    pub error: Option<String>,
}

/// A message that did not arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    /// Without address and secrets.
    pub(super) error: String,
    pub(super) retry_after: Option<u32>,
    pub(super) for_good: bool,
}

impl Refused {
    /// Another attempt would fail alike.
    pub(super) fn lasting(error: String) -> Self {
        Self { error, retry_after: None, for_good: true }
    }
}

/// Whether an address is one of Slack's incoming webhooks.
pub fn is_slack(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| {
        url.host_str() == Some("hooks.slack.com") && url.path().starts_with("/services/")
    })
}

impl Receiver {
    /// With a key, messages are signed events; without one they have Slack's form.
    ///
    /// # Errors
    /// The address is none, or TLS cannot be set up.
    pub fn new(url: &str, key: Option<&[u8]>, within: Duration) -> anyhow::Result<Self> {
        let url = Url::parse(url).ok().context("the address to notify is none")?;
        let key = key.map(Hmac::new_from_slice).transpose().ok().context("the key is unusable")?;
        // The operator names the address. Where it redirects to, a stranger may have said.
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .timeout(within)
            .user_agent(concat!("nudged/", env!("CARGO_PKG_VERSION")))
            .build()
            .context("cannot set up the sending of notifications")?;
        Ok(Self { client, url, key, within })
    }

    /// What may be shown of the address.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Makes one attempt. `nudge` is the nudge as the API shows it.
    pub(super) async fn send(
        &self,
        id: &str,
        nudge: &Value,
        now: Timestamp,
    ) -> Result<(), Refused> {
        let (status, headers, _) = self.post(id, nudge, now).await?;
        judge(status, &headers)
    }

    /// Sends a message that says it is a test, in the form that nudges have.
    pub async fn test(&self, now: Timestamp) -> Tested {
        let nudge = test_nudge(now);
        let id = format!("msg_test_{}", hex::encode(rand::random::<[u8; 12]>()));
        match self.post(&id, &nudge, now).await {
            Ok((status, headers, answer)) => {
                let error = judge(status, &headers).err().map(|refused| refused.error);
                let answer =
                    String::from_utf8_lossy(&answer).chars().take(LONGEST_ANSWER).collect();
                Tested { status: Some(status.as_u16()), answer, error }
            }
            Err(refused) => {
                Tested { status: None, answer: String::new(), error: Some(refused.error) }
            }
        }
    }

    /// Whether messages are signed.
    pub fn signs(&self) -> bool {
        self.key.is_some()
    }

    /// How messages look, as the settings call it.
    pub fn form(&self) -> &'static str {
        if self.signs() { "standard" } else { "slack" }
    }

    /// The status, the headers, and the beginning of the body that comes back.
    async fn post(
        &self,
        id: &str,
        nudge: &Value,
        now: Timestamp,
    ) -> Result<(StatusCode, HeaderMap, Vec<u8>), Refused> {
        let (body, headers) = match &self.key {
            Some(key) => signed(key, id, nudge, now),
            None => (slack(nudge), HeaderMap::new()),
        };
        let request = self.client.post(self.url.clone()).headers(headers);
        let request = request.header(CONTENT_TYPE, "application/json").body(body);
        let mut response = request.send().await.map_err(|error| self.unanswered(error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut answer = Vec::new();
        while let Ok(Some(chunk)) = response.chunk().await {
            answer.extend_from_slice(&chunk);
            if answer.len() > MOST_READ {
                break;
            }
        }
        Ok((status, headers, answer))
    }

    fn unanswered(&self, error: reqwest::Error) -> Refused {
        let error = error.without_url();
        let reason = if error.is_timeout() {
            format!("no answer within {}", humantime::format_duration(self.within))
        } else {
            let mut reason = error.to_string();
            let mut source = error.source();
            while let Some(cause) = source {
                reason = format!("{reason}: {cause}");
                source = cause.source();
            }
            reason
        };
        Refused { error: reason, retry_after: None, for_good: false }
    }
}

/// A nudge that is none, in the shape that the API gives them.
fn test_nudge(now: Timestamp) -> Value {
    json!({
        "id": 0, "projectId": "", "sessionId": null, "pullUrl": null, "audience": "human",
        "kind": "escalated", "class": null, "evidence": null, "priority": "info", "state": "pending",
        "heldBecause": null, "attempts": 0, "createdAt": now, "handedAt": null,
        "deliveredAt": null, "acknowledgedAt": null, "test": true,
        "body": "This is a test of nudged's notifications. Nothing has happened.",
    })
}

/// Any 2xx is success. 410 is "never again"; everything else is worth another try, as the operator
/// may mend it meanwhile.
fn judge(status: StatusCode, headers: &HeaderMap) -> Result<(), Refused> {
    if status.is_success() {
        return Ok(());
    }
    let error = if status.is_redirection() {
        format!("answered {status}: redirects are not followed; set the final address")
    } else {
        format!("answered {status}")
    };
    let asked = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after = asked.and_then(|seconds| seconds.trim().parse().ok());
    Err(Refused { error, retry_after, for_good: status == StatusCode::GONE })
}

fn signed(key: &Hmac<Sha256>, id: &str, nudge: &Value, now: Timestamp) -> (String, HeaderMap) {
    let body = json!({ "type": "nudge.created", "timestamp": nudge["createdAt"], "data": nudge });
    let (body, at) = (body.to_string(), now.as_second().to_string());
    let mac = key.clone().chain_update(format!("{id}.{at}.{body}")).finalize();
    let signature = format!("v1,{}", STANDARD.encode(mac.into_bytes()));
    let mut headers = HeaderMap::new();
    for (name, value) in
        [("webhook-id", id), ("webhook-timestamp", &at), ("webhook-signature", &signature)]
    {
        // All three are plain ASCII.
        if let Ok(value) = value.parse() {
            headers.insert(name, value);
        }
    }
    (body, headers)
}

/// The nudge's words as Slack wants them: three characters escaped, so that nobody's title can
/// mention a channel.
fn slack(nudge: &Value) -> String {
    let word = |key: &str| nudge[key].as_str().unwrap_or_default();
    let mut text = format!("[{}] {}", word("kind"), word("body").trim_end());
    if !text.contains(word("pullUrl")) {
        text = format!("{text}\n{}", word("pullUrl"));
    }
    let cut: String = text.chars().take(LONGEST_TEXT).collect();
    let text = cut.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    json!({ "text": text }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_slacks_own_addresses_are_slacks() {
        assert!(is_slack("https://hooks.slack.com/services/T0/B0/x"));
        for url in [
            "https://hooks.slack.com.example.com/services/T0/B0/x",
            "https://hooks.slack.com/workflows/T0",
            "https://example.com/services/hooks.slack.com",
            "https://hooks.slack.com@example.com/services/T0",
            "nonsense",
        ] {
            assert!(!is_slack(url), "{url}");
        }
    }

    #[test]
    fn slack_escapes_three_characters_and_cannot_be_made_to_shout() {
        let nudge =
            json!({"kind": "pr-merged", "body": "<!channel> a & b", "pullUrl": "https://x/1"});
        let sent: Value = serde_json::from_str(&slack(&nudge)).unwrap();
        assert_eq!(sent["text"], "[pr-merged] &lt;!channel&gt; a &amp; b\nhttps://x/1");
    }

    #[test]
    fn answers_mean_what_standard_webhooks_say() {
        let none = HeaderMap::new();
        assert!(judge(StatusCode::NO_CONTENT, &none).is_ok());
        let redirect = judge(StatusCode::FOUND, &none).unwrap_err();
        assert!(redirect.error.contains("not followed") && !redirect.for_good);
        assert!(judge(StatusCode::GONE, &none).unwrap_err().for_good);
        let asked = HeaderMap::from_iter([(RETRY_AFTER, "120".parse().unwrap())]);
        let busy = judge(StatusCode::TOO_MANY_REQUESTS, &asked).unwrap_err();
        assert_eq!((busy.retry_after, busy.for_good), (Some(120), false));
    }

    /// The example of the Standard Webhooks' libraries.
    #[test]
    fn the_published_vector_holds() {
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let key = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        let signed =
            key.chain_update("msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{\"test\": 2432232314}");
        let signature = STANDARD.encode(signed.finalize().into_bytes());
        assert_eq!(signature, "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
