//! Timers and tasks that are due, the head of the log, and what is swept away.

use rusqlite::{Connection, OptionalExtension, Result};

use jiff::SignedDuration;

use super::codec::{At, Json};
use super::writer::Writer;
use crate::domain::{PullId, SessionId, Subject, Task, TaskKind, TimerDue, TimerKind, Timestamp};
use crate::store::Fault;

impl Writer {
    /// Up to `limit` timers that are due, the oldest first.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn due_timers(&self, now: Timestamp, limit: usize) -> Result<Vec<TimerDue>, Fault> {
        let mut query = self.connection.prepare_cached(
            "SELECT pr_id, session_id, kind FROM timers WHERE due_at <= ?1
             ORDER BY due_at LIMIT +?2",
        )?;
        let due = query.query_map((At(now), limit as i64), |row| {
            let pull = row.get::<_, Option<_>>(0)?.map(Subject::Pull);
            let subject = match pull {
                Some(pull) => pull,
                None => Subject::Session(row.get(1)?),
            };
            Ok(TimerDue { subject, kind: row.get(2)? })
        })?;
        Ok(due.collect::<Result<_>>()?)
    }

    /// Moves a timer whose firing failed, so that it is tried again later and not at once.
    ///
    /// # Errors
    /// The row cannot be written.
    pub fn postpone_timer(&self, timer: &TimerDue, until: Timestamp) -> Result<(), Fault> {
        let (pull, session) = of(&timer.subject);
        self.connection.execute(
            "UPDATE timers SET due_at = ?4 WHERE (pr_id = ?1 OR session_id = ?2) AND kind = ?3",
            (pull, session, timer.kind, At(until)),
        )?;
        Ok(())
    }

    /// Has those of a kind that are due later than `until` be due then. Says how many.
    ///
    /// # Errors
    /// The rows cannot be written.
    pub fn bring_timers_nearer(&self, kind: TimerKind, until: Timestamp) -> Result<usize, Fault> {
        Ok(self.connection.execute(
            "UPDATE timers SET due_at = ?2 WHERE kind = ?1 AND due_at > ?2",
            (kind, At(until)),
        )?)
    }

    /// Takes a timer away.
    ///
    /// # Errors
    /// The row cannot be deleted.
    pub fn drop_timer(&self, timer: &TimerDue) -> Result<(), Fault> {
        let (pull, session) = of(&timer.subject);
        self.connection.execute(
            "DELETE FROM timers WHERE (pr_id = ?1 OR session_id = ?2) AND kind = ?3",
            (pull, session, timer.kind),
        )?;
        Ok(())
    }

    /// When the next timer is due.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn next_timer(&self) -> Result<Option<Timestamp>, Fault> {
        let next = self
            .connection
            .prepare_cached("SELECT min(due_at) FROM timers")?
            .query_row((), |row| row.get::<_, Option<At>>(0))?;
        Ok(next.map(|At(at)| at))
    }

    /// The newest `seq` that the change log has given out, 0 before the first: pruning does not lower it.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn head(&self) -> Result<i64, Fault> {
        let seq = self
            .connection
            .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'change_log'")?
            .query_row((), |row| row.get(0))
            .optional()?;
        Ok(seq.unwrap_or(0))
    }

    /// Drops up to `limit` commits with their facts, and as many comments, that no pull request has
    /// claimed since `before`. Says how many went.
    ///
    /// # Errors
    /// The rows cannot be deleted.
    pub fn drop_unclaimed(&self, before: Timestamp, limit: u32) -> Result<usize, Fault> {
        let commits = self.connection.execute(
            "DELETE FROM commits WHERE id IN
                (SELECT id FROM commits WHERE claimed = 0 AND seen_at < ?1 LIMIT +?2)",
            (At(before), limit),
        )?;
        let comments = self.connection.execute(
            "DELETE FROM comments WHERE rowid IN
                (SELECT rowid FROM comments WHERE seen_at < ?1 AND NOT EXISTS
                    (SELECT 1 FROM pr WHERE pr.repo_id = comments.repo_id
                        AND pr.number = comments.number)
                 LIMIT +?2)",
            (At(before), limit),
        )?;
        Ok(commits + comments)
    }

    /// Drops those of the `most` oldest rows of the ledger that came before `before`. Says how many went.
    ///
    /// # Errors
    /// The rows cannot be deleted.
    pub fn prune_deliveries(&self, before: Timestamp, most: u32) -> Result<usize, Fault> {
        Ok(self.connection.execute(
            "DELETE FROM deliveries
             WHERE id IN (SELECT id FROM deliveries ORDER BY id LIMIT +?2) AND received_at < ?1",
            (At(before), most),
        )?)
    }

    /// Drops the beginning of the log: of its `most` oldest rows those until the first that was written at
    /// `before` or later. Says how many went. No gap can come of it.
    ///
    /// # Errors
    /// The rows cannot be deleted.
    pub fn prune_changes(&self, before: Timestamp, most: u32) -> Result<usize, Fault> {
        Ok(self.connection.execute(
            "WITH oldest AS (SELECT seq, created_at FROM change_log ORDER BY seq LIMIT +?2)
             DELETE FROM change_log WHERE seq <= (SELECT max(seq) FROM oldest) AND seq <
                coalesce((SELECT min(seq) FROM oldest WHERE created_at >= ?1), 9223372036854775807)",
            (At(before), most),
        )?)
    }
}

