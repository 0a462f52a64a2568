//! Webhooks in: verified, read, stored, and only then answered.

mod body;
mod budget;
mod headers;
mod minutes;
pub(super) mod receive;
mod refusals;
mod signers;

pub(super) use receive::Webhooks;
