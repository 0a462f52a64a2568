//! What the typed reads are asked and what they answer: plain data without a trace of how it is
//! stored.
//!
//! Lists are paged by the number of the row, so that rows which come or go meanwhile never make a
//! page repeat or skip one.

use super::views::{Change, CheckView, CommentView, PullView};
use crate::domain::{
    ApiAccess, Audience, CommitSha, DisplayStatus, Mergeability, NudgeState, PrState, ProjectId,
    RepoId, RepoName, Timestamp,
};

/// The largest body of a delivery that is taken, and kept where it has to be quarantined: GitHub
/// sends no larger one (25 MiB, by its documentation of webhooks).
pub const LARGEST_BODY: usize = 26_214_400;

/// What one answer weighs at most, in bytes of text: a page ends before it would weigh more, unless it has
/// nothing but one item that does.
pub const HEAVIEST_ANSWER: usize = 8 * 1024 * 1024;

/// Which part of a list.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// The row number that the page before ended with.
    pub after: Option<i64>,
    /// At most this many; fewer where they are heavy.
    pub limit: usize,
    pub order: Order,
}

/// Whether a list begins with what came first or with what came last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    #[default]
    Oldest,
    Newest,
}

impl Page {
    /// The beginning of a list, oldest first.
    pub const fn first(limit: usize) -> Self {
        Self { after: None, limit, order: Order::Oldest }
    }

    /// The row number that a page without one before it begins beyond.
    pub fn beyond(&self) -> i64 {
        self.after.unwrap_or(match self.order {
            Order::Oldest => 0,
            Order::Newest => i64::MAX,
        })
    }
}

/// Part of a list.
#[derive(Debug, Clone)]
pub struct Listed<T> {
    pub items: Vec<T>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<i64>,
}

/// How callers name a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PullName {
    Url(String),
    /// `owner/name`, compared without case, and the number.
    Number(String, i64),
}

/// Which nudges are wanted; what is `None` or empty does not restrict.
#[derive(Debug, Clone, Default)]
pub struct NudgeFilter {
    /// `owner/name`, compared without case.
    pub repo: Option<String>,
    pub project: Option<String>,
    pub session: Option<String>,
    pub pull: Option<PullName>,
    /// The branch of the session, which is that of its pull requests.
    pub branch: Option<String>,
    pub audience: Option<Audience>,
    pub states: Vec<NudgeState>,
}

/// Which sessions are wanted; what is `None` does not restrict.
#[derive(Debug, Clone, Default)]
pub struct SessionFilter {
    pub project: Option<String>,
    /// Derived on read, so it is searched for: a page may end before it is full.
    pub status: Option<DisplayStatus>,
}

/// Which pull requests are wanted; what is `None` does not restrict.
#[derive(Debug, Clone, Default)]
pub struct PullFilter {
    pub project: Option<String>,
    pub state: Option<PrState>,
}

/// A pull request with its checks.
#[derive(Debug, Clone)]
pub struct CheckedPull {
    pub pull: PullView,
    pub checks: Portion<CheckView>,
}

/// A pull request with what hangs on it.
#[derive(Debug, Clone)]
pub struct WholePull {
    pub pull: PullView,
    pub checks: Portion<CheckView>,
    pub comments: Portion<CommentView>,
}

/// The beginning of something that may be too long to be read whole.
#[derive(Debug, Clone)]
pub struct Portion<T> {
    pub items: Vec<T>,
    /// There are more than were read.
    pub more: bool,
}

/// What the ledger kept of a delivery, for doing it again.
#[derive(Debug, Clone)]
pub struct KeptDelivery {
    pub event: String,
    /// What it became, as JSON.
    pub observation: Option<String>,
    /// The raw body.
    pub body: Option<Vec<u8>>,
}

/// A project whose repository is compared with GitHub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedProject {
    pub id: ProjectId,
    pub repo: RepoName,
    /// `None` until something was seen of it.
    pub repo_id: Option<RepoId>,
    /// Whether the App was told to stop asking.
    pub access: ApiAccess,
}

