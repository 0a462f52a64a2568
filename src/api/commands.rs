//! Orders to change something: carried out once, and answered with the object that they changed.

use super::Api;
use super::errors::{ApiError, Code};
use crate::engine::{Command, CommandResult, Request};
use crate::lifecycle::Refusal;
use crate::store::RequestKey;
use crate::store::views::{ObjectRef, ObjectView};

/// Who asks for a change.
#[derive(Debug, Clone)]
pub struct Origin {
    /// What the changes name as their cause, such as `api:1f0c…`.
    pub cause: String,
    /// What the client calls this request, if it does: one that bears a key is carried out once.
    pub key: Option<RequestKey>,
}

/// What came of a command.
#[derive(Debug, Clone)]
pub struct Answer<T> {
    /// The object that it changed, as it was right then.
    pub object: T,
    /// It had been done before, under the same key.
    pub again: bool,
}

impl Api {
    /// Has it done, and shows what it made of the object; `missing` is told where there is none.
    pub(super) async fn carry_out<T>(
        &self,
        request: Request,
        object: ObjectRef,
        origin: Origin,
        missing: impl ToString,
        show: fn(ObjectView) -> Option<T>,
    ) -> Result<Answer<T>, ApiError> {
        let Origin { cause, key } = origin;
        match self.engine.command(Command { request, cause, key, object }).await? {
            CommandResult::Done { view, again } => match show(*view) {
                Some(object) => Ok(Answer { object, again }),
                None => Err(ApiError::internal(&"the object is of another kind")),
            },
            CommandResult::Refused(reason) => Err(refused(reason)),
            CommandResult::NotFound => Err(ApiError::not_found(missing.to_string())),
            CommandResult::KeyReused => {
                let message = "this Idempotency-Key was used for another request; use a new one";
                Err(ApiError::new(Code::IdempotencyKeyReused, message))
            }
        }
    }
}

/// A rule's refusal as the client sees it.
fn refused(refusal: Refusal) -> ApiError {
    let reason = refusal.to_string();
    match refusal {
        Refusal::NoNudge | Refusal::NoProject | Refusal::NoSession => ApiError::not_found(reason),
        Refusal::RepoMissing => ApiError::bad_body(&reason),
        Refusal::RepoBound => ApiError::new(Code::RepoBound, reason),
        Refusal::RepoWatched => ApiError::new(Code::RepoWatched, reason),
        Refusal::SessionEnded => ApiError::new(Code::SessionEnded, reason),
        Refusal::SessionLives => ApiError::new(Code::SessionLives, reason),
        Refusal::SessionBusy => ApiError::new(Code::SessionBusy, reason),
        Refusal::BranchTaken => ApiError::new(Code::BranchTaken, reason),
        Refusal::NotWatched
        | Refusal::Archived
        | Refusal::NotAdopted
        | Refusal::SubjectGone
        | Refusal::SessionElsewhere
        | Refusal::EarlierLaunch
        | Refusal::NudgeNotWaiting => ApiError::new(Code::Refused, reason),
    }
}
