//! Telling agents: by a paste into a terminal that misbehaves, and by a hook that waits.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nudged::session::channel::begin::{Beginning, Begun};
use nudged::session::channel::{Addressee, Channels, Doing, Message, Record, Told, Voice, wake};
use nudged::session::harness::{ChannelName, Family, Harness, Harnesses};
use nudged::session::runtime::{Handle, Runtime};

use super::pane::{Pane, signal, until};

/// A scripted agent in a pane, with a folder.
pub struct Desk {
    pub pane: Pane,
    pub channels: Channels,
    pub harness: Harness,
    pub handle: Handle,
    pub folder: PathBuf,
    /// How often something was let go.
    left: Arc<AtomicU32>,
}

impl Desk {
    pub async fn new(manners: &[&str]) -> Self {
        let pane = Pane::new();
        let handle = pane.agent("mer-1", manners).await;
        let tmux: Arc<dyn Runtime> = Arc::new(super::pane::server(pane.home.path()));
        let folder = pane.home.path().join("session");
        std::fs::create_dir(&folder).expect("a folder");
        let all = Harnesses::new(&std::collections::BTreeMap::new()).expect("harnesses");
        let mut harness = all.get("claude-code").expect("a harness").clone();
        harness.deliver = vec![ChannelName::Paste];
        let left = Arc::default();
        Self { channels: Channels::new(tmux), pane, harness, handle, folder, left }
    }

    pub fn to(&self) -> Addressee<'_> {
        Addressee {
            session_id: "mer-1",
            harness: &self.harness,
            handle: &self.handle,
            workspace: self.pane.home.path(),
            folder: &self.folder,
            agent_session_id: None,
            transcript: None,
        }
    }

    pub fn nudge(number: u32, summary: &str) -> Message {
        Message {
            mark: format!("[nudge {number}]"),
            voice: Voice::Nudged,
            summary: summary.to_owned(),
            text: "The log\nsays so.".to_owned(),
            place: format!("nudged nudges show {number}"),
        }
    }

    pub async fn tell(&self, message: &Message) -> Told {
        let left = Arc::clone(&self.left);
        let leave = move || {
            let left = Arc::clone(&left);
            async move {
                left.fetch_add(1, Ordering::SeqCst);
                true
            }
        };
        self.channels.deliver(&self.to(), message, &leave).await
    }

    pub fn left(&self) -> u32 {
        self.left.load(Ordering::SeqCst)
    }

    fn submitted(&self) -> Vec<String> {
        self.pane.submitted("mer-1")
    }

    fn misbehave(&self) {
        signal(self.handle.pane.as_ref().expect("a pane").process.pid, "-USR1");
    }
}

const LINE: &str = "[nudge 1] CI failed. Read it all with: nudged nudges show 1";

#[tokio::test]
async fn one_short_line_is_pasted_and_submitted_once() {
    if !super::is_possible() {
        return;
    }
    let desk = Desk::new(&["swallow", "collapse", "suggests"]).await;
    let told = desk.tell(&Desk::nudge(1, "CI\u{1b}[31m failed\u{9b}1m\n\r")).await;
    assert_eq!(told, Told::Handed);
    assert_eq!(
        desk.submitted(),
        ["[nudge 1] CI[31m failed1m. Read it all with: nudged nudges show 1"]
    );
    assert_eq!(desk.left(), 1);
    let long = "x ".repeat(2_000);
    assert_eq!(desk.tell(&Desk::nudge(2, &long)).await, Told::Handed);
    let said = desk.submitted().pop().expect("a prompt");
    assert!(
        said.chars().count() <= 700 && said.ends_with("Read it all with: nudged nudges show 2"),
        "{said}"
    );
    let person = Message { voice: Voice::Person, text: "/clear".to_owned(), ..Desk::nudge(3, "") };
    assert_eq!(desk.tell(&person).await, Told::Handed);
    assert_eq!(desk.submitted().pop().as_deref(), Some("> /clear"));
}