/// What a comparison with GitHub has to know of a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPull {
    pub number: i64,
    pub state: PrState,
    pub head: CommitSha,
    /// The stamp of what is known of the pull request itself.
    pub core_at: Timestamp,
    pub mergeability: Mergeability,
    /// Commits that were its head, the newest first; not all of very many.
    pub old_heads: Vec<CommitSha>,
}

/// What waits to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlog {
    /// Nudges on their way to the human.
    pub tasks: i64,
    /// Timers that are due and have not fired.
    pub timers: i64,
}

/// Every `event_type` that the triggers write.
pub const CHANGE_TYPES: &[&str] = &[
    "project_registered",
    "session_created",
    "session_updated",
    "pr_created",
    "pr_updated",
    "pr_check_recorded",
    "pr_comment_recorded",
    "nudge_created",
    "nudge_updated",
];

/// Which changes are wanted: an empty list wants all.
#[derive(Debug, Clone, Default)]
pub struct ChangeFilter {
    pub projects: Vec<String>,
    pub sessions: Vec<String>,
    pub types: Vec<String>,
}

/// Where the log begins and ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// The epoch of the database: part of every cursor.
    pub epoch: String,
    /// The newest `seq` ever written.
    pub head: i64,
    /// The oldest cursor that misses nothing: one less than the oldest row kept.
    pub floor: i64,
}

/// What one look at the log found.
#[derive(Debug, Clone)]
pub struct Found {
    pub changes: Vec<Change>,
    /// Everything up to here was looked at.
    pub reached: i64,
    /// More would have been too heavy for one answer.
    pub heavy: bool,
}

/// Where a reader of the log stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cursor {
    /// So many changes before wherever the log ends now, or where it begins.
    Newest(i64),
    /// After this `seq`, of whatever epoch.
    Seq(i64),
    /// After this `seq` of the epoch.
    Of { epoch: String, seq: i64 },
}

impl Cursor {
    /// The `seq` to go on from.
    ///
    /// # Errors
    /// Going on from there would miss something, or is not possible at all.
    pub fn position(&self, at: &Bounds) -> Result<i64, CursorFault> {
        let seq = match self {
            Self::Newest(count) => return Ok(at.floor.max(at.head.saturating_sub(*count))),
            Self::Of { epoch, .. } if *epoch != at.epoch => return Err(CursorFault::OtherEpoch),
            Self::Seq(seq) | Self::Of { seq, .. } => *seq,
        };
        if seq < at.floor {
            Err(CursorFault::Pruned)
        } else if seq > at.head {
            Err(CursorFault::AboveHead)
        } else {
            Ok(seq)
        }
    }
}

/// Why a reader cannot go on from where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CursorFault {
    /// Changes after it are no longer there.
    Pruned,
    /// It was given out before the database was restored from a copy.
    OtherEpoch,
    /// The log has not come so far.
    AboveHead,
}

/// One look at the log: where it began and ended, and what followed a cursor.
#[derive(Debug, Clone)]
pub struct Look {
    pub at: Bounds,
    pub found: Result<Found, CursorFault>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_refused_where_it_would_miss_something() {
        let at = |floor, head| Bounds { epoch: "e1".into(), head, floor };
        let of = |epoch: &str, seq| Cursor::Of { epoch: epoch.into(), seq };
        for (cursor, bounds, position) in [
            (Cursor::Seq(0), at(0, 0), Ok(0)),
            (Cursor::Newest(0), at(5, 9), Ok(9)),
            (Cursor::Newest(3), at(5, 9), Ok(6)),
            (Cursor::Newest(100), at(5, 9), Ok(5)),
            (Cursor::Seq(5), at(5, 9), Ok(5)),
            (of("e1", 9), at(5, 9), Ok(9)),
            (Cursor::Seq(4), at(5, 9), Err(CursorFault::Pruned)),
            (Cursor::Seq(0), at(5, 9), Err(CursorFault::Pruned)),
            (Cursor::Seq(10), at(5, 9), Err(CursorFault::AboveHead)),
            (of("e2", 7), at(5, 9), Err(CursorFault::OtherEpoch)),
        ] {
            assert_eq!(cursor.position(&bounds), position, "{cursor:?} of {bounds:?}");
        }
    }
}
