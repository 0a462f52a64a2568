//! Why a request is refused. The words are told to whoever asked.

/// There is no such nudge.
pub const NO_NUDGE: &str = "there is no such nudge; GET /v1/nudges lists them all";
/// There is no such project.
pub const NO_PROJECT: &str = "there is no such project; GET /v1/projects lists them all";
/// There is no such session.
pub const NO_SESSION: &str = "there is no such session; GET /v1/sessions lists them all";
/// A new project needs its repository.
pub const REPO_MISSING: &str = "a new project needs its `repo`, as owner/name";
/// The project has seen deliveries of another repository.
pub const REPO_BOUND: &str =
    "the project is bound to its repository; register another project for another repository";
/// Some other project has the repository.
pub const REPO_WATCHED: &str =
    "another project, perhaps an archived one, watches this repository; change that one instead";
