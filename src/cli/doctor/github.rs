//! The App at GitHub: does GitHub know it, has it what is needed, and do its webhooks arrive?

use super::findings::Findings;
use crate::cli::output::line;
use crate::cli::table::age;
use crate::clock::Clock;
use crate::config::{AppFile, Settings};
use crate::domain::Timestamp;
use crate::github::api::{
    Attempt, Client, Credentials, EVENTS, GithubError, InstalledApp, PERMISSIONS, RegisteredApp,
};

const CHECK: &str = "github";
/// How far GitHub's clock may be from ours, in seconds: credentials are dated a minute back.
const APART: i64 = 30;
/// As many failed deliveries are named one by one.
const NAMED: usize = 3;

pub(super) async fn look(findings: &mut Findings, settings: &Settings) -> anyhow::Result<()> {
    let file = settings.app_file();
    // What is wrong with it was told with the settings.
    let kept = AppFile::read(&file).ok().flatten();
    if kept.is_some() {
        secrecy(findings, &file);
    }
    let Some(app) = &settings.github_app else {
        let message = "no App is set up, so GitHub's API is not asked: no job logs, and what webhooks \
                       do not tell stays unknown; `nudged setup` registers one";
        findings.fine(CHECK, message);
        return Ok(());
    };
    let credentials = Credentials::new(app.id, app.private_key.expose());
    let client = Client::new(&settings.github_api_url, credentials, Clock::system())?;
    let registered = match client.registered_app().await {
        Ok(registered) => registered,
        Err(error) => {
            clock(findings, client.skew());
            refused(findings, app.id, &settings.github_api_url, &error);
            return Ok(());
        }
    };
    clock(findings, client.skew());
    let name = line(&registered.name);
    findings.fine(CHECK, format!("GitHub knows the App {} as {name}", app.id));
    needs(findings, &registered);
    match client.hook().await {
        Ok(hook) => {
            let kept = kept.as_ref().map(|kept| kept.webhook_url.as_str());
            webhook(findings, hook.url.as_deref(), hook.verifies(), kept);
        }
        Err(error) => unasked(findings, "webhook", &error),
    }
    match client.installed_apps().await {
        Ok(found) => installations(findings, &registered, &found),
        Err(error) => unasked(findings, "installed", &error),
    }
    match client.attempts().await {
        Ok(found) => deliveries(findings, &found, crate::clock::now()),
        Err(error) => unasked(findings, "delivered", &error),
    }
    Ok(())
}

fn secrecy(findings: &mut Findings, file: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    let Ok(about) = std::fs::metadata(file) else { return };
    let (mode, shown) = (about.permissions().mode() & 0o777, file.display());
    if mode & 0o077 != 0 {
        let message = format!("others may read the App's key: {shown} has mode {mode:04o}");
        findings.broken(CHECK, message, format!("chmod 600 {shown}"));
    } else {
        findings.fine(CHECK, format!("the App is kept in {shown}, mode {mode:04o}"));
    }
}

fn refused(findings: &mut Findings, app: i64, api: &str, error: &GithubError) {
    let message = format!("App {app} at {}: {error}", line(api));
    match error {
        GithubError::Unauthorized(_) => findings.broken(
            CHECK,
            message,
            "are the App's id and key of one App, and the clock right? Make a new key on the App's page, or \
             run `nudged setup --replace`",
        ),
        GithubError::NotFound => findings.broken(
            CHECK,
            message,
            "NUDGED_GITHUB_API_URL wants https://api.github.com, or https://HOST/api/v3 of an Enterprise Server",
        ),
        GithubError::Unavailable(_) | GithubError::Limited { .. } | GithubError::Malformed(_) => {
            findings.doubtful(
                CHECK,
                message,
                "try again in a moment; is there a firewall between here and GitHub's API?",
            );
        }
        GithubError::Forbidden { .. }
        | GithubError::Refused(_)
        | GithubError::Running
        | GithubError::Gone
        | GithubError::Withheld
        | GithubError::Suspended
        | GithubError::NotInstalled
        | GithubError::Strayed(_) => {
            findings.broken(CHECK, message, "`nudged setup --replace` registers another App");
        }
    }
}

fn unasked(findings: &mut Findings, check: &'static str, error: &GithubError) {
    findings.doubtful(check, error.to_string(), "try again in a moment");
}

fn clock(findings: &mut Findings, skew: i64) {
    if skew.abs() <= APART {
        return findings.fine("clock", "this clock and GitHub's agree");
    }
    let which = if skew > 0 { "behind" } else { "ahead of" };
    let message = format!("this clock is {} {which} GitHub's", age(skew.abs()));
    findings.doubtful("clock", message, "set this machine's clock; NTP keeps it right");
}

fn needs(findings: &mut Findings, app: &RegisteredApp) {
    const CHECK: &str = "permissions";
    let page = line(&app.html_url);
    let before = findings.0.len();
    for (name, without) in PERMISSIONS.iter().filter(|(name, _)| *name != "metadata") {
        if !app.permissions.contains_key(*name) {
            let message = format!("the App may not read {name}: {without}");
            let mend = format!(
                "give it in the App's settings (Permissions & events; {page}), then accept it in each installation"
            );
            // Without these two there is nothing to nudge about.
            if matches!(*name, "pull_requests" | "checks") {
                findings.broken(CHECK, message, mend);
            } else {
                findings.doubtful(CHECK, message, mend);
            }
        }
    }
    let writes = |(name, level): &(&String, &String)| {
        matches!(level.as_str(), "write" | "admin") && *name != "actions"
    };
    for (name, level) in app.permissions.iter().filter(writes) {
        let message =
            format!("the App has {}: {}, which nudged never uses", line(name), line(level));
        findings.doubtful(CHECK, message, "reading is enough: set it to Read-only, or to none");
    }
    if findings.0.len() == before {
        findings.fine(CHECK, "the App has all permissions that are needed");
    }
    let missing: Vec<_> =
        EVENTS.iter().filter(|(name, _)| !app.events.iter().any(|it| it == name)).collect();
    for (name, without) in &missing {
        let message = format!("the App does not subscribe to {name}: {without}");
        let mend = "tick it in the App's settings, Permissions & events, below Subscribe to events";
        if *name == "pull_request" {
            findings.broken("events", message, mend);
        } else {
            findings.doubtful("events", message, mend);
        }
    }
    if missing.is_empty() {
        findings.fine("events", "the App subscribes to all events that are needed");
    }
}

