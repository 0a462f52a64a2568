//! Brings nudges to agents that run here.

use std::future::Future;
use std::pin::Pin;

use super::performer::{Performed, Performer};
use crate::domain::{Report, Task, TaskKind, TaskPayload};
use crate::session::Manager;

/// Agents that are told at once; of one agent one thing at a time.
const AT_ONCE: usize = 16;

/// Tells agents by the session manager.
pub struct DeliverNudge(pub Manager);

impl Performer for DeliverNudge {
    fn kind(&self) -> TaskKind {
        TaskKind::DeliverNudge
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    fn perform(&self, task: Task) -> Pin<Box<dyn Future<Output = Option<Performed>> + Send + '_>> {
        Box::pin(async move {
            let TaskPayload::DeliverNudge { nudge, mark } = task.payload else { return None };
            let receipt = self.0.deliver(nudge, &mark).await?;
            let report = Report::NudgeTold { nudge, receipt };
            Some(Performed { report, cause: format!("deliver:{}", nudge.0) })
        })
    }
}
