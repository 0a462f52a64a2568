//! From payloads to what they tell (`docs/github-rules.md` 9, 13 to 16, 19 and 20): GitHub's JSON in, facts of the
//! core out.

use nudged::domain::{ApiAccess, RepoId, ScmObservation};
use serde_json::{Value, json};

use crate::conversation::{comment, thread};
use crate::core::tell::{self, REPO};
use crate::core::{Core, read};
use crate::payloads::{at, check, merge, pull, repository, review, sha, status, workflow_run};

/// Pull request 1 is open at commit 1, as its payload tells.
fn opened() -> Core {
    let mut core = Core::new();
    core.apply("pull_request", &pull("opened", 1, &sha(1), 0, json!({})));
    core
}

/// Why a payload is ignored.
fn ignored(event: &str, payload: &Value) -> String {
    read(event, payload).expect_err("it is ignored")
}

/// The builders of the rules' tests say what payloads say.
#[test]
fn payloads_tell_what_their_sentences_tell() {
    let told = |event: &str, payload: Value| read(event, &payload).expect("it tells something");
    let build = || check("build", &sha(2), first_run("build"), json!("failure"), 0);
    let mut silent = build();
    silent["check_run"]["output"] = json!({});
    let mut moved = pull("synchronize", 1, &sha(2), 10, json!({"draft": true}));
    moved["before"] = json!(sha(1));
    let clean = json!({"mergeable": true, "mergeable_state": "clean"});
    let merged = json!({"state": "closed", "merged": true, "merged_at": at(30)});
    let mut gone = comment("deleted", 71, 40, json!({"created_at": at(5)}));
    gone["comment"]["in_reply_to_id"] = json!(70);
    for (read, sentence) in [
        (told("pull_request", moved), tell::pull(1).moved(1, 2).draft().at(10).into()),
        (
            told("pull_request", pull("labeled", 1, &sha(1), 5, clean)),
            tell::pull(1).clean().at(5).into(),
        ),
        (
            told("pull_request", pull("closed", 1, &sha(1), 30, merged)),
            tell::pull(1).merged().at(30).into(),
        ),
        (told("check_run", silent), tell::check("build").at_commit(2).failed().into()),
        (
            told("pull_request_review_comment", gone),
            tell::comment(71).reply_to(70).deleted().at(40).into(),
        ),
        (told("pull_request_review_thread", thread("resolved", 71, 50)), tell::resolved(71, 50)),
    ] {
        assert_eq!(read, sentence);
    }
}

/// The id of the first run of a check, as the builders number it.
fn first_run(name: &str) -> i64 {
    let ScmObservation::CheckRun { run, .. } = tell::check(name).into() else {
        unreachable!("a check is a check run")
    };
    run.run_id
}

#[test]
fn what_a_check_lists_as_its_pull_requests_does_not_matter() {
    let mut core = Core::new();
    for (number, head) in [(1, 1), (2, 1), (3, 3)] {
        core.apply("pull_request", &pull("opened", number, &sha(head), 0, json!({})));
    }
    // It is empty for forks, and may name others' numbers.
    let listed = |number: i64, head: u64, repo: i64| {
        json!({"id": number, "number": number, "head": {"ref": "x", "sha": sha(head), "repo": {"id": repo}},
            "base": {"ref": "main", "sha": sha(7), "repo": {"id": repo}}})
    };
    for (id, list) in [(11, json!([])), (12, json!([listed(3, 1, 77), listed(9, 1, 77)]))] {
        let mut payload = check("build", &sha(1), id, json!("failure"), 10);
        payload["check_run"]["pull_requests"] = list;
        payload["check_run"]["check_suite"]["head_branch"] = Value::Null;
        core.apply("check_run", &payload);
    }
    for (number, ci, checks) in [(1, "failing", 1), (2, "failing", 1), (3, "unknown", 0)] {
        assert_eq!((core.ci(number), core.checks(number).len()), (ci, checks), "#{number}");
    }
    // The same commit in another repository, a fork perhaps, is another matter.
    for (event, mut payload) in [
        ("check_run", check("lint", &sha(3), 13, json!("failure"), 10)),
        ("status", status("ci", &sha(3), 1, "failure", 10)),
        ("workflow_run", workflow_run(&sha(3), 70, 901, json!("failure"), 10)),
    ] {
        payload["repository"] = repository(77, "grace/rocket");
        core.apply(event, &payload);
    }
    assert_eq!((core.ci(3), core.checks(3).len()), ("unknown", 0));
}

