//! Starting, finding, probing and ending agents in tmux.

use std::time::Duration;

use nudged::domain::{Probe, ProbeAnswer};
use nudged::session::environment::Environment;
use nudged::session::runtime::procfs::{self, Process};
use nudged::session::runtime::{External, Foreground, Handle, Place, Runtime, RuntimeError, Tmux};

use super::pane::{Pane, environment, server, signal, until};
use ProbeAnswer::{Alive, Dead, Failed};

fn pid(handle: &Handle) -> i32 {
    handle.pane.as_ref().expect("a pane").process.pid
}

fn server_pid(handle: &Handle) -> i32 {
    handle.pane.as_ref().expect("a pane").server.pid
}

async fn probe(tmux: &Tmux, handle: &Handle) -> (ProbeAnswer, ProbeAnswer, bool) {
    let found: Vec<Probe> = tmux.probe(std::slice::from_ref(handle)).await;
    (found[0].runtime, found[0].process, found[0].is_proof)
}

async fn died(pid: i32) {
    until(pid, || (procfs::stat(pid).ok().flatten().is_none_or(|it| !it.is_alive())).then_some(()))
        .await;
}

#[tokio::test]
async fn an_agent_gets_its_own_words_and_nothing_of_the_server() {
    if !super::is_possible() {
        return;
    }
    let pane = Pane::new();
    let mut launch = pane.launch("mer-1", &["it's; \"x\"\n$(id) #{pid} #(id)", "-p;", ";"]);
    launch.environment.set("SECRET", "a;b\nc");
    let folder = pane.home.path().join("a folder; #(touch x) 'q'");
    std::fs::create_dir(&folder).expect("a folder");
    launch.folder.clone_from(&folder);
    let handle = pane.tmux.start(&launch).await.expect("a start");
    let said = pane.said("mer-1", "start ").await;
    let said: serde_json::Value = serde_json::from_str(&said["start ".len()..]).expect("JSON");
    assert_eq!(said["argv"][2], "it's; \"x\"\n$(id) #{pid} #(id)");
    assert_eq!((&said["argv"][3], &said["argv"][4]), (&"-p;".into(), &";".into()));
    assert_eq!(said["cwd"], folder.to_str().expect("text"));
    assert_eq!(said["pid"], pid(&handle), "the pane's process is the agent itself");
    let env = said["env"].as_object().expect("variables");
    assert_eq!((&env["SECRET"], &env["NUDGED_SESSION_ID"]), (&"a;b\nc".into(), &"mer-1".into()));
    assert_eq!(env["NUDGED_LAUNCH_ID"], launch.launch_id);
    assert!(
        env.contains_key("TERM") && !env.contains_key("TMUX") && !env.contains_key("TMUX_PANE")
    );
    // Nobody can read the secret in a command line, nor in a file that was left.
    let files = std::fs::read_dir(pane.home.path().join("data/tmux/launch")).expect("a folder");
    assert_eq!(files.count(), 0);
    assert_eq!(probe(&pane.tmux, &handle).await, (Alive, Alive, false));
    assert_eq!(Handle::parse(&handle.text()), Some(handle));
}

#[tokio::test]
async fn a_later_server_finds_it_and_the_start_that_it_is_of() {
    if !super::is_possible() {
        return;
    }
    let pane = Pane::new();
    let handle = pane.agent("mer-1", &[]).await;
    let later = server(pane.home.path());
    assert_eq!(
        later.find("mer-1", &handle.launch_id).await.expect("an answer"),
        Some(handle.clone())
    );
    assert_eq!(later.find("mer-1", "another").await.expect("an answer"), None);
    assert_eq!(later.find("mer", &handle.launch_id).await.expect("an answer"), None);
    let again = later.start(&pane.launch("mer-1", &[])).await;
    assert!(matches!(again, Err(RuntimeError::RunsAlready { .. })), "{again:?}");
    assert_eq!(probe(&later, &handle).await, (Alive, Alive, false));
    // A name that is the beginning of another's is another's.
    let other = pane.agent("mer-10", &[]).await;
    later.kill(&handle).await.expect("an end");
    assert_eq!(probe(&later, &other).await, (Alive, Alive, false));
    assert_eq!(probe(&later, &handle).await, (Dead, Dead, true));
}

#[tokio::test]
async fn what_a_start_that_was_cut_off_has_left_is_in_nobody_s_way() {
    if !super::is_possible() {
        return;
    }
    let pane = Pane::new();
    let launch = pane.launch("mer-1", &[]);
    let folder = pane.home.path().join("data/tmux/launch");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join(&launch.launch_id), "{\"comm").expect("a file");
    let handle = pane.tmux.start(&launch).await.expect("a start");
    assert_eq!(probe(&pane.tmux, &handle).await, (Alive, Alive, false));
    assert_eq!(std::fs::read_dir(folder).expect("a folder").count(), 0);
}

