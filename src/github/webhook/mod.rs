//! Webhooks: signatures, payloads, and their translation into observations. Knows no engine and no store.

mod envelope;
pub mod events;
mod payload;
pub mod signature;
mod translation;
mod when;

pub use events::{Understood, understand};
