//! Every session is found under the status that it shows, and no list reads more because more is stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;

use super::{checked_pulls, deliveries, nudges, projects, sessions, whole_pull};
use crate::domain::{
    Audience, CiState, DisplayStatus, Mergeability, NudgeState, PrState, ReviewDecision,
    SessionState, TerminationReason,
};
use crate::store::reads::{Listed, NudgeFilter, Order, Page, PullFilter, PullName, SessionFilter};
use crate::store::sqlite::open::MIGRATIONS;
use crate::store::views::SessionView;

/// A database with the projects `big` and `small`.
fn database() -> Connection {
    let mut connection = Connection::open_in_memory().unwrap();
    MIGRATIONS.to_latest(&mut connection).unwrap();
    let projects = "INSERT INTO projects (id, repo_id, repo, repo_origin_url, display_name,
         registered_at) VALUES ('big', 1, 'o/big', '', '', ''), ('small', 2, 'o/small', '', '', '')";
    connection.execute_batch(projects).unwrap();
    connection
}

/// Sessions and pull requests, one after another.
struct Rows<'c> {
    connection: &'c Connection,
    project: &'static str,
    session: i64,
    pull: i64,
}

impl Rows<'_> {
    fn session(&mut self, state: SessionState, reason: Option<TerminationReason>) {
        self.session += 1;
        self.connection
            .prepare_cached(
                "INSERT INTO sessions (id, project_id, num, kind, session_state, termination_reason,
                    is_alive, activity_state, activity_last_at, branch, created_at, updated_at)
                 VALUES (?1 || '-' || ?2, ?1, ?2, 'external', ?3, ?4, 1, 'active', '', 'b' || ?2, '', '')",
            )
            .unwrap()
            .execute((self.project, self.session, state, reason))
            .unwrap();
    }

    /// A pull request of the session made last.
    fn pull(&mut self, (state, ci, review): Kind, mergeability: Mergeability, unresolved: i64) {
        self.pull += 1;
        self.connection
            .prepare_cached(
                "INSERT INTO pr (id, url, project_id, repo_id, number, session_id, pr_state, title,
                    author, head_ref, head_sha, head_repo_id, base_ref, base_sha, core_at,
                    review_decision, ci_state, mergeability, unresolved_comments, created_at, updated_at)
                 VALUES (?1, 'u' || ?1, ?2, iif(?2 = 'big', 1, 2), ?1, ?2 || '-' || ?3, ?4, '', '', 'b',
                    's', 1, 'main', '', '', ?6, ?5, ?7, ?8, '2026-01-01T00:00:00Z',
                    strftime('%FT%TZ', 1767225600 + ?1, 'unixepoch'))",
            )
            .unwrap()
            .execute((
                self.pull,
                self.project,
                self.session,
                state,
                ci,
                review,
                mergeability,
                unresolved,
            ))
            .unwrap();
    }
}

/// One session for each state, with each pull request that the rules can tell from others, and some with
/// two of them.
fn every_kind(connection: &Connection) {
    let mut rows = Rows { connection, project: "big", session: 0, pull: 0 };
    for state in SessionState::ALL {
        for reason in [None].into_iter().chain(TerminationReason::ALL.iter().copied().map(Some)) {
            rows.session(*state, reason);
        }
        let is_live = matches!(state, SessionState::Working | SessionState::Idle);
        for earlier in [None, Some(PrState::Closed), Some(PrState::Open)] {
            for pull in every_pull().step_by(if is_live { 1 } else { 37 }) {
                rows.session(*state, None);
                if let Some(earlier) = earlier {
                    let kind = (earlier, CiState::Unknown, ReviewDecision::None);
                    rows.pull(kind, Mergeability::Unknown, 0);
                }
                let (kind, mergeability, unresolved) = pull;
                rows.pull(kind, mergeability, unresolved);
            }
        }
    }
}

type Kind = (PrState, CiState, ReviewDecision);

fn every_pull() -> impl Iterator<Item = (Kind, Mergeability, i64)> {
    let ci = |state| CiState::ALL.iter().map(move |ci| (state, *ci));
    let review = |(state, ci)| ReviewDecision::ALL.iter().map(move |it| (state, ci, *it));
    let merge = |kind| Mergeability::ALL.iter().map(move |it| (kind, *it));
    let unresolved = |(kind, merge)| [0, 7].map(|count| (kind, merge, count));
    PrState::ALL.iter().copied().flat_map(ci).flat_map(review).flat_map(merge).flat_map(unresolved)
}