#[test]
fn edited_with_a_new_base_is_a_retarget() {
    let mut core = opened();
    let clean = json!({"mergeable": true, "mergeable_state": "clean"});
    core.apply("pull_request", &pull("labeled", 1, &sha(1), 10, clean.clone()));
    let retarget = |seconds| {
        let base = json!({"base": {"ref": "next", "sha": sha(60)}});
        let mut payload = pull("edited", 1, &sha(1), seconds, base);
        payload["changes"] = json!({"base": {"ref": {"from": "main"}, "sha": {"from": sha(59)}}});
        payload
    };
    core.apply("pull_request", &retarget(20));
    let shown = |core: &Core| {
        let facts = &core.row(1).core;
        let base = (facts.base_ref.to_string(), facts.base_sha.clone());
        (base, core.mergeability(1), facts.head_sha.clone())
    };
    let next = || ("next".to_owned(), tell::sha(60));
    assert_eq!(shown(&core), (next(), "unknown", tell::sha(1)));
    let mut known = retarget(30);
    merge(&mut known["pull_request"], clean);
    core.apply("pull_request", &known);
    assert_eq!(shown(&core), (next(), "mergeable", tell::sha(1)));
}

#[test]
fn drafts_come_and_go() {
    let mut core = Core::new();
    let draft = json!({"draft": true});
    for (index, (action, with, state)) in (0..).zip([
        ("opened", draft.clone(), "draft"),
        ("ready_for_review", json!({"draft": false}), "open"),
        ("converted_to_draft", draft.clone(), "draft"),
        ("closed", json!({"draft": true, "state": "closed"}), "closed"),
        ("reopened", draft, "draft"),
    ]) {
        core.apply("pull_request", &pull(action, 1, &sha(1), 10 * index, with));
        assert_eq!(core.row(1).core.state.as_str(), state, "{action}");
    }
}

#[test]
fn mergeability_follows_the_table_of_states() {
    let mut core = Core::new();
    let table = [
        (json!(false), "dirty", "conflicting"),
        (json!(false), "clean", "conflicting"),
        (json!(false), "blocked", "conflicting"),
        (json!(true), "dirty", "conflicting"),
        (json!(true), "clean", "mergeable"),
        (json!(true), "has_hooks", "mergeable"),
        (json!(true), "unstable", "unstable"),
        (json!(true), "blocked", "blocked"),
        (json!(true), "draft", "blocked"),
        (json!(true), "behind", "blocked"),
        (json!(true), "unknown", "unknown"),
        (json!(true), "a_state_of_next_year", "unknown"),
        // Not computed yet: never clean, never conflicting.
        (Value::Null, "unknown", "unknown"),
        (Value::Null, "clean", "unknown"),
    ];
    for (number, (mergeable, state, expected)) in (1_i64..).zip(table) {
        let fields = json!({"mergeable": mergeable, "mergeable_state": state});
        let head = sha(number.unsigned_abs());
        core.apply("pull_request", &pull("opened", number, &head, 0, fields));
        assert_eq!(core.mergeability(number), expected, "{mergeable} {state}");
    }
}

/// A branch that is behind, or whose merge is not computed, is not approved and green.
#[test]
fn a_branch_that_is_behind_is_not_green() {
    let mut core = Core::new();
    core.apply("check_run", &check("build", &sha(1), 11, json!("success"), 10));
    let behind = json!({"mergeable": true, "mergeable_state": "behind"});
    core.apply("pull_request", &pull("opened", 1, &sha(1), 0, behind));
    // Approved, and then answered: a later check or review would void the answer.
    core.apply("pull_request_review", &review(1, &sha(1), 81, 9, "approved", 20));
    core.acknowledge(0);
    let behind = json!({"mergeable": true, "mergeable_state": "behind"});
    core.apply("pull_request", &pull("synchronize", 1, &sha(2), 30, behind));
    core.apply("check_run", &check("build", &sha(2), 12, json!("success"), 25));
    assert_eq!(core.told(), ["approved-and-green acknowledged"]);
}

