//! nudged: the server between GitHub and coding agents.
#![forbid(unsafe_code)]
pub mod domain;
