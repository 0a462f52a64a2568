//! Who has a say in a repository: whose reviews decide, and whose words reach an agent.

use wildmatch::WildMatch;

use crate::domain::{Person, Project, Standing};

/// What GitHub calls those who may write to a repository (`author_association`).
const INSIDERS: &[&str] = &["OWNER", "MEMBER", "COLLABORATOR"];

/// Whether `login` is heard. In a private repository everybody is, in a public one insiders and bots; where a
/// payload names no association it counts, and where none said who sees the repository, it counts as public. An
/// organisation's private members show as outsiders there: who GitHub says may write is heard.
/// A project's `trust` goes before all of it.
pub(in crate::lifecycle) fn has_a_say(project: &Project, login: &str, standing: &Standing) -> bool {
    let trust = &project.trust;
    if trust.users.iter().any(|user| user.eq_ignore_ascii_case(login)) {
        return true;
    }
    if standing.is_bot {
        let named = |globs: &Vec<String>| {
            let login = login.to_ascii_lowercase();
            globs.iter().any(|glob| WildMatch::new(&glob.to_ascii_lowercase()).matches(&login))
        };
        return trust.bots.as_ref().is_none_or(named);
    }
    let Some(association) = standing.association.as_deref() else { return true };
    match &trust.associations {
        Some(own) => own.iter().any(|one| one.eq_ignore_ascii_case(association)),
        None => {
            let is_private = project.visibility.is_some_and(|seen| !seen.is_public);
            is_private || INSIDERS.contains(&association) || may_write(project, login)
        }
    }
}

/// Whether it hangs on GitHub's word alone that `login` is heard. Bots have no permission that could be asked.
pub(in crate::lifecycle) fn hangs_on_permission(
    project: &Project,
    login: &str,
    standing: &Standing,
) -> bool {
    let trust = &project.trust;
    let is_named = trust.users.iter().any(|user| user.eq_ignore_ascii_case(login));
    let is_private = project.visibility.is_some_and(|seen| !seen.is_public);
    let is_outsider =
        standing.association.as_deref().is_some_and(|association| !INSIDERS.contains(&association));
    is_outsider && !standing.is_bot && !is_named && !is_private && trust.associations.is_none()
}

fn may_write(project: &Project, login: &str) -> bool {
    let said = |person: &Person| person.may_write == Some(true);
    // Most projects know of nobody.
    !project.people.is_empty() && project.people.get(&*login.to_ascii_lowercase()).is_some_and(said)
}