#[tokio::test]
async fn what_cannot_start_leaves_nothing() {
    if !super::is_possible() {
        return;
    }
    let pane = Pane::new();
    let with = |program: &str, name: &str| {
        let mut launch = pane.launch("mer-1", &[]);
        launch.command = vec![program.into()];
        launch.name = name.to_owned();
        launch
    };
    let missing = pane.tmux.start(&with("no-such-agent", "mer-1")).await.expect_err("missing");
    let said = missing.to_string();
    assert!(said.contains("no-such-agent") && said.contains("No such file"), "{said}");
    assert_eq!(pane.by_hand(&["list-sessions", "-F", "#{session_name}"]), "");
    for name in ["-x", "a b", "a'b", "a\nb", "a:b", "a.b", "=a", "", "#(id)"] {
        let refused = pane.tmux.start(&with("true", name)).await.expect_err("a bad name");
        assert!(matches!(refused, RuntimeError::Unstartable(_)), "{refused}");
    }
    let mut nowhere = with("true", "mer-1");
    nowhere.folder = pane.home.path().join("nowhere");
    assert!(
        pane.tmux.start(&nowhere).await.expect_err("no folder").to_string().contains("nowhere")
    );
    let mut long = with("true", "mer-1");
    long.command.push("x".repeat(200_000).into());
    assert!(pane.tmux.start(&long).await.expect_err("too long").to_string().contains("too long"));
    let files = std::fs::read_dir(pane.home.path().join("data/tmux/launch")).expect("a folder");
    assert_eq!(files.count(), 0);
}

#[tokio::test]
async fn an_end_is_seen_and_its_pane_can_be_used_again() {
    if !super::is_possible() {
        return;
    }
    let pane = Pane::new();
    let handle = pane.agent("mer-1", &[]).await;
    let other = pane.agent("mer-2", &[]).await;
    signal(pid(&handle), "-KILL");
    died(pid(&handle)).await;
    assert_eq!(probe(&pane.tmux, &handle).await, (Alive, Dead, true));
    assert_eq!(probe(&pane.tmux, &other).await, (Alive, Alive, false));
    let mut next = pane.launch("mer-1", &[]);
    next.launch_id.push_str("-2");
    let next = pane.tmux.start(&next).await.expect("a second start");
    assert_eq!(probe(&pane.tmux, &handle).await, (Dead, Dead, true));
    assert_eq!(probe(&pane.tmux, &next).await, (Alive, Alive, false));
    // A person closes the pane.
    pane.by_hand(&["kill-session", "-t", "=mer-1"]);
    died(pid(&next)).await;
    assert_eq!(probe(&pane.tmux, &next).await, (Dead, Dead, true));
}

#[tokio::test]
async fn kill_ends_all_that_bears_the_mark_and_nothing_else() {
    if !super::is_possible() {
        return;
    }
    let pane = Pane::new();
    let handle = pane.agent("mer-1", &["litter", "stubborn"]).await;
    let other = pane.agent("mer-2", &["litter"]).await;
    let litter = |line: String| line["litter ".len()..].parse::<i32>().expect("a number");
    let left = litter(pane.said("mer-1", "litter ").await);
    let theirs = litter(pane.said("mer-2", "litter ").await);
    // Its parent is gone: only the mark leads to it.
    signal(pid(&handle), "-KILL");
    died(pid(&handle)).await;
    assert!(Process::of(left).is_some_and(Process::is_alive));
    pane.tmux.kill(&handle).await.expect("an end");
    died(left).await;
    assert!(Process::of(theirs).is_some_and(Process::is_alive));
    assert_eq!(probe(&pane.tmux, &other).await, (Alive, Alive, false));
    assert_eq!(pane.by_hand(&["list-sessions", "-F", "#{session_name}"]), "mer-2\n");
    pane.tmux.kill(&handle).await.expect("a second time");
    pane.tmux.kill(&other).await.expect("an end");
    died(theirs).await;
    // TERM came first: it could say goodbye.
    pane.said("mer-2", "end").await;
}

#[tokio::test]
async fn a_lost_socket_is_mended_and_never_read_as_death() {
    if !super::is_possible() {
        return;
    }
    let pane = Pane::new();
    let handle = pane.agent("mer-1", &[]).await;
    std::fs::remove_file(pane.home.path().join("data/tmux/s")).expect("removed");
    assert_eq!(probe(&pane.tmux, &handle).await, (Alive, Alive, false));
    std::fs::remove_dir_all(pane.home.path().join("data/tmux")).expect("removed");
    assert_eq!(probe(&pane.tmux, &handle).await, (Alive, Alive, false));
    pane.agent("mer-2", &[]).await;
}

#[tokio::test]
async fn a_hung_tmux_is_a_failed_probe() {
    if !super::is_possible() {
        return;
    }
    let pane = Pane::new();
    let handle = pane.agent("mer-1", &[]).await;
    let place = Place::choose(&pane.home.path().join("data"), pane.home.path()).expect("a place");
    let hasty = Tmux::new("tmux", place, environment(), Vec::new(), Duration::from_millis(200));
    signal(server_pid(&handle), "-STOP");
    assert_eq!(probe(&hasty, &handle).await, (Failed, Alive, false));
    assert!(hasty.look(&handle).await.is_err());
    signal(server_pid(&handle), "-CONT");
    assert_eq!(probe(&pane.tmux, &handle).await, (Alive, Alive, false));
}

