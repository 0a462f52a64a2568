//! The App is registered, kept, found by the server, installed, and heard.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use nudged::fake_github::{Fault, NewPull};
use reqwest::StatusCode;

use super::browser::Browser;
use super::{Running, diagnosis, enterprise, found};
use crate::github_api::command_line::{free_port, run};

fn mode(file: &Path) -> u32 {
    std::fs::metadata(file).expect("a file").permissions().mode() & 0o777
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_s_app_is_registered_found_by_the_server_and_heard() {
    let github = enterprise().await;
    let repo = github.repository("other/elsewhere");
    let folder = tempfile::tempdir().expect("a folder");
    let listen = format!("127.0.0.1:{}", free_port());
    let env = [("NUDGED_LISTEN", listen.as_str())];
    let url = format!("http://{listen}");
    let args = [
        "setup",
        "--json",
        "--url",
        &url,
        "--github-url",
        github.url(),
        "--org",
        "acme",
        "--wait",
        "50s",
    ];
    let mut setup = Running::start(folder.path(), &args, &env);
    let page = setup.next().await.expect("the page");
    assert_eq!(page["step"], "page", "{page}");
    let page = page["url"].as_str().expect("an address").to_owned();

    // The page asks for what is needed, to read alone, and goes to the organisation's.
    let browser = Browser::new();
    let form = browser.form(&page).await;
    let organisation = format!("{}/organizations/acme/settings/apps/new?state=", github.url());
    assert!(form.action.starts_with(&organisation), "{}", form.action);
    let manifest = form.manifest();
    assert_eq!(manifest["hook_attributes"]["url"], format!("{url}/webhooks/github"));
    assert_eq!(manifest["default_permissions"]["checks"], "read");
    assert_eq!(manifest["public"], false);

    // Whoever has not come from there gets nothing.
    for wrong in ["/done", "/done?code=abc", "/done?code=abc&state=", "/done?code=abc&state=0123"] {
        let (status, _, text) = browser.open(&format!("{page}{wrong}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{wrong} {text}");
    }
    assert_eq!(browser.open_as("evil.example", &page).await, StatusCode::FORBIDDEN);
    assert_eq!(browser.post(&page).await.0, StatusCode::METHOD_NOT_ALLOWED);
    let root = page.rsplit_once('/').expect("a path").0;
    assert_eq!(browser.open(&format!("{root}/")).await.0, StatusCode::NOT_FOUND);
    assert_eq!(github.count(|it| it.path.contains("app-manifests")), 0);
    let file = folder.path().join("github-app.toml");
    assert!(!file.exists());

    // GitHub fails the first time; the button is pressed again.
    github.fault("/app-manifests/", 1, Fault::HtmlStatus(502));
    let back = browser.press(&form).await;
    let (status, _, text) = browser.open(&back).await;
    assert_eq!(status, StatusCode::BAD_GATEWAY, "{text}");
    assert!(!file.exists());
    let (status, to, text) = browser.open(&browser.press(&form).await).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{text}");
    let app = github.app();
    assert_eq!(to, format!("{}/apps/{}/installations/new", github.url(), app.slug));
    let registered = setup.next().await.expect("the App");
    assert_eq!((&registered["step"], &registered["appId"]), (&"registered".into(), &app.id.into()));
    assert_eq!(mode(&file), 0o600);
    let kept = std::fs::read_to_string(&file).expect("text");
    assert!(kept.contains(&format!("api_url = \"{}/api/v3\"", github.url())), "{kept}");

    // The server finds it by itself.
    let server = Running::start(folder.path(), &["serve", "--json"], &env);
    assert_eq!(browser.open(&to).await.0, StatusCode::OK);
    let install = format!("{}/apps/{}/installations", github.url(), app.slug);
    assert_eq!(browser.post(&install).await.0, StatusCode::OK);
    let mut steps = Vec::new();
    while let Some(step) = setup.next().await {
        steps.push(step["step"].as_str().expect("a step").to_owned());
    }
    let (code, told) = setup.ended().await;
    assert_eq!((code, told.contains("press the button once more")), (0, true), "{steps:?} {told}");
    assert!(steps.contains(&"installed".to_owned()) && steps.contains(&"delivered".to_owned()));

    github.settle().await;
    let rocket = github.repository("acme/rocket");
    rocket.open_pull(NewPull::from("ada/fix"));
    repo.open_pull(NewPull::from("ada/fix"));
    github.settle().await;
    let (code, out, told) = run(folder.path(), &["projects", "--json"], &env).await;
    assert!(code == 0 && out.contains("acme/rocket"), "{out} {told}");
    let said = diagnosis(folder.path(), &env).await;
    for (check, part) in [
        ("github", "mode 0600"),
        ("github", "GitHub knows the App"),
        ("permissions", "all permissions"),
        ("events", "all events"),
        ("webhook", "GitHub sends webhooks to"),
        ("installed", "acme"),
        ("delivered", "the newest was taken"),
        ("clock", "this clock and GitHub's agree"),
    ] {
        assert_eq!(found(&said, check, part).0, "ok", "{check} {part}");
    }
    let secrets = [app.private_key.as_str(), app.webhook_secret.as_str()];
    assert!(!said.iter().flatten().any(|text| secrets.iter().any(|it| text.contains(it))));
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_set_up_is_replaced_only_where_that_is_said() {
    let github = enterprise().await;
    let folder = tempfile::tempdir().expect("a folder");
    let args = [
        "setup",
        "--json",
        "--url",
        "https://n.example",
        "--github-url",
        github.url(),
        "--no-wait",
    ];
    let browser = Browser::new();
    let file = folder.path().join("github-app.toml");

    // Ended in the middle: nothing is kept.
    let mut setup = Running::start(folder.path(), &args, &[]);
    let page = setup.next().await.expect("the page")["url"].as_str().expect("a page").to_owned();
    setup.stop();
    let (code, told) = setup.ended().await;
    assert!(code == 1 && told.contains("nothing was kept") && !file.exists(), "{told}");
    let gone = reqwest::Client::builder().no_proxy().build().expect("a client");
    assert!(gone.get(&page).send().await.is_err(), "the page went with it");

    let register = async |args: &[&str]| {
        let mut setup = Running::start(folder.path(), args, &[]);
        let page = setup.next().await.expect("a page");
        let form = browser.form(page["url"].as_str().expect("an address")).await;
        let back = browser.press(&form).await;
        assert_eq!(browser.open(&back).await.0, StatusCode::SEE_OTHER);
        let registered = setup.next().await.expect("the App");
        assert_eq!(setup.ended().await.0, 0);
        (form, registered["appId"].clone())
    };
    let (form, first) = register(&args).await;
    let personal = format!("{}/settings/apps/new?state=", github.url());
    assert!(form.action.starts_with(&personal), "{}", form.action);
    assert_eq!(form.manifest()["default_permissions"]["actions"], "read");
    let (code, _, told) = run(folder.path(), &args, &[]).await;
    assert!(code == 2 && told.contains("--replace"), "{told}");
    let (form, second) = register(&[&args[..], &["--replace", "--reruns"]].concat()).await;
    assert_ne!(first, second);
    assert_eq!(form.manifest()["default_permissions"]["actions"], "write");
    assert_eq!(mode(&file), 0o600);

    for (wrong, said) in [
        (&["--url", "n.example"][..], "--url"),
        (&["--url", "http://n.example", "--github-url", "https://github.com"], "https://"),
        (
            &["--url", "https://127.0.0.1", "--github-url", "https://github.com"],
            "reaches from outside",
        ),
        (&["--url", "https://n.example", "--github-url", "acme"], "--github-url"),
        (&["--url", "https://n.example", "--org", "a/b"], "--org"),
        (&["--url", "https://n.example", "--page", "0.0.0.0:0"], "--page"),
    ] {
        let args = [&["setup", "--replace"][..], wrong].concat();
        let (code, _, told) = run(folder.path(), &args, &[]).await;
        assert!(code == 2 && told.contains(said), "{wrong:?} {told}");
    }

    // A file that nobody can read as an App is told without its text.
    std::fs::write(&file, "app_id = \"hush\"").expect("written");
    let (code, _, told) = run(folder.path(), &["serve"], &[]).await;
    assert!(code != 0 && told.contains("github-app.toml") && !told.contains("hush"), "{told}");
}
