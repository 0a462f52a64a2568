//! Which checks count for nudges, as a project chose them.

use wildmatch::WildMatch;

use crate::domain::{Check, Project};

/// Whether the check counts: named by `only` (or nothing is), and not by `except`. A glob may name
/// the job alone or `workflow / job`.
pub(super) fn counts(project: &Project, check: &Check) -> bool {
    let full = check.workflow_name.as_ref().map(|name| format!("{name} / {}", check.key.name));
    let named_by = |globs: &[String]| {
        globs.iter().map(|glob| WildMatch::new(glob)).any(|glob| {
            glob.matches(&check.key.name) || full.as_ref().is_some_and(|full| glob.matches(full))
        })
    };
    (project.checks_only.is_empty() || named_by(&project.checks_only))
        && !named_by(&project.checks_except)
}

/// Whether the project leaves any check out.
pub(super) fn chooses(project: &Project) -> bool {
    !project.checks_only.is_empty() || !project.checks_except.is_empty()
}
