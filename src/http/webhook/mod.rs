//! Webhooks in: verified, read, stored, and only then answered.

mod body;
mod budget;
mod headers;
pub(super) mod receive;
mod refusals;

pub(super) use receive::Webhooks;