/// The keys of a whole list, page by page; each page but the last has a next one after it. Newest first it
/// is the same list the other way round.
fn walk<T>(key: fn(&T) -> i64, mut read: impl FnMut(Page) -> Listed<T>, limit: usize) -> Vec<i64> {
    let mut walk = |order| {
        let (mut keys, mut after): (Vec<i64>, Option<i64>) = (Vec::new(), None);
        loop {
            let Listed { items, next } = read(Page { after, limit, order });
            assert!(items.len() <= limit);
            keys.extend(items.iter().map(key));
            let Some(next) = next else { return keys };
            let goes_on = match order {
                Order::Oldest => after.is_none_or(|before| before < next),
                Order::Newest => after.is_none_or(|before| before > next),
            };
            assert!(goes_on, "{order:?}: {after:?}, then {next}");
            after = Some(next);
        }
    };
    let (oldest, mut newest) = (walk(Order::Oldest), walk(Order::Newest));
    newest.reverse();
    assert_eq!(oldest, newest);
    oldest
}

fn of_status(on: &Connection, status: Option<DisplayStatus>, project: Option<&str>) -> Vec<i64> {
    let filter = SessionFilter { project: project.map(str::to_owned), status };
    walk(|view: &SessionView| view.row, |page| sessions(on, &filter, page).unwrap(), 300)
}

#[test]
fn every_session_is_found_under_the_status_that_it_shows() {
    let connection = database();
    every_kind(&connection);
    let mut rows = Rows { connection: &connection, project: "small", session: 0, pull: 90_000 };
    for ci in CiState::ALL {
        rows.session(SessionState::Working, None);
        rows.pull((PrState::Open, *ci, ReviewDecision::None), Mergeability::Unknown, 0);
    }
    for project in [None, Some("big"), Some("small"), Some("none")] {
        let filter = SessionFilter { project: project.map(str::to_owned), status: None };
        let all = sessions(&connection, &filter, Page::first(1_000_000)).unwrap();
        let mut found = 0;
        for status in DisplayStatus::ALL {
            let shown = all.items.iter().filter(|view| view.status() == *status);
            let expected: Vec<i64> = shown.map(|view| view.row).collect();
            assert_eq!(of_status(&connection, Some(*status), project), expected, "{status}");
            found += expected.len();
        }
        assert_eq!(found, all.items.len());
    }
}

#[test]
fn what_is_found_often_is_found_whole_as_well() {
    let connection = database();
    let mut rows = Rows { connection: &connection, project: "big", session: 0, pull: 0 };
    for number in 0..6_000 {
        rows.session(SessionState::Working, None);
        let ci = if number % 2 == 0 { CiState::Failing } else { CiState::Passing };
        rows.pull((PrState::Open, ci, ReviewDecision::None), Mergeability::Unknown, 0);
    }
    let failing: Vec<i64> = (0..3_000).map(|number| 1 + 2 * number).collect();
    assert_eq!(of_status(&connection, Some(DisplayStatus::CiFailed), None), failing);
    // A search that finds nothing ends all the same.
    assert!(of_status(&connection, Some(DisplayStatus::Merged), None).is_empty());
}

/// So many of everything, nearly all of it of the most usual kind, and eight of some others.
fn filled(count: i64) -> Connection {
    let connection = database();
    let series = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)";
    for sql in [
        "INSERT INTO sessions (id, project_id, num, kind, session_state, is_alive, activity_state,
             activity_last_at, branch, created_at, updated_at)
         SELECT 'big-' || i, 'big', i, 'external', iif(i % (?1 / 8) = 7, 'stuck', 'working'), 1, 'active', '',
             'b' || i, '', '' FROM n",
        "INSERT INTO pr (id, url, project_id, repo_id, number, session_id, pr_state, title, author,
             head_ref, head_sha, head_repo_id, base_ref, base_sha, core_at, review_decision, ci_state,
             mergeability, created_at, updated_at)
         SELECT i, 'u' || i, 'big', 1, i, 'big-' || i, iif(i % (?1 / 8) = 3, 'draft', 'open'), '', '',
             'b' || i, 's', 1, 'main', '', '', iif(i % (?1 / 8) = 5, 'approved', 'none'),
             iif(i % (?1 / 8) = 11, 'failing', 'passing'), 'unknown', '', '' FROM n",
        "INSERT INTO nudges (project_id, session_id, pr_id, audience, kind, priority, state, signature,
             body, created_at)
         SELECT 'big', 'big-' || i, i, iif(i % (?1 / 8) = 1, 'human', 'agent'), 'ci-failed', 'action',
             iif(i % (?1 / 8) = 2, 'pending', 'superseded'), '', '', '' FROM n",
        "INSERT INTO deliveries (hook, guid, event, outcome, received_at)
         SELECT '', i, 'ping', iif(i % (?1 / 8) = 1, 'applied', 'ignored'), '' FROM n",
    ] {
        connection.execute(&format!("{series} {sql}"), [count]).unwrap();
    }
    connection
}