#[tokio::test]
async fn a_dead_server_and_a_new_start_of_the_machine_are_death_at_once() {
    if !super::is_possible() {
        return;
    }
    let pane = Pane::new();
    let mut handles = Vec::new();
    for name in ["mer-1", "mer-2", "mer-3"] {
        handles.push(pane.agent(name, &[]).await);
    }
    let mut before = handles[0].clone();
    before.pane.as_mut().expect("a pane").boot_id = "an-earlier-start".to_owned();
    assert_eq!(probe(&pane.tmux, &before).await, (Dead, Dead, true));
    pane.tmux.kill(&before).await.expect("nothing to do");
    assert_eq!(probe(&pane.tmux, &handles[0]).await, (Alive, Alive, false));
    signal(server_pid(&handles[0]), "-KILL");
    for handle in &handles {
        died(pid(handle)).await;
    }
    let found = pane.tmux.probe(&handles).await;
    assert!(found.iter().all(|it| (it.runtime, it.process, it.is_proof) == (Dead, Dead, true)));
    assert_eq!(pane.tmux.find("mer-1", "x").await.expect("an answer"), None);
    let next = pane.agent("mer-4", &[]).await;
    assert_eq!(probe(&pane.tmux, &next).await, (Alive, Alive, false));
}

#[tokio::test]
async fn missing_and_old_programs_are_named() {
    if !super::is_possible() {
        return;
    }
    let home = tempfile::tempdir().expect("a folder");
    let place = Place::choose(home.path(), home.path()).expect("a place");
    let tmux = |program: &str| {
        let limit = Duration::from_secs(5);
        Tmux::new(program, place.clone(), environment(), Vec::new(), limit)
    };
    let missing = tmux("no-such-tmux").version().await.expect_err("missing").to_string();
    assert_eq!(missing, "tmux is not installed: `no-such-tmux` was not found");
    let old = home.path().join("old");
    std::fs::write(&old, "#!/bin/sh\necho tmux 2.9a\n").expect("a script");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&old, mode).expect("a script");
    let old = tmux(old.to_str().expect("text")).version().await.expect_err("old").to_string();
    assert_eq!(old, "tmux 2.9a is too old: 3.2 or newer is needed");
    assert!(tmux("tmux").version().await.expect("a version").starts_with("tmux "));
}

#[tokio::test]
async fn a_shell_in_the_foreground_is_seen() {
    if !super::is_possible() {
        return;
    }
    let pane = Pane::new();
    let handle = pane.agent("mer-1", &["fall"]).await;
    let view = pane.tmux.look(&handle).await.expect("a look");
    assert_eq!((view.foreground, view.last_key), (Foreground::Agent, None));
    signal(pid(&handle), "-USR1");
    pane.sees(&handle, |view| view.foreground == Foreground::Shell("sh".to_owned())).await;
}

#[tokio::test]
async fn elsewhere_nothing_is_known() {
    if !super::is_possible() {
        return;
    }
    let launch = Pane::new().launch("mer-1", &[]);
    let handle = External.start(&launch).await.expect("nothing to do");
    assert_eq!(handle.pane, None);
    let found = External.probe(std::slice::from_ref(&handle)).await;
    assert_eq!((found[0].runtime, found[0].is_proof), (ProbeAnswer::Unknown, false));
    External.kill(&handle).await.expect("nothing to do");
    assert!(External.look(&handle).await.is_err());
}

/// How many panes one look reads, and how long a start takes apart from the agent: printed with `--nocapture`.
#[tokio::test]
#[ignore = "a measurement"]
async fn how_fast() {
    if !super::is_possible() {
        return;
    }
    const PANES: usize = 200;
    let pane = Pane::new();
    let launch = |number: usize| {
        let mut launch = pane.launch(&format!("m-{number}"), &[]);
        launch.command = vec!["sleep".into(), "600".into()];
        launch.environment = Environment::default().with("PATH", "/usr/bin:/bin");
        launch
    };
    let mut handles = Vec::new();
    let begun = std::time::Instant::now();
    for number in 0..PANES {
        handles.push(pane.tmux.start(&launch(number)).await.expect("a start"));
    }
    let start = begun.elapsed() / 200;
    let begun = std::time::Instant::now();
    for _ in 0..20 {
        let found = pane.tmux.probe(&handles).await;
        assert!(found.iter().all(|it| (it.runtime, it.process) == (Alive, Alive)));
    }
    let look = begun.elapsed() / 20;
    let begun = std::time::Instant::now();
    pane.tmux.kill(&handles[0]).await.expect("an end");
    let kill = begun.elapsed();
    #[expect(clippy::print_stderr, reason = "a measurement")]
    {
        eprintln!("start {start:?}; {PANES} panes probed in {look:?}; kill {kill:?}");
    }
}
