//! A clock that is set, and what was on its way when it was taken back.

use nudged::domain::{Failure, NudgeId, Observation, Report};

use crate::core::Core;
use crate::core::tell::{check, pull};

fn sent(core: &mut Core, nudge: i64) {
    let report = Report::NudgeSent { nudge: NudgeId(nudge), attempt: 1 };
    core.observe(&Observation::Report(report)).expect("taken down");
}

#[test]
fn a_nudge_that_arrives_after_it_was_taken_back_is_not_said_again() {
    // Draft and back takes it back; it was being sent.
    let mut core = Core::new().notifying();
    core.see(check("build").passed().at(1));
    core.see(pull(1).clean().at(2));
    assert_eq!(core.told(), ["approved-and-green pending"]);
    core.see(pull(1).clean().draft().at(3));
    assert_eq!(core.told(), ["approved-and-green superseded"]);
    core.see(pull(1).clean().at(4));
    assert_eq!(core.told(), ["approved-and-green superseded", "approved-and-green pending"]);
    sent(&mut core, 1);
    assert_eq!(core.told(), ["approved-and-green superseded", "approved-and-green superseded"]);
    // And the other way round.
    let mut core = Core::new().notifying();
    core.see(check("build").passed().at(1));
    core.see(pull(1).clean().at(2));
    core.see(pull(1).clean().draft().at(3));
    sent(&mut core, 1);
    core.see(pull(1).clean().at(4));
    assert_eq!(core.told(), ["approved-and-green superseded"]);
    // It was red in between: then it is news.
    core.see(check("build").run(2).failed().at(6));
    core.see(check("build").run(3).passed().at(8));
    assert_eq!(
        core.told_of("approved"),
        ["approved-and-green superseded", "approved-and-green pending"]
    );
}

#[test]
fn a_jump_of_the_clock_gives_no_notification_up() {
    let mut core = Core::new().notifying();
    core.see(check("build").passed().at(1));
    core.see(pull(1).clean().at(2));
    let failed = |attempt| {
        let error = "no answer".to_owned();
        let failure = Failure { error, retry_after: None, for_good: false, jitter: 500 };
        Observation::Report(Report::NudgeNotSent { nudge: NudgeId(1), attempt, failure })
    };
    core.pass(400 * 24 * 3_600);
    core.observe(&failed(1)).expect("taken down");
    assert_eq!(core.told(), ["approved-and-green pending"], "one look at the clock is not enough");
}

#[test]
fn a_head_that_arrived_in_the_future_settles_no_longer_than_others() {
    let mut core = Core::new().settling(2);
    core.see(check("build").passed().at(1));
    core.see(pull(1).at(2));
    core.pass(-3_600);
    core.see(pull(1).clean().at(3));
    core.pass(2);
    core.see(check("lint").passed().at(4));
    assert_eq!(core.told(), ["approved-and-green pending"]);
}
