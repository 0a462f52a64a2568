//! What every store must do, through its seam alone: [`Store::open`], the writer, and the typed reads.
//!
//! A working set behind which there is nothing is the model: after each observation the store must have,
//! under every key, what the model has. Another store is held to all this by one more line at the end.

mod ledger;
mod play;
mod random;
mod sessions;

use std::collections::BTreeSet;
use std::path::Path;

use bytes::Bytes;
use jiff::SignedDuration;
use nudged::domain::{
    Activity, ActivitySource, ActivityState, Audience, CommandObservation, Delivery,
    DeliveryOutcome, Detecting, HeldReason, Nudge, NudgeId, NudgeKind, NudgeState, Observation,
    Operation, OperationKind, PermissionAnswer, ProjectConfig, ProjectId, PullId, RepoName, Report,
    Runtime, Session, SessionId, SessionKind, SessionMemory, SessionState, Subject, Task, TaskKind,
    TaskName, TaskPayload, TerminationReason, TimerDue, TimerKind, Verdict,
};
use nudged::github::webhook::understand;
use nudged::lifecycle::{Key, PullRecord, Record, Write};
use nudged::store::reads::{
    ChangeFilter, Cursor, NudgeFilter, Page, PullFilter, PullName, SessionFilter,
};
use nudged::store::views::{ObjectRef, ObjectView};
use nudged::store::{At, KnownRequest, LedgerEntry, RequestKey, Store};
use serde_json::{Value, json};

use crate::conversation::comment;
use crate::payloads::{pull, sha};
use crate::stories;
use ledger::{keeps_a_ledger, keeps_answers};
use play::{KEYS, Play, Seen, WRITES};
use random::Random;
use sessions::{follows_sessions, sessions_of_ours};

/// Random stories, and how long each is.
const STORIES: u64 = 24;
const LENGTH: usize = 90;
const ALL: Page = Page::first(1_000);

fn observed(name: &str) -> Vec<Observation> {
    let deliveries = stories::story(name);
    let read = deliveries.iter().map(|it| understand(it.event(), &it.body).verdict);
    let observed = read.filter_map(|verdict| match verdict {
        Verdict::Observed(seen) => Some(Observation::Scm(*seen.observation)),
        Verdict::Ignored(_) | Verdict::Quarantined(_) => None,
    });
    observed.collect()
}