#[tokio::test]
async fn a_deaf_agent_gets_two_more_enters_and_no_third() {
    if !super::is_possible() {
        return;
    }
    let desk = Desk::new(&["deaf:2"]).await;
    assert_eq!(desk.tell(&Desk::nudge(1, "CI failed")).await, Told::Handed);
    assert_eq!(desk.submitted(), [LINE]);
    let desk = Desk::new(&["deaf:9"]).await;
    let told = desk.tell(&Desk::nudge(1, "CI failed")).await;
    assert!(
        matches!(&told, Told::Unconfirmed { reason } if reason.contains("no Enter")),
        "{told:?}"
    );
    let record = desk.channels.look(&desk.to(), "[nudge 1]", Duration::from_secs(60)).await;
    assert!(
        matches!(&record, Record::Unknown { reason } if reason.contains("composer")),
        "{record:?}"
    );
    assert_eq!(desk.submitted(), [""; 0]);
}

#[tokio::test]
async fn nothing_is_typed_where_something_else_would_take_it() {
    if !super::is_possible() {
        return;
    }
    let cases: [(&[&str], &str); 5] = [
        (&["trust"], "a dialog"),
        (&["draft"], "draft"),
        (&["shellmode"], "shell mode"),
        (&["nocomposer"], "composer is not there"),
        (&["fall"], "a shell"),
    ];
    for (manners, why) in cases {
        let desk = Desk::new(manners).await;
        if manners == ["fall"] {
            desk.misbehave();
            desk.pane
                .sees(&desk.handle, |view| format!("{:?}", view.foreground).contains("Shell"))
                .await;
        }
        let told = desk.tell(&Desk::nudge(1, "CI failed")).await;
        assert!(
            matches!(&told, Told::NotNow { reason, .. } if reason.contains(why)),
            "{why}: {told:?}"
        );
        assert_eq!((desk.submitted().len(), desk.left()), (0, 0), "{why}");
        let view = desk.pane.tmux.look(&desk.handle).await.expect("a look");
        assert!(!view.screen.shows("[nudge 1]"), "{why}");
    }
}

#[tokio::test]
async fn a_dialog_before_enter_gets_no_enter() {
    if !super::is_possible() {
        return;
    }
    // It comes up at the first submit: what is told then waits.
    let desk = Desk::new(&["asks"]).await;
    assert_eq!(desk.tell(&Desk::nudge(1, "CI failed")).await, Told::Handed);
    let told = desk.tell(&Desk::nudge(2, "x")).await;
    assert!(
        matches!(&told, Told::NotNow { reason, .. } if reason.contains("a dialog")),
        "{told:?}"
    );
    let doing = desk.channels.doing(&desk.to()).await;
    assert!(
        matches!(&doing, Doing::Waiting { shown } if shown.contains("rm -rf build")),
        "{doing:?}"
    );
    // In the middle of a paste.
    let desk = Desk::new(&["ask", "deaf:9"]).await;
    let message = Desk::nudge(3, "x");
    let telling = desk.tell(&message);
    let dialog = async {
        desk.pane.sees(&desk.handle, |view| view.screen.shows("[nudge 3]")).await;
        desk.misbehave();
    };
    let (told, ()) = tokio::join!(telling, dialog);
    assert!(matches!(&told, Told::Unconfirmed { .. }), "{told:?}");
    let log = std::fs::read_to_string(desk.pane.log("mer-1")).expect("a log");
    assert!(!log.contains("yes"), "{log}");
}

#[tokio::test]
async fn a_refusal_leaves_nothing() {
    if !super::is_possible() {
        return;
    }
    let desk = Desk::new(&[]).await;
    let told = desk.channels.deliver(&desk.to(), &Desk::nudge(1, "x"), &|| async { false }).await;
    assert_eq!(told, Told::Refused);
    assert_eq!(desk.channels.look(&desk.to(), "[nudge 1]", Duration::ZERO).await, Record::Absent);
    assert!(!desk.pane.tmux.look(&desk.handle).await.expect("a look").screen.shows("[nudge 1]"));
}

#[tokio::test]
async fn out_of_copy_mode_and_while_busy() {
    if !super::is_possible() {
        return;
    }
    let desk = Desk::new(&["busy"]).await;
    assert_eq!(desk.channels.doing(&desk.to()).await, Doing::Working);
    desk.pane.by_hand(&["copy-mode", "-t", "=mer-1:"]);
    assert_eq!(desk.tell(&Desk::nudge(1, "CI failed")).await, Told::Handed);
    assert_eq!(desk.submitted(), [LINE]);
}

