//! What counts of the runs of a check, of answers and of names (`docs/github-rules.md` 5, 7, 8, 12 and 20), in any
//! order.

use nudged::domain::{Mergeability, PrState, ScmObservation};

use super::in_any_order;
use crate::core::Core;
use crate::core::tell::{check, pull, renamed, repo, review, status, workflow_run};

fn opened() -> ScmObservation {
    pull(1).into()
}

/// CI and the check rows after these facts, whatever their order.
fn ends(facts: Vec<ScmObservation>, ci: &str, checks: &[&str]) {
    let facts = [vec![opened()], facts].concat();
    let shown = |core: &Core| (core.ci(1), core.checks(1).join(", "));
    in_any_order(&facts, shown, (ci, checks.join(", ")));
}

#[test]
fn two_jobs_of_one_name_in_one_attempt_stand_side_by_side_and_the_worse_counts() {
    let job = || check("build").made_by("github-actions").job_of(70).attempt(1);
    let failed = || job().began(-20).failed().at(5);
    ends(
        vec![
            workflow_run(70).failed().at(9).into(),
            failed().into(),
            job().twin().passed().at(6).into(),
        ],
        "failing",
        &["build failed"],
    );
    ends(
        vec![
            workflow_run(70).failed().at(9).into(),
            failed().into(),
            job().twin().began(8).concluded("skipped").at(8).into(),
        ],
        "failing",
        &["build failed"],
    );
    // The next attempt replaces both; jobs that it did not run again keep what they had.
    let lint = check("lint").made_by("github-actions").job_of(70).attempt(1).passed();
    ends(
        vec![
            failed().into(),
            lint.into(),
            job().twin().attempt(2).passed().at(30).into(),
            workflow_run(70).attempt(2).passed().at(31).into(),
        ],
        "passing",
        &["build passed", "lint passed"],
    );
}

#[test]
fn where_no_attempt_is_told_what_began_after_another_had_ended_replaces_it() {
    let build = || check("build");
    ends(
        vec![build().failed().at(5).into(), build().twin().began(6).passed().at(9).into()],
        "passing",
        &["build passed"],
    );
    ends(
        vec![build().failed().at(5).into(), build().twin().began(4).passed().at(9).into()],
        "failing",
        &["build failed"],
    );
}

#[test]
fn a_run_that_was_cancelled_while_a_newer_one_is_there_is_history_with_its_jobs() {
    let job = |name: &str, run| check(name).made_by("github-actions").job_of(run).attempt(1);
    ends(
        vec![
            workflow_run(70).cancelled().at(8).into(),
            job("always", 70).failed().at(7).into(),
            job("only-once", 70).concluded("cancelled").into(),
            workflow_run(71).suite(901).into(),
        ],
        "pending",
        &[],
    );
    ends(
        vec![
            workflow_run(70).cancelled().at(8).into(),
            job("always", 70).failed().at(7).into(),
            workflow_run(71).suite(901).passed().at(40).into(),
            job("always", 71).run(2).passed().at(39).into(),
        ],
        "passing",
        &["always passed"],
    );
    // And nothing is said of it all the while.
    let mut core = Core::opened();
    core.see(workflow_run(71).suite(901));
    core.see(workflow_run(70).cancelled().at(8));
    core.see(job("always", 70).failed().at(7));
    core.see(job("only-once", 70).concluded("cancelled"));
    core.advance(1_200);
    assert_eq!((core.ci(1), core.told()), ("pending", Vec::new()));
    core.see(job("always", 71).run(2).passed().at(39));
    core.see(workflow_run(71).suite(901).passed().at(40));
    core.advance(1_200);
    assert_eq!((core.ci(1), core.told(), core.timers()), ("passing", Vec::new(), Vec::new()));
    // Alone it says that it was cancelled, be there jobs or none.
    ends(vec![workflow_run(70).cancelled().into()], "unknown", &["CI (workflow run) cancelled"]);
}

#[test]
fn what_waits_for_approval_goes_on_under_its_id() {
    let run = || workflow_run(70);
    ends(vec![run().concluded("action_required").at(5).into(), run().into()], "pending", &[]);
    let app = || check("review").began(-30);
    ends(
        vec![app().concluded("action_required").at(5).into(), check("review").began(9).into()],
        "pending",
        &["review in_progress"],
    );
    ends(
        vec![app().into(), app().concluded("action_required").at(5).into()],
        "failing",
        &["review failed"],
    );
}

#[test]
fn a_check_of_actions_that_is_no_job_has_no_workflow() {
    let made = || check("report").made_by("github-actions");
    ends(
        vec![
            workflow_run(70).suite(900).passed().into(),
            workflow_run(71).of_workflow(4, "Nightly").suite(901).passed().into(),
            made().suite(900).failed().at(5).into(),
            made().run(2).suite(901).passed().at(9).into(),
        ],
        "passing",
        &["report passed"],
    );
}

#[test]
fn contexts_have_no_case() {
    ends(
        vec![
            status("CI/Build").failed().at(5).into(),
            status("ci/build").id(2).passed().at(9).into(),
        ],
        "passing",
        &["ci/build passed"],
    );
}

#[test]
fn an_answer_of_blocked_ends_with_a_later_check_or_review_and_a_drafts_with_the_draft() {
    let blocked = || pull(1).answered(Mergeability::Blocked).at(10);
    let cases: [(Vec<ScmObservation>, &str); 5] = [
        (vec![blocked().into(), check("build").passed().at(9).into()], "blocked"),
        (vec![blocked().into(), check("build").passed().at(11).into()], "unknown"),
        (vec![blocked().into(), review(81).approves().at(11).into()], "unknown"),
        (vec![blocked().draft().into()], "blocked"),
        (vec![blocked().draft().into(), pull(1).at(12).into()], "unknown"),
    ];
    for (facts, answer) in cases {
        in_any_order(&facts, |core: &Core| core.mergeability(1), answer);
    }
}

#[test]
fn what_an_opening_shows_is_first_and_loses_in_its_second() {
    let facts: Vec<ScmObservation> = vec![pull(1).first().into(), pull(1).closed().into()];
    in_any_order(&facts, |core: &Core| core.row(1).core.state, PrState::Closed);
}

#[test]
fn a_name_that_comes_back_is_given_back() {
    let facts: Vec<ScmObservation> = vec![
        pull(1).of_repo(renamed(41, "acme/rocket", 10)).into(),
        pull(7).of_repo(renamed(42, "acme/rocket", 20)).into(),
        pull(1).at(5).of_repo(renamed(41, "acme/rocket", 30)).into(),
    ];
    in_any_order(
        &facts,
        |core: &Core| core.row(1).url.to_string(),
        "https://github.com/acme/rocket/pull/1".to_owned(),
    );
}

#[test]
fn a_former_name_loses_at_a_tie() {
    let mut new = repo(41, "acme/alpha");
    new.former = Some(repo(41, "acme/rocket").name);
    let facts: Vec<ScmObservation> = vec![opened(), ScmObservation::Repository { repo: new }];
    in_any_order(
        &facts,
        |core: &Core| core.row(1).url.to_string(),
        "https://github.com/acme/alpha/pull/1".to_owned(),
    );
}