/// Plays all fixture stories and random ones: each observation, and now and then one that is undone.
async fn follows_its_model(open: impl AsyncFn(&Path) -> Store) {
    let mut seen = Seen::default();
    let mut note = |play: &Play| {
        seen.keys.extend(&play.seen.keys);
        seen.writes.extend(&play.seen.writes);
        seen.comparisons += play.seen.comparisons;
    };
    for name in stories::names() {
        let mut play = Play::begin(&open).await;
        for observation in observed(&name) {
            play.observe(&observation);
            play.compare_all();
            play.pass(40);
            ring(&mut play);
        }
        reads_agree(&play).await;
        note(&play);
    }
    for seed in 0..STORIES {
        let (mut random, mut play) = (Random::new(seed), Play::begin(&open).await);
        for _ in 0..LENGTH {
            let observation = random.next(&play);
            if random.below(4) == 0 {
                undo(&mut play, &observation);
            }
            play.observe(&observation);
            play.pass(random.below(20) as i64);
        }
        play.compare_all();
        reads_agree(&play).await;
        let mut play = play.reopen(&open).await;
        play.compare_all();
        note(&play);
    }
    sessions_of_ours(&mut Play::begin(&open).await, &mut note);
    let names = |all: &[&'static str]| all.iter().copied().collect::<BTreeSet<_>>();
    assert_eq!(seen.keys, names(KEYS), "nothing was ever found under the other keys");
    assert_eq!(seen.writes, names(WRITES), "the other writes were never made");
    assert!(seen.comparisons > 20_000, "only {} comparisons", seen.comparisons);
}

/// Fires what is due, as the engine does.
fn ring(play: &mut Play) {
    for due in play.writer.due_timers(play.now, 100).expect("timers") {
        play.observe(&Observation::Timer(due));
    }
}

/// Makes the writes of an observation in a part that is undone, and in a transaction that is rolled back:
/// nothing is left of it.
fn undo(play: &mut Play, observation: &Observation) {
    let writes = play.reduce_taught(observation);
    let head = play.writer.head().expect("a head");
    play.commit(|writer| {
        writer.begin_part().expect("begun");
        writer.begin_part().expect("a part of a part");
        writer.apply("test:undone", &writes, play.now).expect("applied");
        writer.end_part(false).expect("the inner part is kept");
        writer.end_part(true).expect("the outer one is not, and the inner one with it");
    });
    assert_eq!(play.writer.head().expect("a head"), head);
    play.writer.begin().expect("begun");
    play.writer.apply("test:undone", &writes, play.now).expect("applied");
    play.writer.roll_back().expect("undone");
    play.writer.roll_back().expect("nothing to undo is no fault");
    assert_eq!(play.writer.head().expect("a head"), head);
    play.compare_all();
}

/// What readers are shown is what the model has.
async fn reads_agree(play: &Play) {
    let store = &play.store;
    let Some(Record::Counters(counters)) = play.model.record(&Key::Counters) else {
        panic!("no counters")
    };
    let pulls: Vec<&PullRecord> =
        (1..counters.pull).map(PullId).filter_map(|id| play.model.pull(id)).collect();
    let listed = store.pulls(PullFilter::default(), ALL).await.expect("a read");
    assert_eq!(listed.items.len(), pulls.len());
    for (shown, PullRecord { row, .. }) in listed.items.iter().zip(&pulls) {
        let view = &shown.pull;
        assert_eq!((view.id, &*view.url, view.number), (row.id.0, &*row.url, row.number));
        assert_eq!(view.project_id, *row.project_id.0);
        assert_eq!(view.session_id.as_deref(), row.session_id.as_ref().map(|id| &*id.0));
        let core = &row.core;
        assert_eq!((&*view.title, &*view.author), (&*core.title, &*core.author));
        assert_eq!((&*view.head_ref, &*view.head_sha), (&*core.head_ref, core.head_sha.as_str()));
        assert_eq!((&*view.base_ref, view.state), (&*core.base_ref, core.state));
        assert_eq!(
            (view.ci, view.review, view.mergeability),
            (row.ci, row.review, row.mergeability)
        );
        assert_eq!(view.unresolved_comments, row.unresolved_comments);
        assert_eq!(view.updated_at, At(row.updated_at).text());
        let whole = store.pull(PullName::Url(row.url.to_string()), true).await.expect("a read");
        let whole = whole.expect("the pull request by its address");
        let by_number = PullName::Number(view.repo.to_uppercase(), view.number);
        let same = store.pull(by_number, false).await.expect("a read");
        assert_eq!(same.map(|it| it.pull), Some(whole.pull));
        assert_eq!(whole.comments.items.len(), play.model.comment_rows(row.id).len());
        let rows = |sha| play.model.check_rows(row.id, sha).values();
        let at_head: BTreeSet<_> =
            rows(&core.head_sha).map(|it| (it.key.name.to_string(), it.status)).collect();
        let shown = shown.checks.items.iter().map(|it| (it.name.clone(), it.status));
        assert_eq!(shown.collect::<BTreeSet<_>>(), at_head);
    }
    let nudges: Vec<&Nudge> = (1..counters.nudge)
        .map(NudgeId)
        .filter_map(|id| play.model.nudge(id))
        .map(|it| &**it)
        .collect();
    let listed = store.nudges(NudgeFilter::default(), ALL).await.expect("a read").items;
    assert_eq!(listed.len(), nudges.len());
    for (view, nudge) in listed.iter().zip(nudges) {
        assert_eq!((view.id, view.kind, view.state), (nudge.id.0, nudge.kind, nudge.state));
        assert_eq!((&*view.body, view.attempts), (&*nudge.body, i64::from(nudge.attempts)));
        assert_eq!(view.session_id.as_deref(), nudge.session_id.as_ref().map(|id| &*id.0));
        let one = store.nudge(view.id).await.expect("a read");
        assert_eq!(one.as_ref(), Some(view));
        let named = play.writer.object(&ObjectRef::Nudge(nudge.id)).expect("a read");
        assert_eq!(named, one.map(ObjectView::Nudge));
    }
    for view in store.sessions(SessionFilter::default(), ALL).await.expect("a read").items {
        let id = SessionId(view.id.as_str().into());
        let session = play.model.session(&id).expect("a session");
        assert_eq!((view.state, view.is_alive), (session.state, session.is_alive));
        let of = play.model.pulls_of_session(&id).iter().map(|id| id.0).collect::<Vec<_>>();
        assert_eq!(view.pulls.iter().map(|pull| pull.id).collect::<Vec<_>>(), of);
        assert_eq!(store.session(view.id.clone()).await.expect("a read"), Some(view));
    }
    for view in store.projects(ALL).await.expect("a read").items {
        let project = play.model.project(&ProjectId(view.id.as_str().into())).expect("a project");
        assert_eq!(
            (&*view.repo, &*view.display_name),
            (project.repo.as_str(), &*project.display_name)
        );
        assert_eq!(
            (view.archived_at.is_some(), view.nudges_paused),
            (false, project.nudges_paused)
        );
        assert_eq!(store.project(view.id.clone()).await.expect("a read"), Some(view));
    }
    // The log: every number once, in order, and each change with its cause.
    let mut at = 0;
    loop {
        let look =
            store.changes(Cursor::Seq(at), 50, ChangeFilter::default()).await.expect("a read");
        let found = look.found.expect("nothing was pruned");
        for change in &found.changes {
            assert_eq!((change.seq, &*change.cause), (at + 1, "test:1"));
            at = change.seq;
        }
        if found.changes.is_empty() {
            break;
        }
    }
    let bounds = store.bounds().await.expect("bounds");
    assert_eq!((at, play.writer.head().expect("a head")), (bounds.head, bounds.head));
    assert_eq!((&*bounds.epoch, bounds.floor), (&*counters.epoch, 0));
}

/// A project that is registered by name.
fn configured(play: &mut Play, id: &str, repo: &str) -> ProjectId {
    let id = ProjectId(id.into());
    let config = ProjectConfig { repo: RepoName::parse(repo), ..ProjectConfig::default() };
    let asked = CommandObservation::ConfigureProject { id: id.clone(), config };
    assert!(play.observe(&Observation::Command(asked)));
    id
}

/// Numbers that are seen outside are given out once, whatever becomes of their rows.
async fn gives_out_no_number_twice(open: impl AsyncFn(&Path) -> Store) {
    let mut play = Play::begin(&open).await;
    let mut random = Random::new(4_711);
    let (mut pulls, mut nudges) = (BTreeSet::new(), BTreeSet::new());
    let mut changes = 0;
    for round in 0..120 {
        let observation = random.next(&play);
        for write in play.reduce_taught(&observation) {
            if let Write::InsertPull(row) = &write {
                assert!(pulls.insert(row.id), "{:?} again", row.id);
            }
            if let Write::InsertNudge(row) = &write {
                assert!(nudges.insert(row.id), "{:?} again", row.id);
            }
        }
        play.observe(&observation);
        let head = play.writer.head().expect("a head");
        assert!(head >= changes, "the log went back from {changes} to {head}");
        changes = head;
        if round % 30 == 29 {
            // Nothing of the log is left, and its numbers go on.
            let far = play.now.checked_add(SignedDuration::from_hours(1)).expect("an instant");
            let gone = play.commit(|writer| writer.prune_changes(far, 10_000)).expect("pruned");
            assert!(gone > 0);
            let before = play.counters();
            play = play.reopen(&open).await;
            assert_eq!(play.counters(), before);
            let bounds = play.store.bounds().await.expect("bounds");
            assert_eq!((bounds.floor, bounds.head), (head, head));
        }
    }
    assert!(pulls.len() >= 2 && nudges.len() >= 4, "{pulls:?} {nudges:?}");
}

/// Whom GitHub was asked about is kept with its answer, and so is the question that is under way.
async fn keeps_what_github_says_of_people(open: impl AsyncFn(&Path) -> Store) {
    let seen = |event: &str, payload: Value| {
        let read = understand(event, payload.to_string().as_bytes()).verdict;
        let Verdict::Observed(seen) = read else { panic!("{event} is {read:?}") };
        Observation::Scm(*seen.observation)
    };
    let mut play = Play::begin(&open).await;
    play.observe(&seen("pull_request", pull("opened", 1, &sha(1), 0, json!({}))));
    let outside = json!({"author_association": "NONE"});
    play.observe(&seen("pull_request_review_comment", comment("created", 70, 5, outside)));
    play.compare_all();
    let grace = |play: &Play| {
        let project = play.model.project(&ProjectId("roc".into())).expect("a project");
        project.people["grace"].clone()
    };
    assert!(grace(&play).is_open);
    let asked =
        play.store.due_tasks(TaskKind::AskPermission, play.now, 10).await.expect("a read").0;
    let [Task { payload: TaskPayload::AskPermission(of), .. }] = &asked[..] else {
        panic!("{asked:?}")
    };
    let (of, answer) = (of.clone(), PermissionAnswer::Known(true));
    assert!(play.observe(&Observation::Report(Report::Permission { of, answer })));
    play.compare_all();
    let mut play = play.reopen(&open).await;
    play.compare_all();
    assert_eq!((grace(&play).is_open, grace(&play).may_write), (false, Some(true)));
}

/// Timers ring when they are due, the oldest first; tasks come one a lane, and only those whose time it is.
async fn says_what_is_due(open: impl AsyncFn(&Path) -> Store) {
    let mut play = Play::begin(&open).await;
    let mut random = Random::new(99);
    let mut had = (0, 0);
    for _ in 0..150 {
        let observation = random.next(&play);
        play.observe(&observation);
        play.compare_all();
        let (now, long) = (play.now, SignedDuration::from_hours(1_000));
        let ever = now.checked_add(long).expect("an instant");
        let all = play.writer.due_timers(ever, 1_000).expect("timers");
        let at = |due: &TimerDue| play.model.timers(&due.subject)[&due.kind];
        assert!(all.is_sorted_by_key(at), "{all:?}");
        assert_eq!(play.writer.next_timer().expect("a read"), all.first().map(at));
        let due = play.writer.due_timers(now, 1_000).expect("timers");
        assert_eq!(due, all.iter().filter(|timer| at(timer) <= now).cloned().collect::<Vec<_>>());
        assert_eq!(play.writer.due_timers(now, 1).expect("timers"), due[..due.len().min(1)]);
        let open = play.store.nudges(
            NudgeFilter {
                audience: Some(Audience::Human),
                states: vec![NudgeState::Pending],
                ..NudgeFilter::default()
            },
            ALL,
        );
        let open = open.await.expect("a read").items;
        let tasks: Vec<_> = open
            .iter()
            .filter_map(|nudge| play.model.task(&TaskName::notify(NudgeId(nudge.id))).cloned())
            .collect();
        let mut waiting = tasks.len();
        // Of these each has a lane of its own.
        for kind in [
            TaskKind::FetchLog,
            TaskKind::RefreshPull,
            TaskKind::RerunChecks,
            TaskKind::AskPermission,
        ] {
            waiting += play.store.due_tasks(kind, ever, 1_000).await.expect("a read").0.len();
        }
        let backlog = play.store.backlog(now).await.expect("a read");
        assert_eq!((backlog.tasks, backlog.timers), (waiting as i64, due.len() as i64));
        let (found, next) =
            play.store.due_tasks(TaskKind::NotifyHuman, now, 1_000).await.expect("a read");
        let mut lanes = BTreeSet::new();
        let first = tasks.iter().filter(|task| task.due_at <= now);
        let first = first.filter(|task| task.lane.is_none() || lanes.insert(task.lane.clone()));
        assert_eq!(found, first.map(|task| (**task).clone()).collect::<Vec<_>>());
        assert_eq!(next, tasks.iter().map(|task| task.due_at).filter(|at| *at > now).min());
        had = (had.0.max(all.len()), had.1.max(tasks.len()));
        if let [timer, ..] = &due[..] {
            // Postponed it is still there, dropped it is not; other timers stay as they are.
            play.commit(|writer| writer.postpone_timer(timer, ever)).expect("postponed");
            assert_eq!(play.writer.due_timers(now, 1_000).expect("timers"), due[1..]);
            let both = |writer: &nudged::store::Writer| writer.drop_timer(timer);
            play.commit(both).expect("dropped");
            assert_eq!(play.writer.due_timers(ever, 1_000).expect("timers").len(), all.len() - 1);
            play.model.put_timer(&timer.subject, timer.kind, None);
            play.model.take_writes();
        }
        play.pass(15);
    }
    assert!(had.0 >= 2 && had.1 >= 2, "few timers and tasks: {had:?}");
}

/// What no pull request has claimed goes after a time, and nothing else.
async fn drops_what_nothing_claims(open: impl AsyncFn(&Path) -> Store) {
    let mut play = Play::begin(&open).await;
    let story = observed("check-before-pr");
    let is_early = |it: &&Observation| !it_shows_a_pull(it);
    let early = story.iter().find(is_early).expect("a check before its pull request");
    assert!(play.observe(early));
    let before = play.now;
    play.pass(1);
    let drop =
        |play: &Play, before| play.commit(|it| it.drop_unclaimed(before, 9)).expect("dropped");
    assert_eq!(drop(&play, before), 0, "it is not that old");
    assert_eq!(drop(&play, play.now), 1);
    let wanted = nudged::lifecycle::needs(&play.model, early);
    let at = wanted.iter().find(|key| matches!(key, Key::Commit(..))).expect("its commit");
    assert_eq!(play.fetched(std::slice::from_ref(at))[at], Record::absent(at));
    // Claimed, it stays.
    let mut play = Play::begin(&open).await;
    for observation in &story {
        play.observe(observation);
    }
    play.pass(1);
    assert_eq!(drop(&play, play.now), 0);
    play.compare_all();
}

fn it_shows_a_pull(observation: &Observation) -> bool {
    use nudged::domain::ScmObservation::{Comment, Pull, Review, Thread};
    matches!(
        observation,
        Observation::Scm(Pull { .. } | Review { .. } | Comment { .. } | Thread { .. })
    )
}

macro_rules! conforms {
    ($store:ident = $open:expr; $($rule:ident)+) => {
        mod $store {
            use super::*;
            $(#[tokio::test] async fn $rule() { super::$rule($open).await })+
        }
    };
}

conforms! {
    sqlite = async |path: &Path| Store::open(path).await.expect("a store");
    follows_its_model follows_sessions keeps_a_ledger keeps_answers gives_out_no_number_twice says_what_is_due
    drops_what_nothing_claims keeps_what_github_says_of_people
}