#[tokio::test]
async fn an_end_in_the_moment_of_the_paste_takes_nothing_with_it() {
    if !super::is_possible() {
        return;
    }
    let desk = Desk::new(&["die"]).await;
    let other = desk.pane.agent("mer-2", &[]).await;
    let channels = desk.channels.clone();
    let pid = desk.handle.pane.as_ref().expect("a pane").process.pid;
    let die = move || async move {
        signal(pid, "-USR1");
        until(pid, || {
            let stat = nudged::session::runtime::procfs::stat(pid).ok().flatten();
            stat.is_none_or(|it| !it.is_alive()).then_some(())
        })
        .await;
        true
    };
    let told = channels.deliver(&desk.to(), &Desk::nudge(1, "x"), &die).await;
    assert!(matches!(told, Told::NotNow { .. }), "{told:?}");
    assert!(desk.pane.tmux.look(&other).await.is_ok());
}

#[tokio::test]
async fn a_first_prompt_waits_for_the_composer_and_for_a_dialog() {
    if !super::is_possible() {
        return;
    }
    let mut desk = Desk::new(&["trust"]).await;
    let begin = |prompt| Beginning { prompt, launch_id: "l", patience: Duration::from_secs(5) };
    let begun = desk.channels.begin(&desk.to(), begin(Some("do it"))).await;
    assert!(
        matches!(&begun, Begun::Waiting { shown } if shown.contains("Do you trust")),
        "{begun:?}"
    );
    assert!(desk.submitted().is_empty());
    desk.handle = desk.pane.agent("mer-2", &[]).await;
    let begun = desk.channels.begin(&desk.to(), begin(Some("do\nit"))).await;
    assert!(matches!(begun, Begun::Started { .. }), "{begun:?}");
    assert_eq!(desk.pane.submitted("mer-2"), ["do it"]);
    desk.harness.family = Family::Other;
    let begun = desk.channels.begin(&desk.to(), begin(Some(&"long ".repeat(400)))).await;
    assert!(matches!(begun, Begun::Started { .. }), "{begun:?}");
    assert!(desk.pane.submitted("mer-2")[1].contains(".nudged/prompt.md"));
}

/// A hook that waits, as a child of a stand-in for its agent.
struct Hook {
    parent: Child,
}

impl Hook {
    fn start(desk: &Desk) -> Self {
        let mut sh = Command::new("sh");
        // Its parent stays a shell, which ends when its stdin does.
        sh.args(["-c", "\"$0\" hooks wait 2>\"$1\" & wait $!; echo $? >\"$1.status\"; read end"]);
        sh.arg(env!("CARGO_BIN_EXE_nudged")).arg(desk.folder.join("woken"));
        sh.env("NUDGED_FOLDER", &desk.folder).stdin(Stdio::piped());
        Self { parent: sh.spawn().expect("sh") }
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.parent.kill();
        let _ = self.parent.wait();
    }
}

async fn armed(desk: &Desk, is: bool) {
    until("a hook that waits", || (wake::is_armed(&desk.folder) == is).then_some(())).await;
}

#[tokio::test]
async fn a_hook_that_waits_is_woken_with_the_whole_text() {
    if !super::is_possible() {
        return;
    }
    let mut desk = Desk::new(&[]).await;
    desk.harness.deliver = vec![ChannelName::Hook];
    // None waits: nothing leaves.
    let told = desk.tell(&Desk::nudge(1, "CI failed")).await;
    assert!(
        matches!(&told, Told::NotNow { reason, .. } if reason.contains("no hook waits")),
        "{told:?}"
    );
    assert_eq!(desk.left(), 0);
    let first = Hook::start(&desk);
    armed(&desk, true).await;
    // A person's words never go this way.
    let person = Message { voice: Voice::Person, ..Desk::nudge(2, "x") };
    assert!(matches!(desk.tell(&person).await, Told::NotNow { .. }));
    assert_eq!(desk.tell(&Desk::nudge(1, "CI failed")).await, Told::Handed);
    let woken = desk.folder.join("woken");
    let status = until("a status", || {
        std::fs::read_to_string(desk.folder.join("woken.status")).ok().filter(|it| !it.is_empty())
    })
    .await;
    assert_eq!(status.trim(), "2");
    assert_eq!(
        std::fs::read_to_string(&woken).expect("a text"),
        "[nudge 1] CI failed\n\nThe log\nsays so.\n"
    );
    armed(&desk, false).await;
    drop(first);
    // It was taken, and there is no transcript: that cannot be known; one that was never offered is absent.
    let later = Duration::from_secs(60);
    assert!(matches!(
        desk.channels.look(&desk.to(), "[nudge 1]", later).await,
        Record::Unknown { .. }
    ));
    assert_eq!(desk.channels.look(&desk.to(), "[nudge 1]", Duration::ZERO).await, Record::Waiting);
    assert_eq!(desk.channels.look(&desk.to(), "[nudge 9]", later).await, Record::Absent);
}

