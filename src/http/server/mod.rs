//! Connections and what holds for every request: limits, who may ask, how a refusal looks.

mod auth;
mod errors;
mod fd_limit;
mod limits;
mod linger;
mod params;
mod request_id;
mod serve;

pub use auth::ApiToken;
pub(super) use auth::guard;
pub(super) use errors::HttpError;
pub use fd_limit::Files;
pub(super) use limits::BodyPatience;
pub use limits::Limits;
pub(super) use params::{Named, Params};
pub(super) use request_id::{RequestId, name_request};
pub(super) use serve::Hangup;
pub use serve::serve;
