//! Ends an agent and all that it left behind.
//!
//! Hooks and tools of agents sit in process sessions of their own and outlive a SIGKILL of the agent, so its
//! terminal does not end them: they are found by descent, and by the mark in their environment.

use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fd::OwnedFd;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::time::Instant;

use super::procfs::{self, Process};

/// An agent that is asked to end says goodbye to its hooks first.
const GOODBYE: Duration = Duration::from_secs(5);
/// What it left has less to say.
const SHORT_GOODBYE: Duration = Duration::from_secs(2);
/// After SIGKILL a process is gone at once, unless it waits for a disk.
const NO_GOODBYE: Duration = Duration::from_millis(500);
/// What is killed may just have started something: it is looked again so often.
const ROUNDS: usize = 20;

/// What could not be ended: its numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left(pub Vec<i32>);

/// Ends `agent` (TERM first, so that it can say goodbye), then all that descends from it or bears `mark`
/// (`NAME=VALUE`) in its environment. How many processes were ended.
///
/// # Errors
/// Some are there still: they wait for a disk, or belong to another user.
pub async fn end(agent: Option<Process>, mark: &str, spared: &[i32]) -> Result<usize, Left> {
    let look = || look(agent, mark.to_owned(), spared.to_vec());
    let mut known = look().await;
    if let Some(agent) = agent {
        signal(&[agent], Signal::TERM);
        gone(&[agent], GOODBYE).await;
    }
    merge(&mut known, look().await);
    let left = alive(&known);
    signal(&left, Signal::TERM);
    gone(&left, SHORT_GOODBYE).await;
    for _ in 0..ROUNDS {
        merge(&mut known, look().await);
        let left = alive(&known);
        if left.is_empty() {
            return Ok(known.len());
        }
        signal(&left, Signal::KILL);
        gone(&left, NO_GOODBYE).await;
    }
    Err(Left(alive(&known).iter().map(|process| process.pid).collect()))
}

/// Reads `/proc`, which takes some milliseconds on a busy machine, beside the runtime's threads.
async fn look(agent: Option<Process>, mark: String, spared: Vec<i32>) -> Vec<Process> {
    let look = move || procfs::kin(agent, &mark, &spared);
    tokio::task::spawn_blocking(look).await.unwrap_or_default()
}

fn merge(known: &mut Vec<Process>, found: Vec<Process>) {
    for process in found {
        if !known.contains(&process) {
            known.push(process);
        }
    }
}

fn alive(known: &[Process]) -> Vec<Process> {
    known.iter().copied().filter(|process| process.is_alive()).collect()
}

/// Sends a signal to each, and to nobody who has taken over its number.
fn signal(to: &[Process], signal: Signal) {
    for fd in to.iter().filter_map(|process| watched(*process)) {
        // It may have ended meanwhile.
        let _ = pidfd_send_signal(&fd, signal);
        if signal == Signal::TERM {
            // One that was stopped would hear of it only when it goes on.
            let _ = pidfd_send_signal(&fd, Signal::CONT);
        }
    }
}

/// A descriptor of that very process.
pub fn watched(process: Process) -> Option<OwnedFd> {
    let fd = pidfd_open(Pid::from_raw(process.pid)?, PidfdFlags::empty()).ok()?;
    process.is_alive().then_some(fd)
}

/// Whether the process of a descriptor ends within a time; zero: whether it has ended.
pub fn ends_within(fd: &OwnedFd, within: Duration) -> bool {
    let mut fds = [PollFd::new(fd, PollFlags::IN)];
    let within = Timespec::try_from(within).ok();
    rustix::event::poll(&mut fds, within.as_ref()).is_ok_and(|ready| ready > 0)
}

/// Waits until all are gone, as long as `within`.
async fn gone(processes: &[Process], within: Duration) {
    let fds: Vec<OwnedFd> = processes.iter().filter_map(|process| watched(*process)).collect();
    let until = Instant::now() + within;
    let wait = move || fds.iter().all(|fd| ends_within(fd, until - Instant::now()));
    // It only waits: what is there still is looked for afterwards.
    let _ = tokio::task::spawn_blocking(wait).await;
}
