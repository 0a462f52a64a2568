//! Does our server answer, does it know our token, and do the clocks agree?

use std::net::TcpListener;
use std::time::Duration;

use jiff::fmt::rfc2822;
use reqwest::{StatusCode, Url, header};
use serde_json::Value;

use super::findings::Findings;
use super::numbers::number;
use super::{signers, standing};
use crate::cli::client::{Unanswered, http, root_cause, unanswered};
use crate::cli::table::age;
use crate::config::{InspectedSettings, Pass, Settings};

/// Doctor does not wait long.
const PATIENCE: Duration = Duration::from_secs(5);
/// How far two clocks may be apart, in seconds.
const APART: i64 = 30;

const CHECK: &str = "server";

pub(super) async fn look(
    findings: &mut Findings,
    inspection: &InspectedSettings,
    url: Option<&str>,
    token: Option<&str>,
    served: bool,
) -> anyhow::Result<()> {
    let address = inspection.address(url)?;
    if let Some(setting) = &address.unheeded {
        let message = format!(
            "the {setting} of this folder is another machine's address, so it is not asked; {} is",
            address.url
        );
        findings.doubtful(CHECK, message, "where it is yours, name the file with --config");
    }
    let (settings, url) = (&inspection.settings, address.url.clone());
    let client = http(&url)?;
    let health = client.get(url.join("healthz")?).timeout(PATIENCE).send().await;
    let response = match health {
        Ok(response) => response,
        Err(error) => {
            let why = unanswered(&url, &error);
            let reason = root_cause(&error.without_url());
            silent(findings, settings, &url, &reason, why, served);
            return Ok(());
        }
    };
    let date =
        response.headers().get(header::DATE).and_then(|date| date.to_str().ok()).map(str::to_owned);
    let body: Value = response.json().await.unwrap_or_default();
    if body["status"] != "alive" {
        let mend = "stop that program, or choose another address with --listen";
        findings.broken(CHECK, format!("another program answers at {url}"), mend);
        return Ok(());
    }
    let ready = client.get(url.join("readyz")?).timeout(PATIENCE).send().await;
    match ready {
        Ok(answer) if answer.status() == StatusCode::OK => {
            findings.fine(CHECK, format!("{url} answers and is ready"));
        }
        Ok(answer) => {
            let status = answer.status();
            let body: Value = answer.json().await.unwrap_or_default();
            let reason =
                body["error"]["message"].as_str().map_or(status.to_string(), str::to_owned);
            let message = format!("{url} answers, but is not ready: {reason}");
            findings.broken(CHECK, message, "look at the server's log");
        }
        Err(error) => {
            let reason = root_cause(&error.without_url());
            findings.broken(CHECK, format!("{url}: {reason}"), "look at the server's log");
        }
    }
    clock(findings, date.as_deref());
    signatures(findings, &client, &url).await?;
    match inspection.pass(&address, token) {
        Ok(pass) => known(findings, &client, &url, &pass).await?,
        Err(error) if error.is_misuse() => {
            findings.doubtful(CHECK, error.to_string(), "give --token to have it checked");
        }
        // What is wrong with its file was told with the files.
        Err(_) => {}
    }
    Ok(())
}

/// What the server has refused lately, since GitHub tells nobody.
async fn signatures(
    findings: &mut Findings,
    client: &reqwest::Client,
    url: &Url,
) -> anyhow::Result<()> {
    const CHECK: &str = "signatures";
    const MEND: &str = "enter one of NUDGED_WEBHOOK_SECRET as the secret in the webhook settings at \
                        GitHub; where Recent Deliveries shows no 401, somebody else sends them";
    let answer = client.get(url.join("metrics")?).timeout(PATIENCE).send().await;
    let Ok(answer) = answer else { return Ok(()) };
    let numbers = answer.text().await.unwrap_or_default();
    signers::look(findings, &numbers);
    let count = |code| number(&numbers, "nudged_webhooks_refused_last_hour", "code", code);
    // A server of an older release does not count them.
    let (Some(wrong), Some(missing)) = (count("signature_wrong"), count("signature_missing"))
    else {
        return Ok(());
    };
    for (count, what) in [(wrong, "with a wrong signature"), (missing, "without a signature")] {
        let deliveries = if count == 1 { "delivery" } else { "deliveries" };
        if count > 0 {
            let message = format!("{count} {deliveries} {what} in the last hour: refused with 401");
            findings.doubtful(CHECK, message, MEND);
        }
    }
    if wrong + missing == 0 {
        findings.fine(CHECK, "nothing was refused for its signature in the last hour");
    }
    Ok(())
}

