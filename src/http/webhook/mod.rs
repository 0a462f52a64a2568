//! Webhooks in: verified, read, stored, and only then answered.

mod body;
mod headers;
pub(super) mod receive;

pub(super) use receive::Webhooks;
