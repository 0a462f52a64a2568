//! Runtimes, worktrees, harnesses and channels by themselves: in real tmux and real git, with a scripted agent that
//! behaves as badly as real ones do, and with stand-ins for the servers of Codex and opencode.

mod channel;
pub mod pane;
mod runtime;
mod screens;
mod servers;
mod workspace;

/// Whether tmux, git and Python, in which the scripted agent is written, are there. Without them a test is passed over,
/// loudly, unless all are required.
fn is_possible() -> bool {
    crate::agents::is_possible(&[("tmux", "-V"), ("git", "--version"), ("python3", "--version")])
}
