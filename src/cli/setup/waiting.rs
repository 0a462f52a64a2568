//! Until the App works: it is installed somewhere, and its first webhook was taken.
//!
//! GitHub sends a `ping` when it registers the App, before any server can know its secret; so it is asked to send it
//! again, and its own list of deliveries tells how that went.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep};

use super::super::client::http;
use super::super::doctor::mend_delivery;
use super::super::output::{Outcome, Output, complain, line};
use crate::clock::Clock;
use crate::config::{AppFile, Settings};
use crate::github::api::{Attempt, Client, Credentials, GithubError};

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(2);
/// Between two requests to send the ping again.
const AGAIN: Duration = Duration::from_secs(10);
/// Our own server answers at once.
const PATIENCE: Duration = Duration::from_secs(2);

/// Waits until it works; the outcome is a failure where it does not within that time.
pub(super) async fn works(
    out: Output,
    settings: &Settings,
    app: &AppFile,
    within: Duration,
) -> anyhow::Result<Outcome> {
    let credentials = Credentials::new(app.app.id, app.app.private_key.expose());
    let client = Client::new(&app.api_url, credentials, Clock::system())?;
    let mut look = Look { out, client, installed: false, pinged: false, last: None, asked: None };
    let until = Instant::now() + within;
    if is_served(settings).await {
        out.text("Restart the server, so that it takes the new App.")?;
    } else {
        out.text("Start the server now: `nudged serve`, in this folder and with these settings.")?;
    }
    let mut trouble = None;
    while Instant::now() < until {
        trouble = match look.once(is_served(settings).await).await {
            Ok(()) => None,
            Err(error) if error.is_passing() => Some(error),
            Err(error) => return Err(error.into()),
        };
        if look.installed && look.pinged {
            out.text("All is well: webhooks come in.")?;
            return Ok(Outcome::Done);
        }
        sleep(PAUSE).await;
    }
    if let Some(trouble) = trouble {
        complain(&format!("GitHub could not be asked: {trouble}"));
    }
    if !look.installed {
        complain(&format!("the App is not installed yet: open {}/installations/new", app.page));
    }
    if !look.pinged {
        let (said, mend) = match &look.last {
            Some(ping) => (ping.status.as_str(), mend_delivery(ping.status_code)),
            None => ("none was sent", "look at Recent Deliveries on the App's Advanced page"),
        };
        complain(&format!("the first webhook has not come in ({}): {mend}", line(said)));
    }
    complain("`nudged doctor` says how it stands");
    Ok(Outcome::Failed)
}

struct Look {
    out: Output,
    client: Client,
    installed: bool,
    pinged: bool,
    /// The last attempt that was told.
    last: Option<Attempt>,
    /// When GitHub was last asked to send it again.
    asked: Option<Instant>,
}

impl Look {
    async fn once(&mut self, served: bool) -> Result<(), GithubError> {
        if !self.installed {
            let installations = self.client.installed_apps().await?;
            if let Some(first) = installations.first() {
                self.installed = true;
                self.tell(
                    "installed",
                    &json!({"account": first.account()}),
                    &format!("Installed on {}.", first.account()),
                );
            }
        }
        if self.pinged {
            return Ok(());
        }
        let attempts = self.client.attempts().await?;
        // Anything that was taken shows that the address and the secret are right.
        if let Some(taken) = attempts.iter().find(|attempt| attempt.succeeded()) {
            self.pinged = true;
            let (event, code) = (taken.event.clone(), taken.status_code);
            let text = format!("GitHub's {} came in and was answered {code}.", line(&event));
            self.tell("delivered", &json!({"event": event, "statusCode": code}), &text);
            return Ok(());
        }
        let Some(ping) = attempts.into_iter().find(|attempt| attempt.event == "ping") else {
            return Ok(());
        };
        let (id, code) = (ping.id, ping.status_code);
        if self.asked.is_some() && self.last.as_ref().is_none_or(|last| last.id != id) {
            let text = format!(
                "GitHub's ping was not taken ({}): {}",
                line(&ping.status),
                mend_delivery(code)
            );
            self.tell("refused", &json!({"event": "ping", "statusCode": code}), &text);
        }
        self.last = Some(ping);
        if served && self.asked.is_none_or(|asked| asked.elapsed() >= AGAIN) {
            self.client.redeliver(id).await?;
            self.asked = Some(Instant::now());
        }
        Ok(())
    }

    /// Nobody is left to be told where that fails.
    fn tell(&self, step: &str, facts: &serde_json::Value, text: &str) {
        let mut object = json!({"step": step});
        if let (Some(object), Some(facts)) = (object.as_object_mut(), facts.as_object()) {
            object.extend(facts.clone());
        }
        let _ = self.out.object(&object);
        let _ = self.out.text(text);
    }
}

/// Whether our server answers where the settings say that it listens.
async fn is_served(settings: &Settings) -> bool {
    let Ok(url) = format!("{}/healthz", settings.client_url()).parse() else { return false };
    let Ok(client) = http(&url) else { return false };
    let answer = client.get(url).timeout(PATIENCE).send().await;
    answer.is_ok_and(|answer| answer.status().is_success())
}
