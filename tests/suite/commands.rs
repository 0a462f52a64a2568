//! The commands as people run them: against a server, into pipes and onto terminals.

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use nix::pty::{Winsize, openpty};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::payloads::{check, pull, sha};
use crate::stories::story;
use crate::world::{SECRET, TOKEN, World, answer};

/// A command in an empty folder with an empty environment.
pub fn nudged(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nudged"));
    command.args(args).current_dir(folder).env_clear();
    command
}

pub async fn output(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().expect("it runs")).await.expect("it ends")
}

/// Runs a client of the world's server; its exit code, stdout and stderr.
pub async fn client(world: &World, args: &[&str]) -> (i32, String, String) {
    let url = world.url("");
    let command = nudged(world.folder(), &[args, &["--url", &url, "--token", TOKEN]].concat());
    told(output(command).await)
}

pub fn told(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code().expect("an exit code"), text(output.stdout), text(output.stderr))
}

/// Runs a client on a terminal of that width; what the terminal received.
pub async fn on_terminal(world: &World, columns: u16, args: &[&str], no_color: &str) -> String {
    let url = world.url("");
    let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    let pty = openpty(Some(&size), None).expect("a terminal");
    let mut command = nudged(world.folder(), &[args, &["--url", &url, "--token", TOKEN]].concat());
    command.env("NO_COLOR", no_color).stdout(pty.slave);
    tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().expect("it runs");
        // The terminal ends for its reader when nobody holds its other side.
        drop(command);
        let (mut received, mut part) = (Vec::new(), [0; 4096]);
        let mut terminal = std::fs::File::from(pty.master);
        while let Ok(count @ 1..) = terminal.read(&mut part) {
            received.extend_from_slice(&part[..count]);
        }
        assert!(child.wait().expect("it ends").success());
        String::from_utf8(received).expect("UTF-8")
    })
    .await
    .expect("it ends")
}

async fn told_stories() -> World {
    let world = World::new().await;
    for name in ["plain-life", "review-comments", "conflicts"] {
        for delivery in story(name) {
            world.replay(&delivery).await;
        }
    }
    let evil = json!({"title": "Evil\u{1b}[2J\rtitle"});
    world.apply("pull_request", "evil", &pull("opened", 90, &sha(1), 0, evil)).await;
    let failed = check("build", &sha(1), 11, json!("failure"), 5);
    world.apply("check_run", "red", &failed).await;
    world
}

#[tokio::test]
async fn lists_are_tables_and_json_and_follow_all_pages() {
    let world = told_stories().await;
    for (command, path, head) in [
        ("projects", "/v1/projects", "ID"),
        ("sessions", "/v1/sessions", "ID"),
        ("pulls", "/v1/pulls", "PULL"),
        ("nudges", "/v1/nudges", "ID"),
        ("deliveries", "/v1/deliveries", "ID"),
    ] {
        let expected = world.items(&format!("{path}?limit=1000")).await;
        assert!(!expected.is_empty(), "{command}");
        let (code, out, err) = client(&world, &[command, "--json"]).await;
        let items: Vec<Value> =
            out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let sorted = |items: &[Value]| {
            let mut texts: Vec<String> = items.iter().map(Value::to_string).collect();
            texts.sort();
            texts
        };
        assert_eq!((code, err.as_str()), (0, ""), "{command}");
        assert_eq!(sorted(&items), sorted(&expected), "{command}");
        let (code, out, err) = client(&world, &[command]).await;
        assert_eq!((code, err.as_str()), (0, ""), "{command}");
        assert!(out.starts_with(head), "{out}");
        assert_eq!(out.lines().count(), expected.len() + 1, "{command}: {out}");
        assert!(!out.contains(|c: char| c.is_control() && c != '\n'), "{command}: {out:?}");
        if expected.len() > 1 {
            let (_, out, err) = client(&world, &[command, "--limit", "1"]).await;
            assert_eq!(out.lines().count(), 2, "{command}");
            assert!(err.contains("there are more"), "{err}");
        }
    }
}

