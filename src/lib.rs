//! nudged: the server that stands between GitHub and coding agents.
//!
//! `docs/ARCHITECTURE.md` has the way of a delivery through the code, the rooms, what always holds and what the
//! system never does; `docs/CONTRIBUTING.md` how to add to it; `docs/github-rules.md` what is known about GitHub.
//!
//! Reading order: [`domain`] (the words), [`excerpt`] (the part of a log that helps), [`lifecycle`] (the rules), [`store`] (the rows), [`engine`] (the one
//! door), [`github`] (the wall), [`api`] (what can be asked and ordered), [`http`] (how others reach it),
//! [`session`] (agents that run here), [`outbox`] (what is done outside), [`app`] and [`cli`] (how it is put together).
//! [`fake_github`] stands beside them: a GitHub for the demo and for tests.

pub mod api;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod engine;
pub mod excerpt;
pub mod fake_github;
pub mod github;
pub mod http;
pub mod lifecycle;
pub mod outbox;
pub mod session;
pub mod store;
