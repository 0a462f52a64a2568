//! Looks at agents of which nothing was heard for long.

use std::future::Future;
use std::pin::Pin;

use super::performer::{Performed, Performer};
use crate::domain::{Task, TaskKind, TaskPayload};
use crate::session::Manager;

/// Terminals that are looked at at once.
const AT_ONCE: usize = 8;

/// Looks at agents by the session manager.
pub struct LookAgain(pub Manager);

impl Performer for LookAgain {
    fn kind(&self) -> TaskKind {
        TaskKind::LookAgain
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    /// What is found is an observation of the session, which takes the task off: there is nothing more to report.
    fn perform(&self, task: Task) -> Pin<Box<dyn Future<Output = Option<Performed>> + Send + '_>> {
        Box::pin(async move {
            if let TaskPayload::LookAgain { session } = task.payload {
                self.0.look_again(&session.0).await;
            }
            None
        })
    }
}
