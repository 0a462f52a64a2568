//! Reviews and what they decide.

use serde::{Deserialize, Serialize};

use super::spelling::spelled;
use super::{Standing, Text, Timestamp};

spelled! {
    /// What the reviews of a pull request amount to.
    ReviewDecision {
        None = "none", Approved = "approved", ChangesRequested = "changes_requested",
        ReviewRequired = "review_required",
    }
}

spelled! {
    /// A review's own state. `commented` and `pending` decide nothing.
    ReviewState {
        Pending = "pending", Commented = "commented", Approved = "approved",
        ChangesRequested = "changes_requested", Dismissed = "dismissed",
    }
}

/// One review: a register in which `dismissed` wins, else the newest `seen_at`, else larger bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    pub id: i64,
    /// `None` for a deleted account: each such review then stands for a reviewer of its own.
    pub author_id: Option<i64>,
    pub author: Text,
    pub state: ReviewState,
    pub submitted_at: Timestamp,
    /// `pull_request.updated_at` of the payload.
    pub seen_at: Timestamp,
    pub url: Text,
    /// What the reviewer wrote, beside the comments on the diff. Untrusted.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub body: Text,
    #[serde(default)]
    pub standing: Standing,
}
