//! Why an observation changes nothing. The words are told to whoever asked, and kept in the ledger.

/// Why an observation changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("no project watches this repository, and auto_register is off")]
    NotWatched,
    #[error("the project is archived")]
    Archived,
    #[error("no session owns it, and the project adopts none")]
    NotAdopted,
    #[error("the timer's subject is gone")]
    SubjectGone,
    #[error("there is no such nudge; GET /v1/nudges lists them all")]
    NoNudge,
    #[error("there is no such project; GET /v1/projects lists them all")]
    NoProject,
    #[error("there is no such session; GET /v1/sessions lists them all")]
    NoSession,
    #[error("the session has ended; restore it first")]
    SessionEnded,
    #[error("the session has not ended; kill it first")]
    SessionLives,
    #[error(
        "something is being done to the session already; try again when that has come to its end"
    )]
    SessionBusy,
    #[error("the session's agent runs elsewhere; that is not done from here")]
    SessionElsewhere,
    #[error("the session was started anew since; this is of an earlier start of its agent")]
    EarlierLaunch,
    #[error(
        "a living session of this project works on that branch; kill that one, or choose another branch"
    )]
    BranchTaken,
    #[error("the nudge does not wait to be told, or not any more; nothing may be sent")]
    NudgeNotWaiting,
    /// A new project needs its repository.
    #[error("a new project needs its `repo`, as owner/name")]
    RepoMissing,
    /// The project has seen deliveries of another repository.
    #[error(
        "the project is bound to its repository; register another project for another repository"
    )]
    RepoBound,
    /// Some other project has the repository.
    #[error(
        "another project, perhaps an archived one, watches this repository; change that one instead"
    )]
    RepoWatched,
}