/// A review's payload says it by `merged_at` alone.
#[test]
fn a_payload_without_merged_may_tell_of_a_merge() {
    let mut core = opened();
    let mut late = review(1, &sha(1), 81, 9, "commented", 20);
    late["pull_request"]["state"] = json!("closed");
    late["pull_request"]["merged_at"] = json!(at(10));
    late["pull_request"].as_object_mut().expect("an object").remove("merged");
    core.apply("pull_request_review", &late);
    assert_eq!(core.row(1).core.state.as_str(), "merged");
}

#[test]
fn a_dismissal_keeps_the_time_at_which_the_review_was_submitted() {
    let mut core = Core::new();
    let said = |action: &str, state: &str, seconds| {
        let mut payload = review(1, &sha(1), 81, 9, state, seconds);
        payload["action"] = json!(action);
        payload["review"]["submitted_at"] = json!(at(10));
        payload
    };
    let decision = |core: &Core| core.row(1).review.as_str();
    core.apply("pull_request_review", &said("submitted", "changes_requested", 10));
    assert_eq!(decision(&core), "changes_requested");
    core.apply("pull_request_review", &said("dismissed", "dismissed", 30));
    assert_eq!(decision(&core), "none");
    core.apply("pull_request_review", &said("edited", "changes_requested", 99));
    assert_eq!(decision(&core), "none");
}

#[test]
fn a_merge_queue_says_nothing_about_the_head_but_that_it_was_put_out() {
    let mut core = opened();
    core.apply("check_run", &check("build", &sha(1), 11, json!("success"), 5));
    core.apply("pull_request", &pull("labeled", 1, &sha(1), 0, json!({})));
    let before = core.rows();
    for action in ["checks_requested", "destroyed"] {
        let group = json!({"action": action, "repository": repository(REPO.0, "acme/rocket"),
            "merge_group": {"head_sha": sha(8), "head_ref": "refs/heads/gh-readonly-queue/main/pr-1-x",
                "base_sha": sha(7), "base_ref": "refs/heads/main"}});
        ignored("merge_group", &group);
    }
    core.apply("check_run", &check("build", &sha(8), 12, json!("failure"), 10));
    for action in ["enqueued", "dequeued"] {
        let mut payload = pull(action, 1, &sha(1), 0, json!({}));
        payload["reason"] = json!("CI_FAILURE");
        core.apply("pull_request", &payload);
    }
    assert_eq!(core.rows(), before);
    assert_eq!(core.told(), ["merge-queue-failed pending"]);
    assert_eq!(core.all_checks(1), ["build passed"]);
}

#[test]
fn a_push_to_a_tag_is_of_no_interest_and_one_to_a_branch_voids() {
    let mut core = Core::new();
    let clean = json!({"mergeable": true, "mergeable_state": "clean"});
    core.apply("pull_request", &pull("opened", 1, &sha(1), 10, clean));
    let push = |reference: &str| {
        let mut repository = repository(REPO.0, "acme/rocket");
        repository["pushed_at"] = json!(tell::at(20).as_second());
        json!({"ref": reference, "before": sha(50), "after": sha(51), "repository": repository})
    };
    ignored("push", &push("refs/tags/main"));
    core.apply("push", &push("refs/heads/next"));
    assert_eq!(core.mergeability(1), "mergeable");
    core.apply("push", &push("refs/heads/main"));
    assert_eq!(core.mergeability(1), "unknown");
}

