//! GitHub at the wall: what it sends us. Knows no engine and no store.

pub mod webhook;