#[tokio::test]
async fn filters_narrow_and_an_empty_list_says_so() {
    let world = told_stories().await;
    let (code, out, _) = client(&world, &["pulls", "--state", "open", "--json"]).await;
    assert_eq!(code, 0);
    assert!(out.lines().all(|line| line.contains("\"state\":\"open\"")), "{out}");
    let (code, out, _) = client(&world, &["deliveries", "--outcome", "applied"]).await;
    assert!(code == 0 && out.contains("applied") && !out.contains("ignored"), "{out}");
    for args in [
        &["sessions", "--project", "nobody"][..],
        &["nudges", "--state", "failed", "--wait", "1"],
        &["deliveries", "--outcome", "quarantined", "--json"],
    ] {
        let (code, out, err) = client(&world, args).await;
        // Who waits for something wants to know that nothing came.
        assert_eq!((code, out.as_str()), (i32::from(args.contains(&"--wait")), ""), "{args:?}");
        assert!(err.starts_with("there are no such "), "{err}");
    }
    let (code, _, err) = client(&world, &["pulls", "--state", "opne"]).await;
    assert!(code == 2 && err.contains("opne") && err.contains("merged"), "{err}");
    let (code, ..) = client(&world, &["nudges", "--wait", "61"]).await;
    assert_eq!(code, 2);
}

#[tokio::test]
async fn one_pull_request_is_shown_with_its_checks() {
    let world = told_stories().await;
    let (code, out, err) = client(&world, &["pulls", "acme/rocket#90"]).await;
    assert_eq!((code, err.as_str()), (0, ""));
    for part in [
        "acme/rocket#90  Evil [2J title",
        "ci        failing",
        "CHECK",
        "failed  build",
        "failed build\n  https://ci.example/11\n",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
    // An address is there to be opened: it is not cut.
    let narrow = on_terminal(&world, 20, &["pulls", "acme/rocket#90"], "1").await;
    assert!(narrow.contains("https://ci.example/11"), "{narrow}");
    let (_, out, _) = client(&world, &["pulls", "acme/rocket#90", "--json"]).await;
    let shown: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(shown, world.get("/v1/pulls/acme/rocket/90").await);
    let (code, _, err) = client(&world, &["pulls", "acme/rocket#91"]).await;
    assert!(code == 1 && err.contains("acme/rocket#91") && err.contains("404"), "{err}");
    let (code, ..) = client(&world, &["pulls", "acme"]).await;
    assert_eq!(code, 2);
}

#[tokio::test]
async fn nudges_are_shown_whole_and_acknowledged() {
    let world = told_stories().await;
    let args = ["nudges", "--pull", "acme/rocket#90", "--state", "pending,held", "--json"];
    let (_, out, _) = client(&world, &args).await;
    let nudge: Value = serde_json::from_str(out.lines().next().expect("a nudge")).expect("JSON");
    assert_eq!(nudge["kind"], "ci-failed");
    let id = nudge["id"].to_string();
    let (code, out, _) = client(&world, &["nudges", "show", &id]).await;
    let body = nudge["body"].as_str().expect("a body");
    assert!(code == 0 && out.contains(body.lines().last().expect("a line")), "{out}");
    let (code, out, err) = client(&world, &["nudges", "ack", &id, "999"]).await;
    assert_eq!((code, out), (1, format!("nudge {id} is acknowledged\n")));
    assert!(err.contains("nudge 999: 404"), "{err}");
    let (code, _, err) = client(&world, &["nudges", "show", "999"]).await;
    assert!(code == 1 && err.contains("nudge 999: 404"), "{err}");
}

#[tokio::test]
async fn terminals_get_rows_that_fit_ages_and_colours() {
    let world = told_stories().await;
    for columns in [40, 80, 160] {
        for command in ["projects", "sessions", "pulls", "nudges", "deliveries", "changes"] {
            let shown = on_terminal(&world, columns, &[command], "1").await;
            assert!(!shown.contains('\u{1b}'), "colours against NO_COLOR: {shown:?}");
            // A cursor is there to be copied: it is not cut.
            for line in shown.lines().filter(|line| !line.starts_with("go on with --after ")) {
                assert!(line.chars().count() <= usize::from(columns), "{columns}: {line}");
            }
            assert!(!shown.contains("T00:"), "a time instead of an age: {shown}");
        }
    }
    let narrow = on_terminal(&world, 60, &["pulls"], "1").await;
    assert!(narrow.contains('…') && narrow.contains("acme/rocket#90"), "{narrow}");
    assert!(on_terminal(&world, 80, &["pulls"], "").await.contains("\u{1b}[31mfailing\u{1b}[0m"));
}

#[tokio::test]
async fn errors_say_what_to_do() {
    let world = World::new().await;
    let url = world.url("");
    let wrong = nudged(world.folder(), &["pulls", "--url", &url, "--token", "wrong"]);
    let (code, _, err) = told(output(wrong).await);
    assert_eq!(code, 1);
    for part in ["--token", "NUDGED_API_TOKEN", "api-token", &url] {
        assert!(err.contains(part), "{part}: {err}");
    }
    let down = ["sessions", "--url", "http://127.0.0.1:1", "--token", "x"];
    let (code, _, err) = told(output(nudged(world.folder(), &down)).await);
    assert!(
        code == 1 && err.contains("http://127.0.0.1:1/") && err.contains("nudged serve"),
        "{err}"
    );
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, out, _) = told(output(nudged(world.folder(), &["completions", shell])).await);
        assert!(code == 0 && out.contains("deliveries"), "{shell}");
        // Words of enumerations are completed too, where shells complete values.
        for word in ["review_pending", "pr_check_recorded", "unconfirmed", "quarantined"] {
            let completes = ["bash", "zsh", "fish"].contains(&shell);
            assert!(!completes || out.contains(word), "{shell}: {word}");
        }
    }
}

