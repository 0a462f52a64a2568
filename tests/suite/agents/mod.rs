//! Agents in real tmux and real git: through the HTTP API, a real file, and a scripted agent.

mod bad_input;
mod faults;
mod ground;
mod hooks;
mod life;
mod story;

pub use ground::has_all as is_possible;
