//! Which server a client talks to and which token goes there; wrong settings and how they end.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::world::{SECRET, TOKEN, World};

/// The binary with these variables and no other.
fn nudged(folder: &Path, args: &[&str], env: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nudged"));
    command.args(args).current_dir(folder).env_clear().stdin(Stdio::null());
    command.envs(env.iter().copied());
    command
}

/// Its exit code, stdout and stderr.
async fn run(folder: &Path, args: &[&str], env: &[(&str, &str)]) -> (i32, String, String) {
    let mut command = nudged(folder, args, env);
    let run = tokio::task::spawn_blocking(move || command.output().expect("it runs"));
    let output = run.await.expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code().expect("an exit code"), text(output.stdout), text(output.stderr))
}

fn empty() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

/// An address of this machine that no client takes for its own: what stands there for a stranger's.
fn stranger() -> Option<(TcpListener, String)> {
    let route = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    route.connect("192.0.2.1:9").ok()?;
    let ip = route.local_addr().ok()?.ip();
    let listener = TcpListener::bind((ip, 0)).ok().filter(|_| !ip.is_loopback())?;
    listener.set_nonblocking(true).expect("set");
    let address = listener.local_addr().expect("an address").to_string();
    Some((listener, address))
}

#[tokio::test]
async fn the_working_directory_names_no_server() {
    let folder = empty();
    let trap = TcpListener::bind("127.0.0.1:0").expect("a trap");
    trap.set_nonblocking(true).expect("set");
    let address = trap.local_addr().expect("an address");
    let file = format!("listen = \"{address}\"\napi_token = \"from-the-file\"");
    std::fs::write(folder.path().join("nudged.toml"), file).expect("written");
    let env = [("NUDGED_API_TOKEN", TOKEN), ("NUDGED_WEBHOOK_SECRET", SECRET)];
    let body = folder.path().join("ping.json");
    std::fs::write(&body, "{\"zen\":\"z\",\"hook_id\":1}").expect("written");
    let commands: [&[&str]; 4] = [
        &["nudges", "--json"],
        &["projects"],
        &["changes", "--after", "0"],
        &["replay", "ping.json", "--event", "ping"],
    ];
    for args in commands {
        // The default address may be served or not; this one is not asked.
        run(folder.path(), args, &env).await;
        assert!(trap.accept().is_err(), "{args:?} went where a stranger's file says");
    }
    // What somebody names is heeded.
    let world = World::new().await;
    let file = format!("listen = \"{}\"", world.running().addr);
    std::fs::write(folder.path().join("nudged.toml"), file).expect("written");
    let (code, _, err) = run(folder.path(), &["projects", "--config", "nudged.toml"], &env).await;
    assert_eq!(code, 0, "{err}");
}

#[tokio::test]
async fn a_token_that_was_found_stays_on_this_machine() {
    let Some((trap, address)) = stranger() else { return };
    let folder = empty();
    std::fs::write(folder.path().join("api-token"), TOKEN).expect("written");
    let url = format!("http://{address}");
    let (nudged_url, api_token) = (("NUDGED_URL", &*url), ("NUDGED_API_TOKEN", TOKEN));
    let other = ("NUDGED_URL", "https://nudged.example");
    for (args, env) in [
        (&["pulls", "--url", &url][..], &[][..]),
        (&["pulls"], &[nudged_url]),
        (&["pulls", "--db", "nudged.db"], &[nudged_url]),
        // It was given for another server.
        (&["pulls", "--url", &url], &[other, api_token]),
    ] {
        let (code, _, err) = run(folder.path(), args, env).await;
        assert_eq!(code, 2, "{args:?} {env:?}: {err}");
        assert!(err.contains("does not go to") && err.contains("--token"), "{err}");
        assert!(trap.accept().is_err(), "{args:?} {env:?}: somebody was asked");
    }
    // Given together, it goes.
    trap.set_nonblocking(false).expect("set");
    let asked = std::thread::spawn(move || {
        (0..2).map(|_| authorization(trap.accept().expect("a client").0)).collect::<Vec<_>>()
    });
    run(folder.path(), &["pulls", "--url", &url, "--token", TOKEN], &[]).await;
    run(folder.path(), &["pulls"], &[nudged_url, api_token]).await;
    let bearer = format!("Bearer {TOKEN}");
    assert_eq!(asked.join().expect("answers"), [bearer.clone(), bearer]);
}