/// A port that nobody listens on.
fn free_port() -> u16 {
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    port.local_addr().expect("an address").port()
}

/// Every file of a folder with its size and mode.
fn listing(folder: &Path) -> Vec<(PathBuf, u64, u32)> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("readable")
        .map(|entry| {
            let entry = entry.expect("readable");
            let data = entry.metadata().expect("readable");
            (entry.path(), data.len(), data.permissions().mode())
        })
        .collect();
    files.sort();
    files
}

/// Runs doctor; its exit code and `check level` of all that is not fine.
async fn doctor(folder: &Path, args: &[&str], env: &[(&str, &str)]) -> (i32, Vec<String>) {
    let mut command = nudged(folder, &[&["doctor", "--json"], args].concat());
    command.envs(env.iter().copied());
    let before = listing(folder);
    let (code, out, err) = told(output(command).await);
    assert_eq!(listing(folder), before, "doctor changed something");
    assert!(err.is_empty(), "{err}");
    let found = out.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let found = found.filter(|found| found["level"] != "ok").inspect(|found| {
        assert_ne!(found["mend"], "", "no way to mend: {found}");
    });
    let word = |found: &Value, key: &str| found[key].as_str().expect("a word").to_owned();
    (code, found.map(|f| format!("{} {}", word(&f, "check"), word(&f, "level"))).collect())
}

