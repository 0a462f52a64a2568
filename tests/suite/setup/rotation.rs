//! A webhook secret takes another's place while deliveries come in.

use std::sync::Arc;

use nudged::clock;
use nudged::fake_github::{FakeGitHub, NewPull};
use reqwest::Method;

use super::{Running, diagnosis, found};
use crate::github_api::command_line::free_port;
use crate::world::World;

const OLD: &str = "the secret that there was before";
const NEW: &str = "the secret that takes its place";

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_replaced_under_load_without_a_refusal() {
    let github = FakeGitHub::start(Arc::new(clock::now)).await.expect("a fake");
    let folder = tempfile::tempdir().expect("a folder");
    let listen = format!("127.0.0.1:{}", free_port());
    let both = format!("{NEW},{OLD}");
    let env = [("NUDGED_LISTEN", listen.as_str()), ("NUDGED_WEBHOOK_SECRET", &both)];
    let mut server = Running::start(folder.path(), &["serve", "--json"], &env);
    let url =
        server.next().await.expect("its start")["webhooks"].as_str().expect("a URL").to_owned();
    let said = diagnosis(folder.path(), &env).await;
    assert_eq!(found(&said, "secret", "nothing came in the last hour").0, "ok");

    let repo = github.repository("acme/rocket");
    github.send_webhooks_to(&url, OLD);
    let burst = |from: usize| {
        for n in from..from + 60 {
            repo.open_pull(NewPull::from(&format!("ada/{n}")));
        }
    };
    burst(0);
    github.settle().await;
    let said = diagnosis(folder.path(), &env).await;
    let (level, mend) = found(&said, "secret", "at place 1 has signed nothing");
    assert!(level == "warning" && mend.contains("yet to be entered at GitHub"), "{level} {mend}");
    // It is changed at GitHub in the middle of what waits.
    burst(100);
    github.change_app(|app| NEW.clone_into(&mut app.webhook_secret));
    burst(200);
    github.settle().await;
    let deliveries = github.deliveries();
    assert!(deliveries.len() >= 180, "{}", deliveries.len());
    let refused = deliveries.iter().filter(|it| it.status_code != 200).count();
    assert_eq!(refused, 0);
    let said = diagnosis(folder.path(), &env).await;
    for part in ["at place 1 signed", "at place 2 signed"] {
        assert_eq!(found(&said, "secret", part).0, "ok");
    }

    // Once the old one has gone, what it signs is refused.
    drop(server);
    let env = [("NUDGED_LISTEN", listen.as_str()), ("NUDGED_WEBHOOK_SECRET", NEW)];
    let mut server = Running::start(folder.path(), &["serve", "--json"], &env);
    server.next().await.expect("its start");
    github.change_app(|app| OLD.clone_into(&mut app.webhook_secret));
    github.ping();
    github.settle().await;
    assert_eq!(github.deliveries()[0].status_code, 401);
}

#[tokio::test]
async fn each_secret_has_its_counter() {
    let world = World::with(|settings| {
        settings.webhook_secrets =
            [OLD, NEW].into_iter().map(nudged::config::Secret::new).collect();
    })
    .await;
    let body = br#"{"zen":"z","hook_id":1}"#;
    let signature = crate::world::sign(NEW, body);
    let headers = [
        ("Content-Type", "application/json"),
        ("X-GitHub-Event", "ping"),
        ("X-GitHub-Delivery", "a-ping"),
        ("X-Hub-Signature-256", &signature),
    ];
    let answer = world.webhook(&headers, body.to_vec()).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let metrics = world.request(Method::GET, "/metrics").send().await.expect("an answer");
    let metrics = metrics.text().await.expect("text");
    // Other servers of this process count in the same place.
    for name in ["nudged_webhooks_signed_total", "nudged_webhooks_signed_last_hour"] {
        let series = format!("{name}{{secret=\"2\"}} ");
        let shown = metrics.lines().find_map(|line| line.strip_prefix(&series));
        assert!(shown.is_some_and(|shown| shown.parse::<f64>().is_ok()), "{metrics}");
    }
    assert!(!metrics.contains(OLD) && !metrics.contains(NEW));
}
