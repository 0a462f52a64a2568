//! GitHub at the wall: what it sends us, and what we ask it. `webhook` knows no engine and no store; `api` stands above
//! both.

pub mod api;
pub mod webhook;
