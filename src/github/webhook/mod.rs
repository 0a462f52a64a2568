//! Webhooks: signatures, the table of events, payloads, and their translation into observations.
//!
//! Reading order: [`signature`] (is a body GitHub's?), `events` (what is read of it, by event),
//! `payload` (the fields in use), `translation` (what they say), [`rest`] (the same shapes where GitHub's API
//! answers with them).

mod envelope;
mod events;
mod payload;
pub mod rest;
mod scalar;
pub mod signature;
mod translation;

pub use events::{Reading, label, labels, understand};
