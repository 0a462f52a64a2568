//! GitHub at the wall: what it sends us.

pub mod webhook;
