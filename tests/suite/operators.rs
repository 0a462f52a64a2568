//! The command line for those who live with it: what is shown first, what is set, an agent's inbox, and
//! recordings in the forms that people have.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::commands::{client, nudged, on_terminal, output, told};
use crate::payloads::{check, pull, sha, workflow_run};
use crate::world::{SECRET, TOKEN, World};

fn lines(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// A pull request, closed again where it is not to stay open.
async fn opened(world: &World, number: u64, stays: bool) {
    let id = i64::try_from(number).expect("small");
    let open = pull("opened", id, &sha(number), 0, json!({}));
    world.apply("pull_request", &format!("open-{number}"), &open).await;
    if !stays {
        let closed = pull("closed", id, &sha(number), 10, json!({"state": "closed"}));
        world.apply("pull_request", &format!("close-{number}"), &closed).await;
    }
}

#[tokio::test]
async fn what_is_open_comes_first_then_the_newest() {
    let world = World::new().await;
    for number in 1..=40 {
        opened(&world, number, number == 7).await;
    }
    let open_first = [7, 40, 39, 38];
    for (command, key) in [("pulls", "number"), ("sessions", "branch"), ("nudges", "id")] {
        let (code, out, _) = client(&world, &[command, "--limit", "4", "--json"]).await;
        let items = lines(&out);
        let first: Vec<String> = items.iter().map(|item| item[key].to_string()).collect();
        let expected = match command {
            "pulls" => open_first.map(|number| number.to_string()),
            "sessions" => open_first.map(|number| format!("\"branch-{number}\"")),
            _ => [39, 38, 37, 36].map(|id| id.to_string()),
        };
        assert_eq!((code, first), (0, expected.to_vec()), "{command}");
    }
    let (_, out, _) = client(&world, &["pulls", "--json"]).await;
    assert_eq!(out.lines().count(), 40, "nothing is left out in a pipe, or told twice");
    let (_, out, _) =
        client(&world, &["pulls", "--state", "closed", "--limit", "1", "--json"]).await;
    assert_eq!(lines(&out)[0]["number"], 40);
    for command in ["pulls", "sessions", "nudges", "changes"] {
        let shown = on_terminal(&world, 80, &[command], "1").await;
        let more = if command == "changes" { 2 } else { 1 };
        assert_eq!(shown.lines().count(), 30 + more, "{command}: {shown}");
    }
    let changes = world.changes().await;
    let (_, out, _) = client(&world, &["changes", "--last", "3", "--json"]).await;
    assert_eq!(lines(&out), changes[changes.len() - 3..]);
    // Few are of this type, and far back.
    let kind = ["changes", "--last", "3", "--type", "project_registered", "--json"];
    let (_, out, _) = client(&world, &kind).await;
    assert_eq!(lines(&out), changes[..1]);
    let kind = ["changes", "--last", "2", "--type", "pr_created", "--json"];
    let (_, out, _) = client(&world, &kind).await;
    let created: Vec<_> =
        changes.iter().filter(|change| change["type"] == "pr_created").cloned().collect();
    assert_eq!(lines(&out), created[created.len() - 2..]);
    let shown = on_terminal(&world, 80, &["changes", "--limit", "2"], "1").await;
    assert!(shown.contains(&format!("{:>6}  ", changes.len())), "the newest: {shown}");
}

#[tokio::test]
async fn help_fits_eighty_columns() {
    let folder = tempfile::tempdir().expect("a folder");
    let help = async |path: &[&str]| {
        let (code, out, _) =
            told(output(nudged(folder.path(), &[path, &["--help"]].concat())).await);
        assert_eq!(code, 0, "{path:?}");
        for line in out.lines() {
            assert!(line.chars().count() <= 80, "{path:?}: {line}");
        }
        out
    };
    let top = help(&[]).await;
    let commands = top.split("Commands:").nth(1).and_then(|rest| rest.split("Options:").next());
    let names: Vec<&str> = commands
        .expect("commands")
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(names.len() > 14 && names.contains(&"inbox"), "{names:?}");
    for name in names.into_iter().filter(|name| *name != "help") {
        help(&[name]).await;
    }
    for path in [
        ["projects", "set"],
        ["sessions", "show"],
        ["sessions", "pause"],
        ["nudges", "show"],
        ["nudges", "ack"],
        ["deliveries", "show"],
        ["deliveries", "replay"],
        ["deliveries", "recover"],
        ["sessions", "resume"],
        ["hooks", "install"],
        ["hooks", "remove"],
        ["notify", "test"],
    ] {
        help(&path).await;
    }
}

#[tokio::test]
async fn projects_and_sessions_are_set_from_the_command_line() {
    let world = World::new().await;
    opened(&world, 1, true).await;
    let set = [
        "projects",
        "set",
        "roc",
        "--only",
        "CI / *",
        "--only",
        "lint",
        "--except",
        "*-flaky",
        "--pause",
        "--adopt",
        "none",
        "--display-name",
        "The rocket",
    ];
    let (code, out, err) = client(&world, &set).await;
    assert!(code == 0 && out.contains("paused; only CI / *,lint; except *-flaky"), "{out}{err}");
    let project = world.get("/v1/projects/roc").await;
    assert_eq!(
        project["nudges"]["checks"],
        json!({"only": ["CI / *", "lint"], "except": ["*-flaky"]})
    );
    assert_eq!(
        [&project["nudges"]["paused"], &project["adopt"], &project["displayName"]],
        [&json!(true), &json!("none"), &json!("The rocket")]
    );
    let (code, out, _) =
        client(&world, &["projects", "set", "roc", "--resume", "--only", "", "--json"]).await;
    let project = &lines(&out)[0]["nudges"];
    assert_eq!((code, &project["paused"]), (0, &json!(false)));
    assert_eq!(project["checks"], json!({"only": [], "except": ["*-flaky"]}), "the rest stays");
    let set = [
        "--trust-association",
        "MEMBER",
        "--trust-association",
        "OWNER",
        "--trust-user",
        "grace",
        "--trust-bot",
        "renovate*",
        "--budget-burst",
        "5",
        "--rerun",
        "once",
    ];
    let (code, out, err) = client(&world, &[&["projects", "set", "roc"][..], &set].concat()).await;
    let says = "trust MEMBER,OWNER; users grace; bots renovate*; budget 5+1/min; rerun once";
    assert!(code == 0 && out.contains(says), "{out}{err}");
    let set = ["--trust-association", "", "--trust-bot", "", "--budget-per-minute", "2", "--json"];
    let (code, out, err) = client(&world, &[&["projects", "set", "roc"][..], &set].concat()).await;
    assert_eq!(code, 0, "{err}");
    let project = &lines(&out)[0]["nudges"];
    let trust = json!({"associations": null, "users": ["grace"], "bots": null});
    assert_eq!(project["trust"], trust, "the list that is not named stays");
    assert_eq!(project["budget"], json!({"burst": 5, "perMinute": 2}));
    assert_eq!(project["rerun"], "once");
    assert_eq!(project["checks"]["except"], json!(["*-flaky"]));
    let set = ["--trust-user", "", "--rerun", "never", "--budget-burst", "30", "--json"];
    let (_, out, _) = client(&world, &[&["projects", "set", "roc"][..], &set].concat()).await;
    let project = &lines(&out)[0]["nudges"];
    assert_eq!([&project["trust"]["users"], &project["rerun"]], [&json!([]), &json!("never")]);
    let new = ["projects", "set", "new", "--repo", "acme/new", "--budget-burst", "7"];
    let (code, out, _) = client(&world, &new).await;
    assert!(code == 0 && out.contains("acme/new") && out.contains("budget 7+1/min"), "{out}");
    let (code, out, _) = client(&world, &["projects", "set", "new", "--repo", "acme/new"]).await;
    assert!(code == 0 && out.contains("acme/new"), "{out}");
    for args in [
        &["projects", "set", "roc"][..],
        &["projects", "set", "roc", "--pause", "--resume"],
        &["projects", "set", "roc", "--adopt", "some"],
        &["projects", "set", "roc", "--rerun", "twice"],
        &["projects", "set", "roc", "--budget-burst", "0"],
        &["projects", "set", "BAD ID", "--repo", "acme/bad"],
    ] {
        assert_eq!(client(&world, args).await.0, 2, "{args:?}");
    }
    let (code, _, err) = client(&world, &["projects", "set", "rokcet", "--pause"]).await;
    assert!(code == 1 && err.contains("project rokcet") && err.contains("404"), "{err}");

    let (code, out, err) = client(&world, &["sessions", "pause", "roc-1", "roc-9"]).await;
    assert_eq!((code, out.as_str()), (1, "roc-1: nudges paused\n"));
    assert!(err.contains("session roc-9: 404"), "{err}");
    let (_, out, _) = client(&world, &["sessions"]).await;
    assert!(out.contains("paused"), "{out}");
    let (code, out, _) = client(&world, &["sessions", "resume", "roc-1", "--json"]).await;
    assert_eq!((code, &lines(&out)[0]["nudges"]["paused"]), (0, &json!(false)));
}

#[tokio::test]
async fn a_delivery_is_shown_and_done_again() {
    let world = World::new().await;
    opened(&world, 1, true).await;
    let (status, _) = world.send("check_run", "broken", b"{\"action\": 1}").await;
    assert!(status.is_success());
    let (code, out, _) = client(&world, &["deliveries", "show", "1"]).await;
    assert_eq!(code, 0);
    for part in ["delivery 1 · pull_request opened · acme/rocket · applied", "It became:", "open-1"]
    {
        assert!(out.contains(part), "{part}: {out}");
    }
    let (_, out, _) = client(&world, &["deliveries", "show", "2", "--json"]).await;
    let shown = &lines(&out)[0];
    assert_eq!(shown, &world.get("/v1/deliveries/2").await);
    assert_eq!([&shown["outcome"], &shown["bodyBytes"]], [&json!("quarantined"), &json!(13)]);
    let (code, out, _) = client(&world, &["deliveries", "replay", "1"]).await;
    assert!(code == 0 && out.contains("applied"), "{out}");
    let (code, out, _) = client(&world, &["deliveries", "replay", "2"]).await;
    assert!(code == 1 && out.contains("quarantined"), "{out}");
    for action in ["show", "replay"] {
        let (code, _, err) = client(&world, &["deliveries", action, "99"]).await;
        assert!(code == 1 && err.contains("404"), "{err}");
    }
}

/// A git checkout with that branch and remote.
pub fn checkout(folder: &Path, branch: &str, remote: Option<&str>) {
    let git = |args: &[&str]| {
        let mut command = Command::new("git");
        let done = command.args(args).current_dir(folder).stdout(Stdio::null()).status();
        assert!(done.expect("git runs").success(), "{args:?}");
    };
    git(&["init", "--quiet"]);
    git(&["symbolic-ref", "HEAD", &format!("refs/heads/{branch}")]);
    if let Some(remote) = remote {
        git(&["remote", "add", "origin", remote]);
    }
}

/// `nudged inbox` in that folder.
#[allow(clippy::disallowed_methods, reason = "git has to be found, wherever it is")]
async fn inbox(world: &World, folder: &Path, args: &[&str]) -> (i32, String, String) {
    let mut command = nudged(folder, &[&["inbox"], args].concat());
    command.env("NUDGED_URL", world.url("")).env("NUDGED_API_TOKEN", TOKEN);
    command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    told(output(command).await)
}

#[tokio::test]
async fn an_agent_s_inbox_is_that_of_its_checkout() {
    let world = World::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let (code, _, err) = inbox(&world, here, &[]).await;
    assert!(code == 2 && err.contains("--repo"), "no checkout: {err}");
    checkout(here, "branch-1", Some("git@github.com:Acme/rocket.git"));
    let (code, out, err) = inbox(&world, here, &[]).await;
    assert_eq!((code, out.as_str()), (0, ""));
    assert!(
        err.contains("nothing for branch-1 in Acme/rocket") && err.contains("webhook"),
        "{err}"
    );

    opened(&world, 1, true).await;
    // The same branch of another repository is another agent's.
    let mut other = pull("opened", 1, &sha(9), 0, json!({}));
    other["repository"] = crate::payloads::repository(42, "acme/shuttle");
    for side in ["head", "base"] {
        other["pull_request"][side]["repo"]["id"] = json!(42);
    }
    world.apply("pull_request", "other", &other).await;
    let mut red = check("build", &sha(9), 12, json!("failure"), 5);
    red["repository"] = other["repository"].clone();
    world.apply("check_run", "other-red", &red).await;
    let (code, out, err) = inbox(&world, here, &["--wait", "1"]).await;
    assert_eq!((code, out.as_str()), (1, ""), "{err}");

    let failed = check("build", &sha(1), 11, json!("failure"), 5);
    let waiting = inbox(&world, here, &["--wait", "60", "--json"]);
    let telling = world.apply("check_run", "red", &failed);
    let ((code, out, err), ()) = tokio::join!(waiting, telling);
    assert_eq!(code, 0, "{err}");
    let nudge = lines(&out).remove(0);
    assert_eq!([&nudge["kind"], &nudge["state"]], ["ci-failed", "pending"]);
    let (code, out, err) = inbox(&world, here, &["--format", "prompt", "--ack"]).await;
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(
        out.starts_with(&format!("[nudge {}]\nCI failed on acme/rocket#1", nudge["id"])),
        "{out}"
    );
    assert!(out.contains("the answer is 42"), "{out}");
    let (code, out, _) = inbox(&world, here, &[]).await;
    assert_eq!((code, out.as_str()), (0, ""), "heard once");
    let given = ["--repo", "acme/shuttle", "--branch", "branch-1"];
    let (code, out, _) = inbox(&world, here, &given).await;
    assert!(code == 0 && out.contains("ci-failed · acme/shuttle#1"), "{out}");
}

#[tokio::test]
async fn actions_that_say_nothing_are_told_with_the_command_that_shows_their_log() {
    let world = World::new().await;
    opened(&world, 1, true).await;
    world.apply("workflow_run", "run", &workflow_run(&sha(1), 77, 900, Value::Null, 1)).await;
    let mut red = check("test", &sha(1), 11, json!("failure"), 5);
    red["check_run"]["app"] =
        json!({"id": 15368, "slug": "github-actions", "name": "GitHub Actions"});
    red["check_run"]["output"] = json!({"title": null, "summary": null, "text": null});
    red["check_run"]["details_url"] =
        json!("https://github.com/acme/rocket/actions/runs/77/job/11");
    red["check_run"]["html_url"] = red["check_run"]["details_url"].clone();
    world.apply("check_run", "red", &red).await;
    let told = world.items("/v1/nudges").await.remove(0);
    let body = told["body"].as_str().expect("a body");
    assert!(body.ends_with("\n    gh run view 77 --repo acme/rocket --log-failed\n"), "{body}");
}

/// Replays what comes on standard input.
async fn replayed(world: &World, text: &str, args: &[&str]) -> (i32, String, String) {
    let url = world.url("");
    let mut command = nudged(
        world.folder(),
        &[&["replay", "-", "--url", &url, "--secret", SECRET], args].concat(),
    );
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let text = text.to_owned();
    let run = move || {
        let mut child = command.spawn().expect("it runs");
        let mut stdin = child.stdin.take().expect("stdin");
        std::io::Write::write_all(&mut stdin, text.as_bytes()).expect("written");
        drop(stdin);
        child.wait_with_output().expect("it ends")
    };
    told(tokio::task::spawn_blocking(run).await.expect("it ends"))
}

#[tokio::test]
async fn every_form_that_people_have_is_replayed() {
    let world = World::new().await;
    let body = |number: u64| {
        let id = i64::try_from(number).expect("small");
        pull("opened", id, &sha(number), 0, json!({}))
    };
    let forms = [
        format!(
            "Request URL: https://nudged.example/webhooks/github\nRequest method: POST\nAccept: */*\n\
             Content-Type: application/json\nUser-Agent: GitHub-Hookshot/1\nX-GitHub-Delivery: pasted\n\
             X-GitHub-Event: pull_request\nX-Hub-Signature-256: sha256=00\n\n{}",
            body(1)
        ),
        json!({"id": 1, "guid": "api", "delivered_at": "2026-05-01T08:00:00Z", "event": "pull_request",
            "request": {"headers": {"X-GitHub-Event": "pull_request"}, "payload": body(2)},
            "response": {"headers": {}, "payload": "ok"}})
        .to_string(),
        json!({"host": "smee.io", "x-github-event": "pull_request", "x-github-delivery": "smee",
            "body": body(3), "query": {}, "timestamp": 1})
        .to_string(),
        format!(
            "event: ready\ndata: {{}}\n\nid: 1\ndata: {}\n\n",
            json!({"x-github-event": "pull_request", "x-github-delivery": "stream", "body": body(4)})
        ),
        json!({"name": "pull_request", "payload": body(5)}).to_string(),
        json!([{"name": "pull_request", "actions": ["opened"], "examples": [body(6), body(7)]}])
            .to_string(),
        format!("{}\n{}\n", body(8), body(9)),
    ];
    for form in &forms {
        let (code, out, err) = replayed(&world, form, &["--strict"]).await;
        assert_eq!(code, 0, "{form}: {out}{err}");
    }
    let mut numbers: Vec<i64> =
        world.items("/v1/pulls").await.iter().filter_map(|pull| pull["number"].as_i64()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=9).collect::<Vec<i64>>());

    for (text, event) in [("{\"a\":1}", "star"), ("{\"action\":1}", "check_run")] {
        let (code, ..) = replayed(&world, text, &["--event", event]).await;
        assert_eq!(code, 0, "{event} was acknowledged");
        let (code, out, _) = replayed(&world, text, &["--event", event, "--strict"]).await;
        assert!(code == 1 && out.contains("without use"), "{event}: {out}");
    }
    let before = world.items("/v1/deliveries").await.len();
    for (text, part) in [
        (format!("{}\n{{\"action\":\n", body(10)), "line 3"),
        (format!("{}\nhello\n", body(10)), "line 2"),
        ("{\"unheard\":\"of\"}".to_owned(), "--event"),
    ] {
        let (code, out, err) = replayed(&world, &text, &[]).await;
        assert!(code == 1 && out.is_empty() && err.contains(part), "{part}: {out}{err}");
    }
    assert_eq!(world.items("/v1/deliveries").await.len(), before, "nothing was sent");
}

#[tokio::test]
async fn json_steers_no_terminal_and_means_the_same() {
    let world = World::new().await;
    let title = "a\u{9b}2Jb\u{202e}c\u{2066}d\u{61c}e\u{200f}f";
    world.apply("pull_request", "1", &pull("opened", 1, &sha(1), 0, json!({"title": title}))).await;
    let shown = on_terminal(&world, 80, &["pulls", "--json"], "").await;
    let unsafe_one = |c: char| {
        (c.is_control() && !matches!(c, '\r' | '\n'))
            || "\u{202e}\u{2066}\u{61c}\u{200f}".contains(c)
    };
    assert!(!shown.contains(unsafe_one) && shown.contains("\\u009b2Jb\\u202e"), "{shown:?}");
    assert_eq!(lines(shown.trim())[0]["title"], title);
    let table = on_terminal(&world, 80, &["pulls"], "1").await;
    assert!(!table.contains(unsafe_one), "{table:?}");
}
