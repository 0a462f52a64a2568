//! GitHub's API: what webhooks do not tell, and what they told and never arrived.
//!
//! Reading order: `budget` (how much may be asked, and when), `client` (the one client), `github` (about which
//! repository, as whom), then what is asked: `logs`, `blame`, `refresh`, `reconcile` (by `pass` and
//! `reading`), `missed`; `registration` is about the App itself;
//! and `door`, by which others ask.

mod answer;
mod blame;
mod budget;
mod client;
mod credentials;
mod desk;
mod door;
mod error;
mod etags;
mod github;
mod graphql;
mod installations;
mod logs;
mod metrics;
mod missed;
mod pass;
mod permission;
mod reading;
mod reconcile;
mod refresh;
mod registration;
mod request;
mod standing;
mod timetable;

pub use blame::Suspect;
pub use budget::{Account, Budget, Claim, Closed, Priority, Quota, Seen, Ticket, Turn};
pub use client::Client;
pub use credentials::Credentials;
pub use door::Door;
pub use error::GithubError;
pub use github::Github;
pub use graphql::MOST as MOST_REFRESHED;
pub use logs::{LogBounds, LogOutcome};
pub use missed::{Missed, MissedError};
pub use reconcile::{PassError, Reconciler};
pub use refresh::{PullAsked, PullRefreshed, Refreshed};
pub use registration::{
    Attempt, EVENTS, InstalledApp, Manifest, PERMISSIONS, Registered, RegisteredApp, Site, register,
};
pub use request::Speaker;
