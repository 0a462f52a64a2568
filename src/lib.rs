//! nudged: the server between GitHub and coding agents.
#![forbid(unsafe_code)]

pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod engine;
pub mod github;
pub mod http;
pub mod lifecycle;
pub mod outbox;
pub mod store;