async fn known(
    findings: &mut Findings,
    client: &reqwest::Client,
    url: &Url,
    pass: &Pass,
) -> anyhow::Result<()> {
    let request = client.get(url.join("v1/projects?limit=1")?).bearer_auth(pass.token.expose());
    match request.timeout(PATIENCE).send().await.map(|answer| answer.status()) {
        Ok(StatusCode::OK) => {
            findings.fine(CHECK, "it knows our API token");
            let request = client.get(url.join("v1/github")?).bearer_auth(pass.token.expose());
            let answer = request.timeout(PATIENCE).send().await;
            // Without App credentials there is nothing to tell, and this answers 4xx.
            if let Some(answer) = answer.ok().filter(|answer| answer.status() == StatusCode::OK)
                && let Ok(standing) = answer.json().await
            {
                standing::look(findings, &standing);
            }
        }
        Ok(StatusCode::UNAUTHORIZED) => findings.broken(
            CHECK,
            "it does not know our API token",
            "give the server's database with --db, or its token with --token or NUDGED_API_TOKEN",
        ),
        Ok(status) => {
            findings.broken(CHECK, format!("it answers {status}"), "look at the server's log");
        }
        Err(error) => {
            let reason = root_cause(&error.without_url());
            findings.broken(CHECK, reason, "look at the server's log");
        }
    }
    Ok(())
}

/// Nobody answers: is the port free, or does something hold it?
fn silent(
    findings: &mut Findings,
    settings: &Settings,
    url: &Url,
    reason: &str,
    why: Unanswered,
    served: bool,
) {
    let message = format!("no answer from {url}: {reason}");
    if served {
        let mend = "the database is served elsewhere: give the server's --listen or --url; if it \
                    hangs, restart it";
        return findings.broken(CHECK, message, mend);
    }
    if why == Unanswered::Plain {
        let mend = "nudged itself speaks plain HTTP: say http://, or give the proxy's address";
        return findings.broken(CHECK, message, mend);
    }
    if why == Unanswered::Lost {
        let mend = "stop the program that holds the port, or choose another one with --listen";
        return findings.broken(CHECK, message, mend);
    }
    if settings.client_url() != url.as_str().trim_end_matches('/') {
        return findings.doubtful(CHECK, message, "start it there with `nudged serve`");
    }
    // Given back at once.
    match TcpListener::bind(settings.listen) {
        Ok(_) => findings.doubtful(
            CHECK,
            format!("nobody listens on {}; the port is free", settings.listen),
            "start the server with `nudged serve`",
        ),
        Err(error) => findings.broken(
            CHECK,
            format!("cannot listen on {}: {error}", settings.listen),
            "choose another address with --listen",
        ),
    }
}

fn clock(findings: &mut Findings, date: Option<&str>) {
    const CHECK: &str = "clock";
    let Some(time) = date.and_then(|date| rfc2822::parse(date).ok()) else {
        let mend = "is there a proxy that removes the Date header?";
        return findings.doubtful(CHECK, "the server's answer has no date", mend);
    };
    let apart = crate::clock::now().duration_since(time.timestamp()).as_secs();
    if apart.abs() > APART {
        let message = format!("this clock and the server's are {} apart", age(apart.abs()));
        findings.broken(CHECK, message, "set the clocks; NTP keeps them right");
    } else {
        findings.fine(CHECK, "this clock and the server's agree");
    }
}
