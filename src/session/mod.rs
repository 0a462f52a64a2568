//! Agents that run here: where they run, in which folder, how each is started, watched, told and ended.
//!
//! `runtime`, `workspace`, `environment` and `tool` know nothing of the store: they are given plain data and answer with plain
//! data. [`Manager`] puts them together with the rows.

pub mod channel;
pub mod environment;
pub mod harness;
mod manager;
pub mod runtime;
pub mod tool;
pub mod workspace;

use std::future::Future;
use std::pin::Pin;

pub use manager::{Manager, ManagerError, Plan, ProjectPlan};

/// What a trait with several implementations answers with later.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
