//! `nudged setup`: registers a GitHub App in a browser, keeps its credentials, and waits until it works.

mod page;
mod waiting;

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context;
use serde_json::json;
use url::Url;

use super::output::{Misuse, Outcome, Output, complain, line};
use super::serve::Stop;
use crate::config::{AppFile, Flags, GithubApp, Secret, Settings, Source, inspect};
use crate::github::api::{Manifest, Registered, Site, register};
use page::{Back, Page};

/// What `setup` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  nudged setup --url https://nudged.example.com
  nudged setup --url https://nudged.example.com --org acme --github-url https://git.acme.example
On a server without a browser: ssh -L 8788:127.0.0.1:8788 HOST, and give --page 127.0.0.1:8788.
Exit codes: 0 the App is registered (and works, without --no-wait), 1 it is not, or does not work yet")]
pub(super) struct Args {
    /// Where GitHub reaches this server, https; /webhooks/github is added where there is no path
    #[arg(long, value_name = "URL")]
    url: String,
    /// The organisation that the App belongs to [default: you]
    #[arg(long, value_name = "LOGIN")]
    org: Option<String>,
    /// GitHub's pages; an Enterprise Server's address
    #[arg(long, value_name = "URL", default_value = "https://github.com")]
    github_url: String,
    /// The App's name, which nobody else at GitHub may have; it can be changed on the page
    #[arg(long)]
    name: Option<String>,
    /// Let the App run failed checks again (Actions: write)
    #[arg(long)]
    reruns: bool,
    /// Take the place of the App that is set up already
    #[arg(long)]
    replace: bool,
    /// Where the page is served meanwhile, on loopback [default: a free port]
    #[arg(long, value_name = "ADDRESS", default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), hide_default_value = true)]
    page: SocketAddr,
    /// Do not open the browser
    #[arg(long)]
    no_open: bool,
    /// Do not wait for the first webhook
    #[arg(long)]
    no_wait: bool,
    /// How long to wait for it
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = humantime::parse_duration)]
    wait: Duration,
    /// Print one JSON object a step
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    flags: Flags,
}

pub(super) async fn run(args: Args) -> anyhow::Result<Outcome> {
    let site =
        Site::of(&args.github_url).map_err(|wrong| Misuse(format!("--github-url {wrong}")))?;
    let webhook = webhook(&args.url, &site)?;
    if let Some(org) = args.org.as_ref().filter(|org| !is_login(org)) {
        return Err(Misuse(format!("--org wants an organisation's name; it is {org:?}")).into());
    }
    if !args.page.ip().is_loopback() {
        return Err(
            Misuse("--page wants an address of loopback: credentials pass it".into()).into()
        );
    }
    let inspection = inspect(&args.flags);
    if let Some(problem) = inspection.problems.first().filter(|it| !args.replace || it.is_misuse())
    {
        return Err(problem.clone().into());
    }
    let settings = &inspection.settings;
    free_place(settings, args.replace)?;
    let set = |name: &str| {
        let is_set = |it: &&_| matches!(it, Source::Set { .. });
        let of_name = inspection.inspected.iter().find(|setting| setting.name == name);
        of_name.map(|setting| &setting.source).filter(is_set).is_some()
    };
    if set("github_app_id") {
        complain("warning: github_app_id is set: unset it and the key, or `serve` takes that App");
    }

    let mut stop = Stop::listen()?;
    let out = Output { json: args.json };
    let registered = tokio::select! {
        registered = in_browser(&args, &site, &webhook, settings, out) => registered?,
        _ = stop.asked() => {
            complain("stopped; nothing was kept");
            return Ok(Outcome::Failed);
        }
    };
    if args.no_wait {
        return Ok(Outcome::Done);
    }
    tokio::select! {
        outcome = waiting::works(out, settings, &registered, args.wait) => outcome,
        _ = stop.asked() => {
            out.text("stopped; the App stays registered. `nudged doctor` says how it stands")?;
            Ok(Outcome::Failed)
        }
    }
}

/// The address that GitHub sends webhooks to.
fn webhook(url: &str, site: &Site) -> anyhow::Result<Url> {
    let wants =
        |what: &str| anyhow::Error::new(Misuse(format!("--url wants {what}; it is {url:?}")));
    let mut parsed = Url::parse(url.trim()).map_err(|_| wants("an address, as https://HOST"))?;
    let Some(host) = parsed.host_str() else { return Err(wants("an address with a host")) };
    let here = host == "localhost" || host.starts_with("127.") || host == "[::1]";
    match parsed.scheme() {
        "https" => {}
        "http" if site.web != "https://github.com" => {
            complain("warning: webhooks come unencrypted; what they say can be read on the way");
        }
        _ => return Err(wants("an https:// address, that of the proxy in front of nudged")),
    }
    if here && site.web == "https://github.com" {
        return Err(wants("an address that GitHub reaches from outside: a proxy's, or a tunnel's"));
    }
    if matches!(parsed.path(), "" | "/") {
        parsed.set_path("/webhooks/github");
    }
    Ok(parsed)
}