#[test]
fn a_suite_that_completed_is_told() {
    let mut core = Core::new().settling(30);
    core.apply("pull_request", &pull("opened", 1, &sha(1), 0, json!({})));
    core.apply("check_run", &check("build", &sha(1), 11, json!("failure"), 10));
    assert_eq!(core.told(), [""; 0]);
    let suite = json!({
        "action": "completed", "check_suite": {"id": 900, "head_sha": sha(1), "status": "completed"},
        "repository": repository(REPO.0, "acme/rocket"),
    });
    core.apply("check_suite", &suite);
    assert_eq!(core.told(), ["ci-failed pending"]);
}

#[test]
fn a_remark_on_an_issue_counts_only_where_the_issue_is_a_pull_request() {
    let mut core = opened();
    let mut remark = comment("created", 72, 6, json!({"path": null, "body": "Nice"}));
    remark.as_object_mut().expect("an object").remove("pull_request");
    remark["issue"] = json!({"number": 1, "pull_request": {"url": "https://api.github.com/x"}});
    core.apply("issue_comment", &remark);
    assert_eq!(core.comments(), ["72 Nice true"]);
    remark["issue"] = json!({"number": 1});
    ignored("issue_comment", &remark);
}

#[test]
fn the_payload_of_a_reply_names_the_root_of_its_thread() {
    let mut core = Core::new();
    core.apply("pull_request_review_comment", &comment("created", 71, 5, json!({})));
    let mut by_reply = thread("resolved", 72, 50);
    by_reply["thread"]["comments"][0]["in_reply_to_id"] = json!(71);
    core.apply("pull_request_review_thread", &by_reply);
    assert_eq!(core.comments(), ["71 Please look at 71 true", "72 Please look at 72 true"]);
}

#[test]
fn a_repository_that_is_renamed_or_transferred_keeps_its_rows() {
    let mut core = opened();
    for (action, name, seconds, changes) in [
        ("renamed", "acme/lander", 10, json!({"repository": {"name": {"from": "rocket"}}})),
        (
            "transferred",
            "orbit/lander",
            20,
            json!({"owner": {"from": {"organization": {"login": "acme"}}}}),
        ),
    ] {
        let mut repository = repository(REPO.0, name);
        repository["updated_at"] = json!(at(seconds));
        let payload = json!({"action": action, "changes": changes, "repository": repository});
        core.apply("repository", &payload);
        assert_eq!(*core.row(1).url, format!("https://github.com/{name}/pull/1"), "{action}");
        assert_eq!(core.owner(1), "roc-1", "{action}");
    }
    // Any payload tells the name, and one from before says nothing new.
    let name = |core: &Core| core.project_of(REPO).repo.as_str().to_owned();
    let mut late = pull("labeled", 1, &sha(1), 30, json!({}));
    late["repository"]["updated_at"] = json!(at(15));
    core.apply("pull_request", &late);
    assert_eq!(name(&core), "orbit/lander");
    let mut next = pull("labeled", 1, &sha(1), 40, json!({}));
    next["repository"] = repository(REPO.0, "orbit/shuttle");
    next["repository"]["updated_at"] = json!(at(40));
    core.apply("pull_request", &next);
    assert_eq!(name(&core), "orbit/shuttle");
}

#[test]
fn whichever_way_access_is_lost_the_rows_stay() {
    use ApiAccess::{Granted, Removed, Suspended};
    let mut core = opened();
    let mut other = pull("opened", 1, &sha(1), 0, json!({}));
    other["repository"] = repository(42, "moon/base");
    core.apply("pull_request", &other);
    let said = |action: &str, seconds: i64, more: Value| {
        let mut payload = json!({"action": action, "installation": {"id": 3,
            "updated_at": at(seconds), "account": {"id": 1, "login": "acme"}}});
        merge(&mut payload, more);
        payload
    };
    let ours = || json!([{"id": REPO.0, "full_name": "acme/rocket"}]);
    for (event, payload, access) in [
        ("installation", said("suspend", 10, json!({})), [Suspended, Granted]),
        ("installation", said("unsuspend", 20, json!({})), [Granted, Granted]),
        ("installation", said("suspend", 15, json!({})), [Granted, Granted]),
        ("installation", said("deleted", 30, json!({"repositories": ours()})), [Removed, Granted]),
        ("installation", said("created", 40, json!({"repositories": ours()})), [Granted, Granted]),
        (
            "installation_repositories",
            said("removed", 50, json!({"repositories_removed": ours(), "repositories_added": []})),
            [Removed, Granted],
        ),
        (
            "installation_repositories",
            said("added", 60, json!({"repositories_added": ours(), "repositories_removed": []})),
            [Granted, Granted],
        ),
    ] {
        core.apply(event, &payload);
        let found = [REPO, RepoId(42)].map(|repo| core.project_of(repo).api_access.0);
        assert_eq!(found, access, "{payload}");
    }
    // What comes in is applied, access or none.
    core.apply("installation", &said("deleted", 70, json!({})));
    core.apply("check_run", &check("build", &sha(1), 11, json!("failure"), 10));
    assert_eq!((core.ci(1), core.checks(1).len()), ("failing", 1));
    assert_eq!(core.row_in(RepoId(42), 1).number, 1);
}