#[tokio::test]
async fn doctor_finds_a_served_database_well() {
    let strong = "0123456789abcdef0123456789abcdef";
    let world = World::new().await;
    world.apply("pull_request", "1", &pull("opened", 1, &sha(1), 0, json!({}))).await;
    let db = world.db().display().to_string();
    let listen = world.running().addr.to_string();
    let args = ["--db", &db, "--listen", &listen];
    let env = [("NUDGED_WEBHOOK_SECRET", strong), ("NUDGED_API_TOKEN", TOKEN)];
    // Other servers of this process, with several secrets, count in the same metrics.
    let others = |found: &mut Vec<String>| {
        let after = found.iter().position(|it| it == "deliveries warning").unwrap_or_default();
        let rest = found.split_off(after);
        found.extend(rest.into_iter().filter(|it| it != "secret warning"));
    };
    let (code, mut found) = doctor(world.folder(), &args, &env).await;
    others(&mut found);
    // The tests' clock is not the machine's.
    assert_eq!((code, found), (0, vec!["deliveries warning".to_owned()]));
    let wrong = [("NUDGED_WEBHOOK_SECRET", "short"), ("NUDGED_API_TOKEN", "wrong")];
    let (code, mut found) = doctor(world.folder(), &args, &wrong).await;
    others(&mut found);
    assert_eq!(code, 1);
    assert_eq!(found, ["secret warning", "deliveries warning", "server broken"]);
    let shown = on_terminal(&world, 60, &["doctor", "--db", &db], "1").await;
    assert!(shown.contains("✓ database") && shown.contains("→ "), "{shown}");
}

#[tokio::test]
async fn doctor_finds_what_is_broken() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    let free = format!("127.0.0.1:{}", free_port());
    let env = [("NUDGED_WEBHOOK_SECRET", SECRET)];
    let (code, found) = doctor(path, &["--listen", &free], &env).await;
    let fresh = ["token warning", "database warning", "server warning"];
    assert_eq!((code, found), (0, fresh.map(str::to_owned).to_vec()));

    std::fs::write(path.join("nudged.db"), "this is a letter, not a database").expect("written");
    std::fs::write(path.join("api-token"), "token").expect("written");
    std::fs::set_permissions(path.join("api-token"), PermissionsExt::from_mode(0o644))
        .expect("set");
    std::fs::write(path.join("nudged.toml"), "settle = \"soon\"\nadopt = \"all\"")
        .expect("written");
    let (code, found) = doctor(path, &["--listen", &free], &[]).await;
    let broken =
        ["settings broken", "secret broken", "token broken", "database broken", "server warning"];
    assert_eq!((code, found), (1, broken.map(str::to_owned).to_vec()));
}

async fn backup(world: &World, file: &str, more: &[&str]) -> (i32, String, String) {
    let db = world.db().display().to_string();
    let args = [&["backup", file, "--db", &db, "--json"], more].concat();
    told(output(nudged(world.folder(), &args)).await)
}

/// All rows of all tables, but for the epoch.
fn rows(world: &World) -> Vec<Vec<String>> {
    let tables = world.sql("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name");
    let tables = tables.iter().map(|row| row[0].as_str()).filter(|table| *table != "meta");
    tables.flat_map(|table| world.sql(&format!("SELECT '{table}', * FROM {table}"))).collect()
}

