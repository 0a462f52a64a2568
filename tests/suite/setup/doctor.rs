//! What `doctor` says of the App, and how to mend each thing.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use nudged::clock;
use nudged::fake_github::{App, FakeGitHub, Fault, Limit, NewPull, Repo};

use super::{Running, diagnosis, found};
use crate::github_api::command_line::free_port;
use crate::world::{SECRET, TOKEN, World};

/// Settings by which the binary is this App.
struct Host {
    folder: tempfile::TempDir,
    env: Vec<(&'static str, String)>,
}

impl Host {
    fn new(github: &FakeGitHub, app: &App) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let env = vec![
            ("NUDGED_LISTEN", format!("127.0.0.1:{}", free_port())),
            ("NUDGED_WEBHOOK_SECRET", SECRET.to_owned()),
            ("NUDGED_API_TOKEN", TOKEN.to_owned()),
            ("NUDGED_GITHUB_API_URL", github.url().to_owned()),
            ("NUDGED_GITHUB_APP_ID", app.id.to_string()),
            ("NUDGED_GITHUB_PRIVATE_KEY", app.private_key.clone()),
        ];
        Self { folder, env }
    }

    fn env(&self) -> Vec<(&str, &str)> {
        self.env.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    async fn diagnosis(&self) -> Vec<[String; 4]> {
        diagnosis(self.folder.path(), &self.env()).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_app_lacks_at_github_is_named_and_how_to_mend_it() {
    let world = World::new().await;
    let github = FakeGitHub::start(Arc::new(clock::now)).await.expect("a fake");
    let host = Host::new(&github, &github.app());
    let installed = |said: &[[String; 4]]| found(said, "installed", "nowhere").0.to_owned();
    let said = host.diagnosis().await;
    assert_eq!(installed(&said), "broken");
    assert_eq!(found(&said, "webhook", "no webhook address").0, "broken");
    assert_eq!(found(&said, "delivered", "sent nothing").0, "warning");

    let repo = github.repository("acme/rocket");
    let installation = github.installation_of(&repo).expect("an installation");
    github.deny(installation, "issues");
    github.change_app(|app| {
        app.permissions.remove("checks");
        app.permissions.remove("merge_queues");
        app.permissions.insert("contents".to_owned(), "write".to_owned());
        app.events.retain(|event| event != "pull_request" && event != "status");
    });
    // Nobody, another secret, another path: as GitHub tells them.
    for (path, secret, status, mend) in [
        ("", SECRET, 502, "start `nudged serve`"),
        ("/webhooks/github", "another one", 401, "does not know the App's webhook secret"),
        ("/webhooks/gitlab", SECRET, 404, "is not /webhooks/github"),
    ] {
        let url =
            if path.is_empty() { "http://127.0.0.1:9/webhooks/github" } else { &world.url(path) };
        github.send_webhooks_to(url, secret);
        github.ping();
        github.settle().await;
        let said = host.diagnosis().await;
        let (level, told) = found(&said, "delivered", &format!("({status})"));
        assert!(level == "broken" && told.contains(mend), "{status} {told}");
    }
    let said = host.diagnosis().await;
    for (check, part, level, mend) in [
        ("permissions", "may not read checks", "broken", "Permissions & events"),
        ("permissions", "may not read merge_queues", "warning", "Permissions & events"),
        ("permissions", "contents: write", "warning", "Read-only"),
        ("events", "subscribe to pull_request:", "broken", "Subscribe to events"),
        ("events", "subscribe to status", "warning", "Subscribe to events"),
        ("webhook", "/webhooks/gitlab", "warning", "ends in /webhooks/github"),
        ("installed", "has not accepted issues", "warning", "accepts it"),
    ] {
        let (was, told) = found(&said, check, part);
        assert!(was == level && told.contains(mend), "{check} {part}: {was} {told}");
    }

    github.suspend(installation);
    github.send_webhooks_to(&world.url("/webhooks/github"), SECRET);
    github.ping();
    github.settle().await;
    let said = host.diagnosis().await;
    assert_eq!(found(&said, "installed", "suspended").0, "warning");
    assert_eq!(found(&said, "delivered", "the newest was taken").0, "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_that_differ_and_credentials_that_are_none_are_told() {
    for (minutes, side) in [(10, "behind GitHub's"), (-10, "ahead of GitHub's")] {
        let apart = SignedDuration::from_mins(minutes);
        let shifted = move || clock::now().checked_add(apart).expect("an instant");
        let github = FakeGitHub::start(Arc::new(shifted)).await.expect("a fake");
        let host = Host::new(&github, &github.app());
        let said = host.diagnosis().await;
        let (level, mend) = found(&said, "clock", side);
        assert!(level == "warning" && mend.contains("NTP"), "{level} {mend}");
        // It works all the same.
        assert_eq!(found(&said, "github", "GitHub knows the App").0, "ok");
    }

    let github = FakeGitHub::start(Arc::new(clock::now)).await.expect("a fake");
    let (app, stranger) =
        (github.app(), FakeGitHub::start(Arc::new(clock::now)).await.expect("a fake").app());
    let none = "-----BEGIN RSA PRIVATE KEY-----\nbm9uc2Vuc2U=\n-----END RSA PRIVATE KEY-----\n";
    for (id, key, part) in [
        (app.id, none, "the private key is none"),
        (app.id, &stranger.private_key, "could not be decoded"),
        (7, &app.private_key, "Issuer"),
    ] {
        let mut wrong = app.clone();
        (wrong.id, wrong.private_key) = (id, key.to_owned());
        let said = Host::new(&github, &wrong).diagnosis().await;
        let (level, mend) = found(&said, "github", part);
        assert!(level == "broken" && mend.contains("nudged setup --replace"), "{mend}");
        assert!(!said.iter().flatten().any(|it| it.contains("bm9uc2Vuc2U")), "{said:?}");
    }

    let host = Host::new(&github, &app);
    github.fault("/app", 1, Fault::Html);
    assert_eq!(found(&host.diagnosis().await, "github", "instead of JSON").0, "warning");
    github.limit(Limit::Secondary, 429, Duration::from_secs(60));
    assert_eq!(found(&host.diagnosis().await, "github", "limit is reached").0, "warning");
    github.heal();
    github.set_down(true);
    let said = host.diagnosis().await;
    let (level, mend) = found(&said, "github", "cannot be asked now");
    assert!(level == "warning" && mend.contains("firewall"), "{level} {mend}");
}

/// What doctor says of the server, once it has compared after this has happened.
async fn said_after(happens: impl FnOnce(&FakeGitHub, &Repo, i64)) -> Vec<[String; 4]> {
    let github = FakeGitHub::start(Arc::new(clock::now)).await.expect("a fake");
    let repo = github.repository("acme/rocket");
    let host = Host::new(&github, &github.app());
    let mut server = Running::start(host.folder.path(), &["serve", "--json"], &host.env());
    let url =
        server.next().await.expect("its start")["webhooks"].as_str().expect("a URL").to_owned();
    github.send_webhooks_to(&url, SECRET);
    repo.open_pull(NewPull::from("ada/fix"));
    let installation = github.installation_of(&repo).expect("an installation");
    happens(&github, &repo, installation);
    github.settle().await;
    // A server that starts compares first.
    server.stop();
    assert_eq!(server.ended().await.0, 0);
    let mut server = Running::start(host.folder.path(), &["serve", "--json"], &host.env());
    server.next().await.expect("its start");
    let told = async {
        loop {
            let said = host.diagnosis().await;
            if said.iter().any(|it| it[2].contains("the server, about acme/rocket")) {
                return said;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), told).await.expect("in time")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_meets_at_github_is_told() {
    let said = said_after(|github, _, installation| github.suspend(installation)).await;
    let (level, mend) = found(&said, "github", "installation is suspended");
    assert!(level == "warning" && mend.contains("can end that"), "{level} {mend}");
    assert_eq!(found(&said, "installed", "acme has suspended").0, "warning");

    let said = said_after(|github, repo, installation| {
        github.remove_repository(installation, repo);
    });
    let said = said.await;
    let (level, mend) = found(&said, "github", "the App is not installed there");
    assert!(level == "warning" && mend.contains("archive the project"), "{level} {mend}");
}