#[test]
fn an_end_beside_a_conclusion_is_an_end_whatever_the_status_says() {
    let mut run = check("build", &sha(1), 11, json!("failure"), 10);
    run["check_run"]["status"] = json!("in_progress");
    let job = json!({
        "action": "completed", "repository": repository(REPO.0, "acme/rocket"),
        "workflow_job": {"id": 12, "run_id": 70, "run_attempt": 1, "name": "test", "head_sha": sha(1),
            "status": "in_progress", "conclusion": "success", "started_at": at(0),
            "completed_at": at(10), "steps": [], "html_url": "https://ci.example/12"},
    });
    for (event, whole, field, ends) in [
        ("check_run", &run, "check_run", "build failed"),
        ("workflow_job", &job, "workflow_job", "test passed"),
    ] {
        let mut core = opened();
        core.apply(event, whole);
        assert_eq!(core.checks(1), [ends]);
        let name = ends.split(' ').next().expect("a name");
        for lacks in ["conclusion", "completed_at"] {
            let mut core = opened();
            let mut half = whole.clone();
            half[field][lacks] = Value::Null;
            core.apply(event, &half);
            assert_eq!(core.checks(1), [format!("{name} in_progress")], "without {lacks}");
        }
    }
}

#[test]
fn payloads_say_who_has_a_say() {
    let (public, private) = (json!({"private": false}), json!({"private": true}));
    let internal = json!({"private": true, "visibility": "internal"});
    let shown = json!({"private": false, "visibility": "public"});
    for (repo, association, kind, heard) in [
        (&public, "NONE", "User", false),
        (&public, "CONTRIBUTOR", "User", false),
        (&shown, "NONE", "User", false),
        (&json!({}), "NONE", "User", false),
        (&public, "MEMBER", "User", true),
        (&shown, "OWNER", "User", true),
        (&public, "COLLABORATOR", "User", true),
        (&public, "NONE", "Bot", true),
        (&private, "NONE", "User", true),
        (&internal, "CONTRIBUTOR", "User", true),
    ] {
        let user = json!({"id": 9, "login": "grace", "type": kind});
        let said = |mut payload: Value, field: &str| {
            payload[field]["author_association"] = json!(association);
            merge(&mut payload[field]["user"], user.clone());
            merge(&mut payload["repository"], repo.clone());
            payload
        };
        let asked = said(review(1, &sha(1), 81, 9, "changes_requested", 20), "review");
        let remark = said(comment("created", 71, 20, json!({})), "comment");
        let case = format!("{repo} {association} {kind}");
        let mut core = opened();
        core.apply("pull_request_review", &asked);
        let decided = if heard { "changes_requested" } else { "none" };
        assert_eq!(core.row(1).review.as_str(), decided, "{case}");
        assert_eq!(core.told_of("review-comments").len(), usize::from(heard), "{case}");
        let mut core = opened();
        core.apply("pull_request_review_comment", &remark);
        assert_eq!(core.row(1).unresolved_comments, i64::from(heard), "{case}");
        assert_eq!(core.told_of("review-comments").len(), usize::from(heard), "{case}");
        assert_eq!(core.comments().len(), 1, "{case}: it is kept all the same");
    }
}
