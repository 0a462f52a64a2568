//! The typed reads: plain data in, plain data out, each one short transaction. Nothing waits in one,
//! since an open read keeps the WAL from being reused.
//!
//! Each fails with the store's reason when the database cannot be read.

use super::{Store, read, schedule};
use crate::domain::{ProjectId, Task, TaskKind, Timestamp};
use crate::store::StoreError;
use crate::store::reads::{
    Backlog, Bounds, ChangeFilter, CheckedPull, Cursor, KeptDelivery, KnownPull, Listed, Look,
    NudgeFilter, Page, PullFilter, PullName, SessionFilter, WatchedProject, WholePull,
};
use crate::store::views::{DeliveryView, NudgeView, ProjectView, SessionView};

impl Store {
    /// Whether the database can be read at all, is the file that was opened, and has room to grow.
    ///
    /// # Errors
    /// It cannot, is not, or has none.
    pub async fn probe(&self) -> Result<(), StoreError> {
        self.place.check()?;
        self.place.room()?;
        self.read(|on| read::bounds(on).map(drop)).await
    }

    /// The projects that are not archived, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn projects(&self, page: Page) -> Result<Listed<ProjectView>, StoreError> {
        self.read(move |on| read::projects(on, page)).await
    }

    /// One project, archived or not.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn project(&self, id: String) -> Result<Option<ProjectView>, StoreError> {
        self.read(move |on| read::project(on, &id)).await
    }

    /// Sessions with their pull requests, in the order of their making.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn sessions(
        &self,
        filter: SessionFilter,
        page: Page,
    ) -> Result<Listed<SessionView>, StoreError> {
        self.read(move |on| read::sessions(on, &filter, page)).await
    }

    /// Sessions that something is being done to, and those whose agent runs here, oldest first, without their
    /// pull requests: what a start has to finish or take back, and what is to be probed.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn sessions_at_work(&self) -> Result<Vec<SessionView>, StoreError> {
        self.read(read::at_work).await
    }

    /// The session whose agent bears the token of that hash (SHA-256, in hex).
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn session_of_token(&self, hash: String) -> Result<Option<String>, StoreError> {
        self.read(move |on| read::of_token(on, &hash)).await
    }

    /// One session with its pull requests.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn session(&self, id: String) -> Result<Option<SessionView>, StoreError> {
        self.read(move |on| read::session(on, &id)).await
    }

    /// Pull requests with the checks of their heads, ordered by when they were first seen.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn pulls(
        &self,
        filter: PullFilter,
        page: Page,
    ) -> Result<Listed<CheckedPull>, StoreError> {
        self.read(move |on| read::checked_pulls(on, &filter, page)).await
    }

    /// One pull request with its comments and the checks of its head, or with `history` of all its
    /// commits.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn pull(
        &self,
        name: PullName,
        history: bool,
    ) -> Result<Option<WholePull>, StoreError> {
        self.read(move |on| read::whole_pull(on, &name, history)).await
    }

    /// The projects that are watched, with whether the App may ask GitHub about them.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn watched(&self) -> Result<Vec<WatchedProject>, StoreError> {
        self.read(read::watched).await
    }

    /// What is known of a project's open pull requests, and of `recent` that changed last.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn known_pulls(
        &self,
        project: ProjectId,
        recent: usize,
    ) -> Result<Vec<KnownPull>, StoreError> {
        self.read(move |on| read::known_pulls(on, &project, recent)).await
    }

    /// What is remembered of GitHub's API under a name.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn remembered(&self, name: &'static str) -> Result<Option<String>, StoreError> {
        self.read(move |on| read::remembered(on, name)).await
    }

    /// Nudges, in the order of their making.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn nudges(
        &self,
        filter: NudgeFilter,
        page: Page,
    ) -> Result<Listed<NudgeView>, StoreError> {
        self.read(move |on| read::nudges(on, &filter, page)).await
    }

    /// The ledger, newest first; with an outcome, those alone that it names.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn deliveries(
        &self,
        outcome: Option<String>,
        page: Page,
    ) -> Result<Listed<DeliveryView>, StoreError> {
        self.read(move |on| read::deliveries(on, outcome.as_deref(), page)).await
    }

    /// One delivery of the ledger, by the number of its row.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn delivery(&self, id: i64) -> Result<Option<DeliveryView>, StoreError> {
        self.read(move |on| read::delivery(on, id)).await
    }

    /// What the ledger kept of a delivery, by the number of its row.
    ///
    /// # Errors
    /// The database cannot be read, or the kept body cannot be unpacked.
    pub async fn kept_delivery(&self, id: i64) -> Result<Option<KeptDelivery>, StoreError> {
        self.read(move |on| read::kept(on, id)).await
    }

    /// Where the log of changes begins and ends.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn bounds(&self) -> Result<Bounds, StoreError> {
        self.read(read::bounds).await
    }

    /// Up to `limit` changes after a cursor that pass the filter, oldest first, and where the log
    /// began and ended then.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn changes(
        &self,
        from: Cursor,
        limit: usize,
        filter: ChangeFilter,
    ) -> Result<Look, StoreError> {
        self.read(move |on| read::look(on, &from, limit, &filter)).await
    }

    /// One nudge.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn nudge(&self, id: i64) -> Result<Option<NudgeView>, StoreError> {
        self.read(move |on| read::nudge(on, id)).await
    }

    /// Tasks of a kind whose next attempt is due, the oldest of each lane, at most `limit`; and when the
    /// next is due after `now`.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn due_tasks(
        &self,
        kind: TaskKind,
        now: Timestamp,
        limit: usize,
    ) -> Result<(Vec<Task>, Option<Timestamp>), StoreError> {
        self.read(move |on| {
            Ok((schedule::due_tasks(on, kind, now, limit)?, schedule::next_task(on, kind, now)?))
        })
        .await
    }

    /// Whether a request was carried out under that key and is remembered.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn knows_key(&self, key: String) -> Result<bool, StoreError> {
        self.read(move |on| {
            on.prepare_cached("SELECT 1 FROM idempotency WHERE key = ?1")?.exists([key])
        })
        .await
    }

    /// What waits to be done.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn backlog(&self, now: Timestamp) -> Result<Backlog, StoreError> {
        let (tasks, timers) = self.read(move |on| schedule::backlog(on, now)).await?;
        Ok(Backlog { tasks, timers })
    }
}