fn is_login(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

/// The folder can be written to, and holds no App, unless it may be replaced.
fn free_place(settings: &Settings, replace: bool) -> anyhow::Result<()> {
    let file = settings.app_file();
    if file.exists() && !replace {
        let shown = file.display();
        return Err(Misuse(format!(
            "an App is set up already, in {shown}: `nudged doctor` says how it stands; --replace \
             registers another one in its place"
        ))
        .into());
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(std::path::Path::new("."));
    tempfile::NamedTempFile::new_in(folder)
        .with_context(|| format!("the App could not be kept in {}", folder.display()))?;
    Ok(())
}

/// Shows the page, until the browser comes back with an App.
async fn in_browser(
    args: &Args,
    site: &Site,
    webhook: &Url,
    settings: &Settings,
    out: Output,
) -> anyhow::Result<AppFile> {
    let state = Secret::random();
    let mut page = Page::open(args.page).await?;
    let host = webhook.host_str().unwrap_or_default();
    let name = args.name.clone().unwrap_or_else(|| format!("nudged {host}"));
    let back = page.back();
    let manifest = Manifest { name: &name, webhook, back: &back, reruns: args.reruns }.json();
    let form = site.form(args.org.as_deref(), state.expose());
    let address = page.show(site, &form, &manifest.to_string(), state);
    out.object(&json!({"step": "page", "url": address}))?;
    out.text(format_args!("Open this page in a browser of this machine:\n\n    {address}\n"))?;
    if !args.no_open && !args.json {
        open(&address);
    }
    loop {
        let Back { code, answer } = page.came_back().await?;
        let kept = match register(&site.api, &code).await {
            Ok(registered) => keep(settings, site, webhook, registered),
            Err(error) => Err(error.into()),
        };
        match kept {
            Ok(kept) => {
                let install = format!("{}/installations/new", kept.page);
                // Whoever closed the browser has the address below.
                let _ = answer.send(Ok(install.clone()));
                page.said().await;
                let file = settings.app_file();
                out.object(&json!({"step": "registered", "appId": kept.app.id, "page": kept.page,
                    "file": file, "install": install}))?;
                out.text(format_args!(
                    "Registered as App {}: {}\nIts credentials are in {}, mode 0600; `nudged serve` finds \
                     them.\nInstall it on your repositories, in the browser: {}",
                    kept.app.id,
                    line(&kept.page),
                    file.display(),
                    line(&install),
                ))?;
                return Ok(kept);
            }
            Err(error) => {
                let reason = format!("{error:#}");
                let _ = answer.send(Err(reason.clone()));
                complain(&format!("the App is not set up: {reason}; press the button once more"));
            }
        }
    }
}

fn keep(
    settings: &Settings,
    site: &Site,
    webhook: &Url,
    registered: Registered,
) -> anyhow::Result<AppFile> {
    let kept = AppFile {
        app: GithubApp { id: registered.id, private_key: Secret::new(registered.pem) },
        webhook_secret: Secret::new(registered.webhook_secret),
        api_url: site.api.clone(),
        page: registered.html_url.trim_end_matches('/').to_owned(),
        webhook_url: webhook.to_string(),
    };
    let file = settings.app_file();
    kept.write(&file).with_context(|| format!("the App cannot be kept in {}", file.display()))?;
    Ok(kept)
}

/// Asks the desktop to open a page. Where there is none, the address was printed.
fn open(address: &str) {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let mut command = Command::new(opener);
    command.arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let _ = command.spawn();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn webhooks_go_to_an_address_that_github_reaches() {
        let github = Site::of("https://github.com").unwrap();
        let own = Site::of("https://git.acme.example").unwrap();
        let url = |text, site| webhook(text, site).map(|url| url.to_string()).ok();
        let full = Some("https://n.example/webhooks/github".to_owned());
        assert_eq!(url("https://n.example", &github), full);
        assert_eq!(url("https://n.example/webhooks/github", &github), full);
        for wrong in ["n.example", "http://n.example", "https://localhost:1", "https://127.0.0.1"] {
            assert_eq!(url(wrong, &github), None, "{wrong}");
        }
        assert!(url("http://127.0.0.1:8787", &own).is_some());
        assert!(is_login("acme-1") && !is_login("acme/x") && !is_login(""));
    }
}
