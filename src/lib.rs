//! nudged: the server that stands between GitHub and coding agents.
//!
//! # The flow
//!
//! A webhook is verified over its raw bytes ([`github::webhook::signature`]), parsed into small structs and
//! translated into a [`domain::ScmObservation`] ([`github::webhook::understand`]). The [`engine`] takes all that
//! waits into one transaction: load what it touches ([`store`]), [`lifecycle::reduce`], save; it
//! answers after COMMIT. Database triggers write the change log; readers are woken and read it
//! ([`http`]). Timers are rows; when one is due, that is an observation too. What people and bots ask and
//! order goes through [`api`], which reads the store and hands commands to the engine.
//!
//! # What always holds
//!
//! - A 2xx to GitHub means that the delivery's whole effect is on disk, or that its body is kept.
//! - A delivery applied twice has the effect of one, and any order of deliveries ends in the same
//!   pull request, check and comment rows: facts are registers with a total order, or sets that
//!   only grow; rows are derived from them.
//! - `domain` and `lifecycle` know no clock, no SQL, no wire format and no async.
//! - Only the engine's writer changes state; only triggers write `change_log`.
//! - No transaction is open while anything is waited for.
//! - Nothing polls GitHub; nothing that strangers wrote reaches a prompt or a terminal unfenced.
//!
//! # Reading order
//!
//! [`domain`] (the words), [`lifecycle`] (the rules), [`store`] (rows), [`engine`] (the one door),
//! [`github`] (the wall), [`api`] (what can be asked and ordered), [`http`] (how others reach it),
//! [`outbox`] (telling the human), [`app`] and [`cli`] (how it is put together).
//! Imports point one way: `cli, app → http, outbox → api → engine → store → lifecycle → domain`, and
//! `api → github → lifecycle → domain`.

pub mod api;
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
