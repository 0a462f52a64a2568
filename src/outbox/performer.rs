//! The work behind a kind of task.

use std::future::Future;
use std::pin::Pin;

use crate::domain::{Report, Task, TaskKind};

/// What came of an attempt.
#[derive(Debug)]
pub struct Performed {
    pub report: Report,
    /// Who causes the changes that come of it, such as `notify:7`.
    pub cause: String,
}

/// The work behind a kind of task.
pub trait Performer: Send + Sync {
    /// The kind that it performs.
    fn kind(&self) -> TaskKind;

    /// How many tasks of the kind may be under way at once.
    fn at_once(&self) -> usize;

    /// Makes one attempt. `None`: it could not even be begun, and is tried again.
    fn perform(&self, task: Task) -> Pin<Box<dyn Future<Output = Option<Performed>> + Send + '_>>;
}
