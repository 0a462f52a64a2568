//! Who is no insider by what payloads say: GitHub is asked whether he may write, and that decides.

use nudged::domain::{Failure, PermissionAnswer, ProjectConfig, ScmObservation, TaskKind, Trust};

use super::{facts, permutations};
use crate::core::Core;
use crate::core::tell::{comment, pull, review, seen_by};

const YES: PermissionAnswer = PermissionAnswer::Known(true);
const NO: PermissionAnswer = PermissionAnswer::Known(false);
const DAY: i64 = 24 * 3_600;

fn public() -> Core {
    let mut core = Core::new().asking_github();
    core.see(pull(1).of_repo(seen_by(true, 1)));
    core
}

fn outside() -> ScmObservation {
    comment(71).associated("CONTRIBUTOR").by("Mira").body("Not so.").at(6).into()
}

#[test]
fn nothing_is_said_until_github_says_that_he_may_write() {
    let mut core = public();
    core.see(outside());
    assert_eq!((core.asks_about(), core.told().len()), (vec!["mira"], 0));
    core.see(comment(72).associated("NONE").by("mira").at(7));
    assert_eq!(core.tasks_of(TaskKind::AskPermission).len(), 1, "once");
    core.permission("mira", YES);
    assert_eq!(core.told(), ["review-comments pending"]);
    assert!(core.said().contains("Not so."), "{}", core.said());
    assert_eq!(core.row(1).unresolved_comments, 2);
    assert!(core.asks_about().is_empty());
}

#[test]
fn who_may_not_write_stays_unheard_and_it_is_asked_again_a_day_later() {
    let mut core = public();
    core.see(outside());
    core.permission("mira", NO);
    core.see(comment(72).associated("CONTRIBUTOR").by("mira").at(7));
    core.pass(DAY - 1);
    core.see(comment(73).associated("CONTRIBUTOR").by("mira").at(8));
    assert_eq!((core.asks_about().len(), core.told().len()), (0, 0));
    core.pass(1);
    core.see(comment(74).associated("CONTRIBUTOR").by("mira").at(9));
    assert_eq!((core.asks_about(), core.told().len()), (vec!["mira"], 0));
    core.permission("mira", YES);
    assert_eq!(core.row(1).unresolved_comments, 4);
    // It is taken from her again: what waits is taken back.
    core.pass(DAY);
    core.see(comment(75).associated("CONTRIBUTOR").by("mira").at(10));
    assert!(core.told().iter().any(|told| told.ends_with("pending")), "{:?}", core.told());
    core.permission("mira", NO);
    assert!(core.told().iter().all(|told| told.ends_with("superseded")), "{:?}", core.told());
}

#[test]
fn a_review_of_one_who_may_write_decides() {
    let mut core = public();
    core.see(review(81).requests_changes().associated("CONTRIBUTOR").at(5));
    assert_eq!(core.row(1).review.as_str(), "none");
    let login = core.asks_about()[0].to_owned();
    core.permission(&login, YES);
    assert_eq!(core.row(1).review.as_str(), "changes_requested");
    assert_eq!(core.told(), ["review-comments pending"]);
}

#[test]
fn nobody_is_asked_about_where_nothing_hangs_on_it() {
    // Insiders, bots, those of whom nothing is said; a private repository; without App credentials.
    let mut core = public();
    for association in ["OWNER", "MEMBER", "COLLABORATOR"] {
        core.see(review(81).associated(association).requests_changes().at(5));
    }
    core.see(review(82).by_a_bot("linter[bot]").requests_changes().at(5));
    core.see(review(83).by(Some((9, "no/login?"))).associated("NONE").requests_changes().at(5));
    assert!(core.asks_about().is_empty(), "{:?}", core.asks_about());
    let mut core = Core::new().asking_github();
    core.see(pull(1).of_repo(seen_by(false, 1)));
    core.see(outside());
    assert!(core.asks_about().is_empty());
    let mut core = Core::new();
    core.see(pull(1).of_repo(seen_by(true, 1)));
    core.see(outside());
    assert!(core.asks_about().is_empty());
    // What is over, and where the project says itself whom it trusts.
    let mut core = public();
    core.see(pull(1).of_repo(seen_by(true, 1)).closed().at(20));
    core.see(outside());
    assert!(core.asks_about().is_empty());
    let mut core = public();
    let trust = Trust { associations: Some(vec!["MEMBER".into()]), ..Trust::default() };
    core.configure(ProjectConfig { trust: Some(trust), ..ProjectConfig::default() });
    core.see(outside());
    assert!(core.asks_about().is_empty());
}

#[test]
fn a_question_that_fails_is_asked_again_and_given_up_in_the_end() {
    let mut core = public();
    core.see(outside());
    let failure = |for_good| {
        let error = "nobody answers".to_owned();
        PermissionAnswer::Failed(Failure { error, retry_after: None, for_good, jitter: 500 })
    };
    core.pass(1);
    core.permission("mira", failure(false));
    let task = core.tasks_of(TaskKind::AskPermission)[0].clone();
    assert!(task.attempts == 1 && task.due_at > core.now, "{task:?}");
    core.permission("mira", failure(true));
    assert!(core.asks_about().is_empty());
    core.pass(DAY);
    core.see(comment(72).associated("NONE").by("mira").at(9));
    assert_eq!(core.asks_about(), ["mira"]);
}

#[test]
fn any_order_of_words_and_answer_ends_alike() {
    let facts = facts![
        pull(1).of_repo(seen_by(true, 1)),
        outside(),
        review(81).requests_changes().associated("CONTRIBUTOR").by(Some((7, "mira"))).at(5),
        pull(2).of_repo(seen_by(true, 2)).at(9),
        review(82).of(pull(2)).requests_changes().associated("NONE").by(Some((7, "mira"))).at(7),
    ];
    for order in permutations(facts.len()) {
        for answered_after in 0..=facts.len() {
            let mut core = Core::new().asking_github();
            for (index, fact) in order.iter().enumerate() {
                if index == answered_after && !core.asks_about().is_empty() {
                    core.permission("mira", YES);
                }
                core.see(facts[*fact].clone());
            }
            if !core.asks_about().is_empty() {
                core.permission("mira", YES);
            }
            let rows = [1, 2].map(|number| core.row(number));
            let found = rows.map(|row| (row.review.as_str(), row.unresolved_comments));
            assert_eq!(found, [("changes_requested", 1), ("changes_requested", 0)], "{order:?}");
            assert!(core.asks_about().is_empty());
        }
    }
}