/// Refuses a request; the token that it bore.
fn authorization(mut stream: TcpStream) -> String {
    let lines = BufReader::new(stream.try_clone().expect("a stream")).lines();
    let head = lines.map_while(Result::ok).take_while(|line| !line.is_empty());
    let token = head.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("authorization").then(|| value.trim().to_owned())
    });
    let token = token.last().unwrap_or_default();
    stream.write_all(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n").expect("an answer");
    token
}

#[tokio::test]
async fn every_client_finds_the_server_by_a_variable_however_it_is_spelled() {
    let world = World::new().await;
    let (address, token) = (world.running().addr.to_string(), ("NUDGED_API_TOKEN", TOKEN));
    let port = world.running().addr.port();
    for url in [format!("http://{address}/"), address.clone(), format!("localhost:{port}")] {
        for command in ["projects", "sessions", "pulls", "nudges", "deliveries", "changes"] {
            let (code, _, err) =
                run(world.folder(), &[command], &[("NUDGED_URL", &url), token]).await;
            assert_eq!(code, 0, "{command} {url}: {err}");
        }
        let (env, file) = ([("NUDGED_URL", &*url), ("NUDGED_WEBHOOK_SECRET", SECRET)], "ping.json");
        std::fs::write(world.folder().join(file), "{\"zen\":\"z\",\"hook_id\":1}")
            .expect("written");
        let args = ["replay", file, "--event", "ping"];
        let (code, out, err) = run(world.folder(), &args, &env).await;
        assert_eq!(code, 0, "replay {url}: {out}{err}");
    }
    assert_eq!(world.items("/v1/deliveries").await.len(), 3, "each replay arrived");
    let url = format!("https://{address}");
    let (code, _, err) = run(world.folder(), &["pulls", "--url", &url], &[token]).await;
    assert!(code == 1 && err.contains("plain HTTP") && err.contains("http://"), "{err}");
}

#[tokio::test]
async fn slips_of_the_pen_are_told() {
    let world = World::new().await;
    let url = world.url("");
    let env = [
        ("NUDGED_URL", &*url),
        ("NUDGED_API_TOKEN", TOKEN),
        ("NUDGED_LISTN", "127.0.0.1:1"),
        ("NUDGED_COLOUR", "no"),
        ("NUDGED_PROJECT", "rocket"),
    ];
    let (code, _, err) = run(world.folder(), &["projects"], &env).await;
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("NUDGED_LISTN has no effect; is NUDGED_LISTEN meant?"), "{err}");
    assert!(err.contains("NUDGED_COLOUR") && !err.contains("NUDGED_PROJECT"), "{err}");
    let file = world.folder().join("broken.toml");
    std::fs::write(file, "listen = \"127.0.0.1:1\"\nwebhook_secret = hunter2\n").expect("written");
    let (code, _, err) = run(world.folder(), &["serve", "--config", "broken.toml"], &[]).await;
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("line 2") && err.contains("quoted") && !err.contains("hunter2"), "{err}");
}

