//! Failures that may be nobody's are run again first, where the project says so.

use nudged::domain::{FailureClass, ProjectConfig, Rerun, RerunAnswer};

use crate::core::Core;
use crate::core::tell::{Check, check, pull, trouble};

/// Pull request 1 is open at commit 1 of a project that runs failures again once.
fn rerunning() -> Core {
    let mut core = Core::new().settling(30).asking_github();
    core.see(pull(1));
    core.configure(ProjectConfig { rerun: Some(Rerun::Once), ..ProjectConfig::default() });
    core
}

fn job(name: &str) -> Check {
    check(name).of_actions().failed().at(10)
}

fn lost(job: &Check) -> impl Into<nudged::domain::Observation> {
    job.log().shows(FailureClass::Infrastructure, "runner lost")
}

#[test]
fn a_failure_that_may_be_nobody_s_is_run_again_and_only_the_second_is_told() {
    let mut core = rerunning();
    core.see(job("build"));
    core.report(lost(&job("build")));
    core.advance(30);
    assert_eq!(core.told(), [""; 0]);
    let wanted = core.wanted_reruns();
    assert_eq!(wanted.len(), 1);
    assert_eq!(
        (&wanted[0].jobs[..], wanted[0].workflow_run_id),
        (&[job("build").id()][..], Some(70))
    );
    core.rerun(RerunAnswer::Started);
    core.see(job("build").run(2).attempt(2).queued());
    core.see(job("build").run(2).attempt(2).at(60));
    assert_eq!(core.wanted_reruns(), []);
    core.report(lost(&job("build").run(2)));
    core.advance(30);
    core.advance(60);
    assert_eq!(core.told(), ["escalated pending"]);
    assert_eq!(core.wanted_reruns(), [], "once for a commit and check");
}

#[test]
fn one_that_passes_the_second_time_is_never_told() {
    let mut core = rerunning();
    core.see(job("build"));
    core.report(job("build").log().says("error: 42").passed_too());
    core.advance(30);
    core.rerun(RerunAnswer::Started);
    core.see(check("build").of_actions().run(2).attempt(2).passed().at(60));
    core.advance(3_600);
    assert_eq!(core.told_of("ci-failed"), [""; 0]);
    assert_eq!(core.told_of("escalated"), [""; 0]);
    assert_eq!(core.ci(1), "passing");
}

#[test]
fn what_is_the_change_s_is_told_at_once_and_not_run_again() {
    let mut core = rerunning();
    core.see(job("build"));
    core.see(job("deploy"));
    core.report(job("build").log().says("error: 42"));
    core.report(lost(&job("deploy")));
    core.advance(30);
    assert_eq!(core.told(), ["ci-failed pending"]);
    assert!(!core.said().contains("deploy"), "{}", core.said());
    assert_eq!(core.wanted_reruns()[0].jobs, [job("deploy").id()]);
}

#[test]
fn jobs_of_one_run_are_asked_for_together() {
    let mut core = rerunning();
    for name in ["build", "deploy"] {
        core.see(job(name));
        core.report(lost(&job(name)));
    }
    core.advance(30);
    let wanted = core.wanted_reruns();
    assert_eq!((wanted.len(), wanted[0].jobs.len()), (1, 2));
}

#[test]
fn where_it_is_refused_or_nothing_comes_of_it_it_is_told() {
    let refused = RerunAnswer::Refused { reason: "actions: write is missing".into() };
    let mut core = rerunning();
    core.see(job("build"));
    core.report(lost(&job("build")));
    core.advance(30);
    core.rerun(RerunAnswer::NotYet);
    assert_eq!((core.told(), core.wanted_reruns().len()), (vec![], 1));
    core.rerun(refused);
    assert_eq!(core.told(), ["escalated pending"]);
    assert_eq!(core.wanted_reruns(), []);
    // It was begun, and no new run was ever seen.
    let mut core = rerunning();
    core.see(job("build"));
    core.report(lost(&job("build")));
    core.advance(30);
    core.rerun(RerunAnswer::Started);
    core.advance(30 * 60);
    assert_eq!(core.told(), ["escalated pending"]);
    // GitHub did not answer.
    let mut core = rerunning();
    core.see(job("build"));
    core.report(lost(&job("build")));
    core.advance(30);
    core.rerun(RerunAnswer::Failed(trouble()));
    assert_eq!(core.told(), [""; 0]);
    core.advance(30 * 60);
    assert_eq!(core.told(), ["escalated pending"]);
}

#[test]
fn a_new_head_is_a_new_chance() {
    let mut core = rerunning();
    core.see(job("build"));
    core.report(lost(&job("build")));
    core.advance(30);
    core.rerun(RerunAnswer::Started);
    core.see(pull(1).moved(1, 2).at(40));
    let next = job("build").run(5).at_commit(2);
    core.see(next.clone());
    core.report(lost(&next));
    core.advance(30);
    assert_eq!(core.wanted_reruns().len(), 1);
    assert_eq!(core.told(), [""; 0]);
}

#[test]
fn by_default_nothing_is_run_again() {
    let mut core = Core::new().settling(30).asking_github();
    core.see(pull(1));
    core.see(job("build"));
    core.report(lost(&job("build")));
    core.advance(30);
    assert_eq!((core.told(), core.wanted_reruns()), (vec!["escalated pending".to_owned()], vec![]));
}