fn webhook(findings: &mut Findings, url: Option<&str>, verifies: bool, kept: Option<&str>) {
    const CHECK: &str = "webhook";
    let Some(url) = url.filter(|url| !url.is_empty()) else {
        let mend = "set https://HOST/webhooks/github in the App's settings, and tick Active";
        return findings.broken(CHECK, "GitHub has no webhook address of the App", mend);
    };
    let shown = line(url);
    if !url.trim_end_matches('/').ends_with("/webhooks/github") {
        let message = format!("GitHub sends webhooks to {shown}");
        let mend = "the address ends in /webhooks/github, unless a proxy rewrites it";
        findings.doubtful(CHECK, message, mend);
    } else if let Some(kept) = kept.filter(|kept| *kept != url) {
        let message = format!("GitHub sends webhooks to {shown}; set up was {}", line(kept));
        findings.doubtful(
            CHECK,
            message,
            "where it is not meant, correct it in the App's settings",
        );
    } else {
        findings.fine(CHECK, format!("GitHub sends webhooks to {shown}"));
    }
    if !verifies {
        let mend = "enable SSL verification in the App's settings";
        findings.doubtful(CHECK, "GitHub does not verify this server's certificate", mend);
    }
}

fn installations(findings: &mut Findings, app: &RegisteredApp, found: &[InstalledApp]) {
    const CHECK: &str = "installed";
    if found.is_empty() {
        let mend =
            format!("install it: {}/installations/new", line(app.html_url.trim_end_matches('/')));
        return findings.broken(CHECK, "the App is installed nowhere, so no webhooks come", mend);
    }
    for one in found {
        let (account, page) = (line(one.account()), line(&one.html_url));
        let lags: Vec<&str> = PERMISSIONS
            .iter()
            .map(|(name, _)| *name)
            .filter(|name| {
                app.permissions.contains_key(*name) && !one.permissions.contains_key(*name)
            })
            .collect();
        if one.suspended_at.is_some() {
            let mend = format!("its owner unsuspends it: {page}");
            findings.doubtful(CHECK, format!("{account} has suspended the App"), mend);
        } else if lags.is_empty() {
            findings.fine(CHECK, format!("installed on {account}"));
        } else {
            let message = format!("{account} has not accepted {}", lags.join(", "));
            findings.doubtful(CHECK, message, format!("its owner accepts it: {page}"));
        }
    }
}

fn deliveries(findings: &mut Findings, attempts: &[Attempt], now: Timestamp) {
    const CHECK: &str = "delivered";
    let ago = |attempt: &Attempt| age(now.duration_since(attempt.delivered_at).as_secs().max(0));
    let failed: Vec<&Attempt> = attempts.iter().filter(|attempt| !attempt.succeeded()).collect();
    let Some(newest) = attempts.first() else {
        let mend = "is it installed on repositories that are worked on?";
        return findings.doubtful(CHECK, "GitHub has sent nothing in three days", mend);
    };
    let share = format!("{} of the last {} deliveries", failed.len(), attempts.len());
    if failed.is_empty() {
        let message = format!("all of the last {} deliveries were taken", attempts.len());
        return findings.fine(CHECK, format!("{message}, the newest {} ago", ago(newest)));
    }
    if newest.succeeded() {
        let message = format!("{share} failed, but the newest was taken, {} ago", ago(newest));
        findings.fine(CHECK, format!("{message}; the server fetches what never arrived"));
        return;
    }
    for attempt in failed.iter().take(NAMED) {
        let message = format!(
            "{} {} ago: {} ({})",
            line(&attempt.event),
            ago(attempt),
            line(&attempt.status),
            attempt.status_code
        );
        findings.broken(CHECK, message, mend_delivery(attempt.status_code));
    }
    if failed.len() > NAMED {
        findings.broken(
            CHECK,
            format!("{share} failed"),
            "`nudged deliveries recover` fetches them",
        );
    }
}

/// What to do about a delivery that GitHub says was answered so.
pub(in crate::cli) fn mend_delivery(status: u16) -> &'static str {
    match status {
        401 => {
            "the server does not know the App's webhook secret: restart it with these settings, or enter the \
             same secret at both ends"
        }
        404 | 405 => {
            "the address at GitHub, or the path that the proxy passes on, is not /webhooks/github"
        }
        413 => "the proxy's limit for bodies is too low: GitHub's reach 25 MiB",
        415 => "choose application/json as the content type",
        502 | 503 => "nobody answered: start `nudged serve`, and look at the proxy in front of it",
        0 | 504 => "GitHub waited 10 seconds in vain: look at name, firewall and proxy",
        _ => {
            "look at the answer in Recent Deliveries on the App's Advanced page, and at the server's log"
        }
    }
}