#[tokio::test]
async fn a_backup_is_the_same_rows_under_a_new_epoch() {
    let world = told_stories().await;
    let file = world.folder().join("copy.db");
    let name = file.display().to_string();

    // Deliveries go on coming in meanwhile.
    let load = async {
        for number in 100..140 {
            let opened = pull("opened", number, &sha(number.unsigned_abs()), 0, json!({}));
            world.apply("pull_request", &number.to_string(), &opened).await;
        }
    };
    let ((code, out, err), ()) = tokio::join!(backup(&world, &name, &[]), load);
    assert_eq!((code, err.as_str()), (0, ""));
    let first: Value = serde_json::from_str(&out).expect("JSON");
    let data = std::fs::metadata(&file).expect("the copy");
    assert_eq!(data.permissions().mode() & 0o777, 0o600);
    assert_eq!(first["size"], data.len());

    let (code, _, err) = backup(&world, &name, &[]).await;
    assert!(code == 1 && err.contains("--force"), "{err}");
    let (code, _, err) = backup(&world, &world.db().display().to_string(), &["--force"]).await;
    assert!(code == 1 && err.contains("itself"), "{err}");
    let wal = world.folder().join("copy.db-wal");
    std::fs::write(&wal, "left behind by what was there before").expect("written");
    let (code, out, _) = backup(&world, &name, &["--force"]).await;
    assert_eq!((code, wal.exists()), (0, false));
    let copied: Value = serde_json::from_str(&out).expect("JSON");

    // The copy is served by nobody; it can be looked at and copied all the same.
    let second = world.folder().join("second.db").display().to_string();
    let args = ["backup", second.as_str(), "--db", &name];
    let (code, out, err) = told(output(nudged(world.folder(), &args)).await);
    assert!(code == 0 && out.contains("is a whole copy"), "{out}{err}");
    let env = [("NUDGED_WEBHOOK_SECRET", SECRET), ("NUDGED_API_TOKEN", TOKEN)];
    let listen = format!("127.0.0.1:{}", free_port());
    let (code, found) = doctor(world.folder(), &["--db", &name, "--listen", &listen], &env).await;
    assert_eq!(code, 0, "{found:?}");
    assert!(!found.iter().any(|found| found.starts_with("database")), "{found:?}");

    let page = world.get("/v1/changes?after=0&limit=1000").await;
    assert_eq!(copied["head"], page["head"]);
    let cursor = page["next"].as_str().expect("a cursor");
    let copy = World::with(|settings| settings.db = file).await;
    assert_eq!(rows(&copy), rows(&world));
    let request = copy.request(reqwest::Method::GET, &format!("/v1/changes?after={cursor}"));
    let (status, answer) = answer(request).await;
    assert_eq!((status, &answer["epoch"]), (StatusCode::GONE, &copied["epoch"]), "{answer}");
    assert_ne!(answer["epoch"], page["epoch"]);
    let (code, _, err) = backup(&world, &name, &["--force"]).await;
    assert!(code == 1 && err.contains("is served by"), "{err}");
}

#[tokio::test]
async fn a_session_is_shown_with_what_happened_and_what_was_said() {
    let world = World::new().await;
    world.apply("pull_request", "1", &pull("opened", 1, &sha(1), 0, json!({}))).await;
    let (code, _, _) = client(&world, &["sessions", "pause", "roc-1"]).await;
    assert_eq!(code, 0);
    let red = check("build", &sha(1), 11, json!("failure"), 30);
    world.apply("check_run", "red-1", &red).await;

    let session = world.get("/v1/sessions/roc-1").await;
    assert_eq!(
        session["nudges"],
        json!({"paused": true, "waiting": 1, "heldBecause": "session_paused"})
    );
    let (_, out, _) = client(&world, &["sessions"]).await;
    for part in ["roc-1", "ci_failed", "#1", "1 held", "nudges are held: session paused"] {
        assert!(out.contains(part), "{part}: {out}");
    }
    let (code, out, _) = client(&world, &["sessions", "show", "roc-1"]).await;
    assert_eq!(code, 0);
    for part in ["roc-1  ci_failed", "acme/rocket#1 · open · ci failing", "1 held", "build failed"]
    {
        assert!(out.contains(part), "{part}: {out}");
    }
    let nudge = &world.get("/v1/nudges?session=roc-1").await["items"][0];
    let says = nudge["body"].as_str().expect("a body").lines().next().expect("a line");
    let told = format!("ci-failed · held\n         {says}\n");
    assert!(out.contains(&told), "{told}: {out}");

    let (_, out, _) = client(&world, &["sessions", "show", "roc-1", "--json", "-n", "2"]).await;
    let shown: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!([&shown["session"], &shown["nudges"][0]], [&session, nudge]);
    assert_eq!(shown["changes"].as_array().map(Vec::len), Some(2), "{shown}");
    assert_eq!(shown["changes"][1], world.changes().await[world.changes().await.len() - 1]);
    let (code, _, err) = client(&world, &["sessions", "show", "roc-9"]).await;
    assert!(code == 1 && err.contains("404"), "{err}");
}