fn of(subject: &Subject) -> (Option<&PullId>, Option<&SessionId>) {
    match subject {
        Subject::Pull(id) => (Some(id), None),
        Subject::Session(id) => (None, Some(id)),
    }
}

/// No attempt is put off for so long: one that would wait longer was put off by a clock that has been set back.
const LONGEST_DELAY: SignedDuration = SignedDuration::from_hours(25);

/// Tasks of a kind whose next attempt is due: the oldest of each lane, in the order of creation, at most
/// `limit`.
pub(super) fn due_tasks(
    c: &Connection,
    kind: TaskKind,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Task>> {
    let mut query = c.prepare_cached(
        "SELECT min(id), lane, payload, attempts, created_at, due_at, last_error
         FROM tasks WHERE kind = ?1 AND (due_at <= ?2 OR due_at > ?4)
         GROUP BY coalesce(lane, id) ORDER BY 1 LIMIT +?3",
    )?;
    let never = At(now.checked_add(LONGEST_DELAY).unwrap_or(Timestamp::MAX));
    let tasks = query.query_map((kind, At(now), limit as i64, never), |row| {
        let (At(created_at), At(due_at)) = (row.get(4)?, row.get(5)?);
        Ok(Task {
            lane: row.get(1)?,
            payload: row.get::<_, Json<_>>(2)?.0,
            attempts: row.get(3)?,
            created_at,
            due_at,
            last_error: row.get(6)?,
        })
    })?;
    tasks.collect()
}

/// The first instant after `now` at which a task of a kind becomes due.
pub(super) fn next_task(
    c: &Connection,
    kind: TaskKind,
    now: Timestamp,
) -> Result<Option<Timestamp>> {
    let next = c
        .prepare_cached("SELECT min(due_at) FROM tasks WHERE kind = ?1 AND due_at > ?2")?
        .query_row((kind, At(now)), |row| row.get::<_, Option<At>>(0))?;
    Ok(next.map(|At(at)| at))
}

/// How many tasks there are, and how many timers are due by `now`.
pub(super) fn backlog(c: &Connection, now: Timestamp) -> Result<(i64, i64)> {
    c.prepare_cached(
        "SELECT (SELECT count(*) FROM tasks), (SELECT count(*) FROM timers WHERE due_at <= ?1)",
    )?
    .query_row([At(now)], |row| Ok((row.get(0)?, row.get(1)?)))
}
