//! A week in a repository: the same whoever looks on.

use nudged::fake_github::{NewPull, Outcome};

use super::Pair;

/// Plays the week; each thing happens in a second of its own. Returns when all webhooks have gone out.
pub async fn week(pair: &Pair) {
    let rocket = pair.github.repository("acme/rocket");
    let tick = || pair.pass(60);
    let mut numbers = Vec::new();
    for n in 0..12 {
        let number = rocket.open_pull(NewPull::from(&format!("ada/change-{n}")));
        numbers.push(number);
        tick();
    }
    for (index, number) in numbers.iter().copied().enumerate() {
        let head = rocket.pull(number).head_sha;
        let run = rocket.start_run(&head, "CI", "pull_request", &["build", "test"]);
        tick();
        rocket.finish_job(rocket.job(run, "build"), "success", None);
        tick();
        let verdict = if index % 3 == 0 { "failure" } else { "success" };
        rocket.finish_job(rocket.job(run, "test"), verdict, None);
        tick();
        let lint = rocket.start_check(&head, "harbor-ci", "lint");
        tick();
        let said = Outcome::new(if index % 4 == 0 { "failure" } else { "success" });
        rocket.finish_check(lint, said.saying("lint", "2 problems", "src/a.rs:1: too long"));
        rocket.status(&head, "ci/deploy", "pending");
        tick();
        rocket.status(&head, "ci/deploy", "success");
        tick();
        match index % 6 {
            0 => {
                // Mended, after a failed run is run again.
                rocket.rerun(run, true);
                tick();
                let sha = rocket.push(number);
                tick();
                let run = rocket.start_run(&sha, "CI", "pull_request", &["build", "test"]);
                tick();
                rocket.finish_job(rocket.job(run, "build"), "success", None);
                rocket.finish_job(rocket.job(run, "test"), "success", None);
                tick();
                rocket.review(number, "grace", "approved", "Fine.");
                tick();
            }
            1 => {
                let review = rocket.review(number, "grace", "changes_requested", "Not so.");
                tick();
                let comment = rocket.review_comment(number, review, "src/lib.rs", 3, "Why?");
                tick();
                rocket.reply(number, comment, "ada-agent", "Since it has to be.");
                tick();
                rocket.resolve(number, comment, "grace");
                tick();
                rocket.dismiss(number, review, "grace");
                tick();
            }
            2 => {
                let kept = rocket.comment(number, "grace", "src/lib.rs", 9, "Shorter, please.");
                tick();
                let gone = rocket.comment(number, "grace", "src/lib.rs", 10, "Never mind.");
                tick();
                rocket.edit_comment(number, kept, "Much shorter, please.");
                tick();
                rocket.delete_comment(number, gone);
                tick();
                let kept = rocket.remark(number, "grace", "What is it for?");
                tick();
                let gone = rocket.remark(number, "grace", "I see.");
                tick();
                rocket.edit_remark(number, kept, "What is it for, and when?");
                tick();
                rocket.delete_remark(number, gone);
                tick();
            }
            3 => {
                rocket.retitle(number, "A better title");
                tick();
                rocket.merge(number, "grace");
                tick();
            }
            4 => {
                rocket.make_draft(number);
                tick();
                rocket.close(number);
                tick();
                if index > 6 {
                    rocket.reopen(number);
                    tick();
                }
            }
            _ => {
                let sha = rocket.push(number);
                tick();
                rocket.push(number);
                tick();
                rocket.start_run(&sha, "CI", "pull_request", &["build"]);
                tick();
                rocket.label(number, "soon");
                tick();
            }
        }
    }
    pair.github.settle().await;
}
