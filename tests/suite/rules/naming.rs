//! Projects' slugs, repositories' names, and whether the app has access.

use nudged::domain::{ApiAccess, RepoId, ScmObservation, Text};

use crate::core::Core;
use crate::core::tell::{REPO, at, named, pull, renamed, repo, sha, status};

#[test]
fn slugs_are_short_and_numbered_on_collision() {
    let mut core = Core::new();
    for (id, name, slug) in [
        (41, "acme/rocket", "roc"),
        (42, "acme/rockets", "roc1"),
        (43, "acme/hello-world", "hw"),
        (44, "acme/api", "api"),
        (45, "acme/moon", "moon"),
        (46, "acme/v2", "v2x"),
        (47, "acme/Rocky", "roc2"),
    ] {
        core.see(status("ci").of_repo(repo(id, name)));
        assert_eq!(&*core.project_of(RepoId(id)).id.0, slug, "{name}");
    }
}

/// The page of pull request 1 of the repository 41, and what the repository is called.
fn page(core: &Core) -> String {
    format!("{} of {}", core.row(1).url, core.project_of(REPO).repo.as_str())
}

#[test]
fn a_repository_keeps_its_rows_when_its_name_changes_hands() {
    let lander = "https://github.com/acme/lander/pull/1 of acme/lander";
    let mut core = Core::opened();
    core.see(named(41, "acme/lander", 10));
    assert_eq!(page(&core), lander);
    // The old name, late, changes nothing.
    core.see(named(41, "acme/rocket", 5));
    assert_eq!(page(&core), lander);
    // A new repository takes the name: its pull request 1 is another one.
    core.see(named(99, "acme/lander", 20));
    core.see(pull(1).head(5).of_repo(renamed(99, "acme/lander", 20)).at(30));
    assert_eq!(page(&core), "https://github.com/repositories/41/pull/1 of repositories/41");
    let other = || RepoId(99);
    assert_eq!(core.row_in(other(), 1).core.head_sha, sha(5));
    assert_eq!(&*core.row_in(other(), 1).url, "https://github.com/acme/lander/pull/1");
    // When the new one moves on, the name is the old one's again.
    core.see(named(99, "acme/orbiter", 40));
    assert_eq!(page(&core), lander);
    assert_eq!(&*core.row_in(other(), 1).url, "https://github.com/acme/orbiter/pull/1");
}

#[test]
fn names_are_compared_without_case_and_the_youngest_claim_holds_in_any_order() {
    let claims = [named(41, "acme/rocket", 10), named(42, "Acme/Rocket", 20)];
    super::in_any_order(
        &claims,
        |core| [RepoId(41), RepoId(42)].map(|id| core.project_of(id).repo.as_str().to_owned()),
        ["repositories/41".to_owned(), "Acme/Rocket".to_owned()],
    );
}

fn access(told: ApiAccess, seconds: i64, repos: &[i64]) -> ScmObservation {
    let account: Option<Text> = repos.is_empty().then(|| "acme".into());
    let repos = repos.iter().map(|id| RepoId(*id)).collect();
    let (granted, suspended) = (told.is_granted(), told == ApiAccess::Suspended);
    ScmObservation::Access { repos, account, granted, suspended, at: at(seconds) }
}

#[test]
fn access_that_is_lost_is_noted_with_why_and_the_rows_stay() {
    use ApiAccess::{Granted, Removed, Suspended};
    let mut core = Core::opened();
    core.see(status("ci").of_repo(repo(42, "moon/base")));
    for (seen, ours, others, why) in [
        (access(Suspended, 20, &[]), Suspended, Granted, "the whole account's"),
        (access(Granted, 10, &[]), Suspended, Granted, "a late word changed it"),
        (access(Granted, 30, &[]), Granted, Granted, "given back"),
        (access(Removed, 40, &[41, 77]), Removed, Granted, "the named ones'"),
        (access(Granted, 40, &[41]), Removed, Granted, "at a tie the worse"),
        (access(Suspended, 40, &[]), Removed, Granted, "at a tie the worse"),
        (access(Suspended, 45, &[]), Suspended, Granted, "the newest"),
        (access(Granted, 50, &[41]), Granted, Granted, "given back by name"),
        (access(Removed, 60, &[42]), Granted, Removed, "another's"),
    ] {
        core.see(seen);
        let found = [REPO, RepoId(42)].map(|id| core.project_of(id).api_access.0);
        assert_eq!(found, [ours, others], "{why}");
    }
    assert_eq!(core.row(1).number, 1);
}
