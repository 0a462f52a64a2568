//! After a new start of the machine: the sessions that it has ended are restored where their project says so, one after
//! the other. Which these are is kept in a file, so that a server that is cut off meanwhile goes on with the rest.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::tools::{Halt, Tools, raised};
use crate::api::new_launch_id;
use crate::domain::{Observation, SessionCommand, SessionId, TerminationReason};
use crate::session::harness::notes::replace;
use crate::session::runtime::Handle;
use crate::session::runtime::procfs::boot_id;
use crate::store::views::SessionView;

/// Between two restores: agents are hungry when they start.
const STAGGER: Duration = Duration::from_secs(1);

/// The start of the machine that was last seen, and what is still to be restored after it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct BootFile {
    boot_id: String,
    to_restore: Vec<String>,
}

impl BootFile {
    fn read(path: &Path) -> Self {
        let text = fs::read(path).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    fn write(&self, path: &Path) -> io::Result<()> {
        replace(path, &serde_json::to_vec(self)?, 0o600)
    }
}

/// What is to be restored, as it was found before anybody looked whether agents are alive.
pub(super) struct Restores {
    path: PathBuf,
    file: BootFile,
}

/// Looks what a new start of the machine has ended.
pub(super) async fn find(tools: &Tools) -> Result<Restores, Halt> {
    let path = tools.plan.data.join("boot.json");
    let mut file = BootFile::read(&path);
    let Some(now) = boot_id() else { return Ok(Restores { path, file: BootFile::default() }) };
    let rows = tools.store.sessions_at_work().await?;
    let ended = rows.iter().filter(|row| is_ended_by_boot(row, &now));
    let wanted = ended.filter(|row| tools.project_plan(&row.project_id).restores_on_boot);
    let fresh: Vec<String> = wanted.map(|row| row.id.clone()).collect();
    let before = file.clone();
    file.boot_id = now;
    file.to_restore.extend(fresh.into_iter().filter(|id| !before.to_restore.contains(id)));
    if file != before {
        file.write(&path)?;
    }
    Ok(Restores { path, file })
}

/// Its agent was alive in an earlier start of the machine.
fn is_ended_by_boot(row: &SessionView, now: &str) -> bool {
    let handle = row.runtime_handle.as_deref().and_then(Handle::parse);
    let pane = handle.and_then(|handle| handle.pane);
    row.operation.is_none() && !row.state.is_terminal() && pane.is_some_and(|it| it.boot_id != now)
}

impl Restores {
    /// Restores one after the other.
    pub(super) async fn run(mut self, tools: Arc<Tools>) {
        let mut shutdown = tools.shutdown.clone();
        while let Some(id) = self.file.to_restore.first().cloned() {
            let restored = tokio::select! {
                restored = restore(&tools, &id) => restored,
                () = raised(&mut shutdown) => return,
            };
            match restored {
                Ok(()) => {}
                Err(Halt::Left) => return,
                Err(Halt::Failed(reason)) => {
                    tracing::warn!(
                        session = id,
                        reason,
                        "it is not restored after the machine's start"
                    );
                }
            }
            self.file.to_restore.remove(0);
            if let Err(error) = self.file.write(&self.path) {
                tracing::warn!(%error, "what is still to be restored cannot be kept");
            }
            if !self.file.to_restore.is_empty() {
                tokio::time::sleep(STAGGER).await;
            }
        }
    }
}

/// Restores one, and waits until that is done.
async fn restore(tools: &Tools, id: &str) -> Result<(), Halt> {
    let mut news = tools.engine.commits();
    let mut asked = false;
    loop {
        news.borrow_and_update();
        let row = tools.row(id).await?;
        if row.operation.is_none() && row.state.is_terminal() {
            if asked || row.termination_reason != Some(TerminationReason::RuntimeLost) {
                return match row.failure {
                    Some(failure) if asked => Err(Halt::Failed(failure)),
                    _ => Ok(()),
                };
            }
            asked = true;
            let (session, launch_id) = (SessionId(id.into()), new_launch_id());
            let wanted = SessionCommand::Restore { session, launch_id, is_fresh: false };
            let observation: Box<Observation> = wanted.into();
            if let Err(refusal) = tools.store(*observation, "boot").await? {
                return Err(Halt::Failed(refusal.to_string()));
            }
            continue;
        }
        if asked && row.operation.is_none() {
            return Ok(());
        }
        if news.changed().await.is_err() {
            return Err(Halt::Left);
        }
    }
}
