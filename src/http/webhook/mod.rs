//! Webhooks in: verified, read, stored, and only then answered.

mod body;
mod budget;
mod headers;
pub(super) mod receive;

pub(super) use receive::Webhooks;