type Read = Box<dyn Fn(&Connection)>;

/// How many instructions of SQLite's machine a read takes once its statements are prepared.
fn work(connection: &Connection, read: &dyn Fn(&Connection)) -> u64 {
    read(connection);
    let steps = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&steps);
    let handler = move || {
        count.fetch_add(1, Ordering::Relaxed);
        false
    };
    connection.progress_handler(1, Some(handler)).unwrap();
    read(connection);
    connection.progress_handler(0, None::<fn() -> bool>).unwrap();
    steps.load(Ordering::Relaxed)
}

/// Nudges of the repository of the project `big`, as an agent asks for those of its branch.
fn in_big(branch: Option<&str>, of: &NudgeFilter) -> NudgeFilter {
    let (repo, branch) = (Some("o/big".to_owned()), branch.map(str::to_owned));
    NudgeFilter { repo, branch, ..of.clone() }
}

/// Every read, each list with that page.
fn every_read(page: Page) -> Vec<(String, Read)> {
    let mut reads: Vec<(String, Read)> = Vec::new();
    for project in [None, Some("big"), Some("small")] {
        let project = project.map(str::to_owned);
        let statuses = DisplayStatus::ALL.iter().copied().map(Some);
        for status in statuses.chain([None]) {
            let filter = SessionFilter { project: project.clone(), status };
            let read = move |on: &Connection| drop(sessions(on, &filter, page).unwrap());
            reads.push((format!("sessions {project:?} {status:?}"), Box::new(read)));
        }
        for state in PrState::ALL.iter().copied().map(Some).chain([None]) {
            let filter = PullFilter { project: project.clone(), state };
            let read = move |on: &Connection| drop(checked_pulls(on, &filter, page).unwrap());
            reads.push((format!("pulls {project:?} {state:?}"), Box::new(read)));
        }
    }
    for states in NudgeState::ALL.iter().map(|state| vec![*state]).chain([Vec::new()]) {
        for audience in [None, Some(Audience::Agent), Some(Audience::Human)] {
            let all = NudgeFilter { audience, states: states.clone(), ..NudgeFilter::default() };
            let pull = Some(PullName::Number("o/big".to_owned(), 3_000));
            for filter in [
                NudgeFilter { branch: Some("b3000".to_owned()), ..all.clone() },
                NudgeFilter { session: Some("big-3000".to_owned()), ..all.clone() },
                NudgeFilter { pull, ..all.clone() },
                in_big(Some("b3000"), &all),
                in_big(None, &all),
                NudgeFilter { project: Some("big".to_owned()), ..all.clone() },
                NudgeFilter { project: Some("small".to_owned()), ..all.clone() },
                all,
            ] {
                let what = format!("{filter:?}");
                let read = move |on: &Connection| drop(nudges(on, &filter, page).unwrap());
                reads.push((what, Box::new(read)));
            }
        }
    }
    for outcome in [None, Some("applied"), Some("ignored"), Some("quarantined")] {
        let read = move |on: &Connection| drop(deliveries(on, outcome, page).unwrap());
        reads.push((format!("deliveries {outcome:?}"), Box::new(read)));
    }
    let read = move |on: &Connection| drop(projects(on, page).unwrap());
    reads.push(("projects".to_owned(), Box::new(read)));
    for (repo, number) in [("o/big", 3_000), ("o/small", 3), ("o/none", 3)] {
        let name = PullName::Number(repo.to_owned(), number);
        let read = move |on: &Connection| drop(whole_pull(on, &name, true).unwrap());
        reads.push((format!("pull {repo} {number}"), Box::new(read)));
    }
    reads
}

#[test]
fn no_list_reads_more_because_more_is_stored() {
    let (few, many) = (filled(4_000), filled(40_000));
    let mut grown = Vec::new();
    for order in [Order::Oldest, Order::Newest] {
        for (what, read) in every_read(Page { order, ..Page::first(5) }) {
            let (little, much) = (work(&few, &*read), work(&many, &*read));
            if much > little + little / 4 + 50 {
                grown.push(format!("{what} {order:?}: {little}, then {much} steps"));
            }
        }
    }
    assert!(grown.is_empty(), "{grown:#?}");
}