#[tokio::test]
async fn a_wrong_value_ends_with_2_wherever_it_stands() {
    let world = World::new().await;
    let url = world.url("");
    let server = [("NUDGED_URL", &*url), ("NUDGED_API_TOKEN", TOKEN)];
    for args in [
        &["changes", "--after", "yesterday"][..],
        &["changes", "--after", "99999"],
        &["changes", "--type", "nonsense"],
        &["pulls", "--state", "opne"],
        &["sessions", "--status", "fine"],
        &["nudges", "--audience", "all"],
        &["nudges", "--state", "pending,lost"],
        &["nudges", "--pull", "nowhere"],
        &["deliveries", "--outcome", "lost"],
        &["projects", "--url", "ftp://127.0.0.1"],
        &["projects", "--url", "http://"],
    ] {
        let (code, out, err) = run(world.folder(), args, &server).await;
        assert_eq!((code, out.as_str()), (2, ""), "{args:?}: {err}");
    }
    for (name, value) in [
        ("NUDGED_LISTEN", "here"),
        ("NUDGED_DB", "no/such/folder/n.db"),
        ("NUDGED_SETTLE", "soon"),
        ("NUDGED_ADOPT", "some"),
        ("NUDGED_AUTO_REGISTER", "perhaps"),
        ("NUDGED_LOG", "a=b=c"),
        ("NUDGED_LOG_FORMAT", "xml"),
        ("NUDGED_NOTIFY_URL", "x"),
        ("NUDGED_NOTIFY_SECRET", "x"),
        ("NUDGED_NOTIFY_FORMAT", "x"),
        ("NUDGED_NOTIFY_TIMEOUT", "x"),
        ("NUDGED_API_TOKEN", "ü"),
        ("NUDGED_RETAIN_CHANGES", "1s"),
        ("NUDGED_RETAIN_DELIVERIES", "1s"),
        ("NUDGED_WEBHOOK_SECRET", ","),
        ("NUDGED_QUIET_AFTER", "soon"),
        ("NUDGED_CANCEL_WAIT", "soon"),
        ("NUDGED_PROBE_EVERY", "0s"),
        ("NUDGED_RECONCILE_EVERY", "1s"),
        ("NUDGED_GITHUB_API_URL", "ftp://h"),
        ("NUDGED_GITHUB_APP_ID", "seven"),
        ("NUDGED_GITHUB_APP_ID", "7"),
        ("NUDGED_GITHUB_PRIVATE_KEY", "no/such/key.pem"),
    ] {
        let mut env = vec![("NUDGED_LISTEN", "127.0.0.1:0"), ("NUDGED_WEBHOOK_SECRET", SECRET)];
        env.push((name, value));
        let (code, _, err) = run(world.folder(), &["serve"], &env).await;
        assert_eq!(code, 2, "{name}={value}: {err}");
    }
    let key = world.folder().join("key.pem");
    std::fs::write(&key, "-----BEGIN RSA PRIVATE KEY-----").expect("written");
    let key = key.display().to_string();
    for (id, key, wrong) in [
        ("seven", &*key, "NUDGED_GITHUB_APP_ID"),
        ("7", "no/such.pem", "NUDGED_GITHUB_PRIVATE_KEY"),
    ] {
        let env = [
            ("NUDGED_LISTEN", "127.0.0.1:0"),
            ("NUDGED_WEBHOOK_SECRET", SECRET),
            ("NUDGED_GITHUB_APP_ID", id),
            ("NUDGED_GITHUB_PRIVATE_KEY", key),
        ];
        let (code, _, err) = run(world.folder(), &["serve"], &env).await;
        assert!(code == 2 && err.contains(wrong), "{id} {key}: {err}");
    }
}

#[test]
fn a_hangup_ends_the_server_well_unless_it_was_told_to_ignore_it() {
    for ignored in [false, true] {
        let folder = empty();
        // Whoever runs the tests may ignore it too, as under nohup.
        let signal = if ignored { "--ignore-signal=HUP" } else { "--default-signal=HUP" };
        let mut command = Command::new("/usr/bin/env");
        let serve = ["serve", "--json", "--listen", "127.0.0.1:0"];
        command.args([signal, env!("CARGO_BIN_EXE_nudged")]).args(serve);
        command.current_dir(folder.path());
        command.env_clear().env("NUDGED_WEBHOOK_SECRET", SECRET).stdin(Stdio::null());
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("a server");
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout"));
        stdout.read_line(&mut line).expect("its first line");
        assert!(line.contains("\"url\""), "{line}");
        let pid = Pid::from_raw(child.id().cast_signed());
        kill(pid, Signal::SIGHUP).expect("signalled");
        if ignored {
            // Were they heard, the second would end it at once, and not well.
            kill(pid, Signal::SIGHUP).expect("signalled");
            kill(pid, Signal::SIGTERM).expect("signalled");
        }
        assert_eq!(child.wait().expect("ended").code(), Some(0), "ignored: {ignored}");
    }
}