#[tokio::test]
async fn a_hook_ends_with_its_agent_and_its_lock_is_free() {
    if !super::is_possible() {
        return;
    }
    let mut desk = Desk::new(&[]).await;
    desk.harness.deliver = vec![ChannelName::Hook];
    let first = Hook::start(&desk);
    armed(&desk, true).await;
    drop(first);
    armed(&desk, false).await;
    let second = Hook::start(&desk);
    armed(&desk, true).await;
    // A third one, of another parent, gives up by itself; the second still has the lock.
    assert_eq!(desk.tell(&Desk::nudge(1, "x")).await, Told::Handed);
    drop(second);
}

/// An agent that is woken by its hook again and again, while somebody ends the hook at any moment: what was taken
/// back was never heard, nothing is heard twice, and what may be lost is known to be unknown.
#[tokio::test]
async fn ends_of_the_hook_at_any_moment_lose_nothing_unseen() {
    if !super::is_possible() {
        return;
    }
    const NUDGES: u32 = 40;
    let mut desk = Desk::new(&[]).await;
    desk.harness.deliver = vec![ChannelName::Hook];
    let heard = desk.folder.join("heard");
    let mut sh = Command::new("sh");
    sh.args([
        "-c",
        "while :; do \"$0\" hooks wait 2>\"$1.new\"; test $? = 2 && cat \"$1.new\" >>\"$1\"; done",
    ]);
    sh.arg(env!("CARGO_BIN_EXE_nudged")).arg(&heard).env("NUDGED_FOLDER", &desk.folder);
    let agent = Hook { parent: sh.stdin(Stdio::piped()).spawn().expect("sh") };
    let parent = agent.parent.id().cast_signed();
    let hooks = || {
        let all = nudged::session::runtime::procfs::all();
        all.into_iter()
            .filter(|it| it.parent == parent && it.is_alive())
            .map(|it| it.pid)
            .collect::<Vec<_>>()
    };
    let (mut lost, mut again) = (0, 0);
    for number in 1..=NUDGES {
        loop {
            armed(&desk, true).await;
            let message = Desk::nudge(number, "x");
            let telling = desk.tell(&message);
            let ending = async {
                tokio::time::sleep(Duration::from_micros(rand::random_range(0..6_000))).await;
                for pid in hooks() {
                    // It may have ended by itself.
                    let _ = Command::new("kill")
                        .args(["-KILL", &pid.to_string()])
                        .stderr(Stdio::null())
                        .status();
                }
            };
            let (told, ()) = tokio::join!(telling, ending);
            match told {
                Told::Handed => break,
                Told::NotNow { .. } => again += 1,
                other @ (Told::Delivered | Told::Unconfirmed { .. } | Told::Refused) => {
                    panic!("{other:?}")
                }
            }
        }
        let mark = format!("[nudge {number}] ");
        let count = || std::fs::read_to_string(&heard).unwrap_or_default().matches(&mark).count();
        // Once the next hook waits, the one before has said all it will.
        armed(&desk, true).await;
        if count() == 0 {
            lost += 1;
            let mark = mark.trim();
            let record = desk.channels.look(&desk.to(), mark, Duration::from_secs(60)).await;
            assert!(matches!(record, Record::Unknown { .. }), "{mark}: {record:?}");
        }
    }
    let text = std::fs::read_to_string(&heard).unwrap_or_default();
    for number in 1..=NUDGES {
        assert!(
            text.matches(&format!("[nudge {number}] ")).count() <= 1,
            "{number} was heard twice"
        );
    }
    assert!(lost < NUDGES, "all were lost; {again} were told again");
}
