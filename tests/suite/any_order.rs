//! Any order and any duplication of a story's deliveries ends in the same rows; and what is fetched for an
//! observation is enough to reduce it.

use jiff::SignedDuration;
use nudged::domain::{
    Blame, FailureClass, LogAnswer, LogExcerpt, LogName, Observation, PullRead, PullSeen, Report,
    ReviewDecision, ScmObservation, Verdict,
};
use proptest::test_runner::{RngAlgorithm, TestRng};
use shuffle::Shuffle;

use crate::core::Core;
use crate::stories;

/// Of each story.
const SHUFFLES: u64 = 60_000;

/// A small generator of permutations on proptest's seeded random numbers.
mod shuffle {
    use proptest::prelude::Rng;
    use proptest::test_runner::TestRng;

    pub trait Shuffle {
        fn below(&mut self, bound: usize) -> usize;
        fn shuffle<T>(&mut self, items: &mut [T]);
    }

    impl Shuffle for TestRng {
        fn below(&mut self, bound: usize) -> usize {
            (self.next_u64() % bound as u64) as usize
        }

        fn shuffle<T>(&mut self, items: &mut [T]) {
            for last in (1..items.len()).rev() {
                items.swap(last, self.below(last + 1));
            }
        }
    }
}

/// What a story tells, in its true order.
fn observed(name: &str) -> Vec<Observation> {
    let deliveries = stories::story(name);
    let read =
        deliveries.iter().map(|it| nudged::github::webhook::understand(it.event(), &it.body));
    let observed = read.filter_map(|understood| match understood.verdict {
        Verdict::Observed(seen) => Some(Observation::Scm(*seen.observation)),
        Verdict::Ignored(_) => None,
        Verdict::Quarantined(reason) => panic!("a fixture is not understood: {reason}"),
    });
    observed.collect()
}

/// The same where GitHub can be asked too: the logs of all runs, and every pull request as it was read some seconds
/// after each of its payloads.
fn with_answers(name: &str) -> Vec<Observation> {
    let told = observed(name);
    let answers = told.iter().filter_map(|observation| {
        let Observation::Scm(seen) = observation else { return None };
        if let ScmObservation::CheckRun { repo, sha, run } = seen {
            let (text, class) = (run.state.name.clone(), FailureClass::Code);
            let evidence = text.clone();
            let said = LogExcerpt { text, class, evidence, truncated: false };
            let of = LogName { repo: repo.id, sha: sha.clone(), run_id: run.run_id, number: 1 };
            let answer = LogAnswer::Read(said, Blame::default());
            return Some(Observation::Report(Report::Log { of, answer }));
        }
        if let ScmObservation::Pull { repo, pull } = seen {
            let at = pull.updated_at.checked_add(SignedDuration::from_secs(3)).expect("an instant");
            let read = Some(PullRead { at, review: Some(ReviewDecision::ReviewRequired) });
            let (repo, pull) = (repo.clone(), PullSeen { read, ..pull.clone() });
            return Some(Observation::Scm(ScmObservation::Pull { repo, pull }));
        }
        None
    });
    let answers: Vec<Observation> = answers.collect();
    assert!(answers.len() > 2, "{name}: nothing to ask");
    told.into_iter().chain(answers).collect()
}

#[test]
fn answers_of_github_stand_in_the_same_order_whatever_comes_first() {
    for name in ["plain-life", "ties", "rerun-same-commit", "conflicts", "draft-made-ready"] {
        ends_alike(name, &with_answers(name), 0..SHUFFLES / 10);
    }
}

/// Plays observations in their order. With `cold`, each is reduced a second time over a working set that
/// holds no more than was asked for: that must come to the same.
fn play(order: &[&Observation], cold: bool) -> Core {
    let mut core = Core::new();
    core.policy.settle = SignedDuration::from_secs(30);
    core.policy.github = true;
    for observation in order {
        let from_rows = cold.then(|| core.observe_cold(observation));
        let writes = core.observe(observation);
        if let Some(from_rows) = from_rows {
            assert_eq!(writes, from_rows, "what was fetched is not enough for {observation:?}");
        }
    }
    core
}

/// Plays observations in their order, and then in one order for each seed, some of them twice.
pub fn ends_alike(name: &str, observations: &[Observation], seeds: std::ops::Range<u64>) {
    let expected = play(&observations.iter().collect::<Vec<_>>(), true).rows();
    assert!(!expected.is_empty(), "{name}: no pull request");
    for seed in seeds {
        let mut seeded = [0; 32];
        seeded[..8].copy_from_slice(&seed.to_le_bytes());
        let mut rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seeded);
        let mut order: Vec<&Observation> = observations.iter().collect();
        for _ in 0..rng.below(observations.len()) {
            order.push(&observations[rng.below(observations.len())]);
        }
        rng.shuffle(&mut order);
        let found = play(&order, seed % 256 == 0).rows();
        assert!(
            found == expected,
            "{name}, seed {seed}: the order matters.\nexpected {expected:#?}\nfound {found:#?}\norder {order:#?}"
        );
    }
}

macro_rules! stories_end_alike {
    ($($test:ident = $name:literal),+ $(,)?) => {
        /// Stories that are played here; a new folder must be named.
        const PLAYED: &[&str] = &[$($name),+];
        $(#[test] fn $test() { ends_alike($name, &observed($name), 0..SHUFFLES); })+
    };
}

stories_end_alike! {
    plain_life = "plain-life",
    fork = "fork",
    check_before_pr = "check-before-pr",
    rerun_same_commit = "rerun-same-commit",
    force_push_late_check = "force-push-late-check",
    draft_made_ready = "draft-made-ready",
    review_comments = "review-comments",
    review_dismissed = "review-dismissed",
    close_and_reopen = "close-and-reopen",
    conflicts = "conflicts",
    merge_queue = "merge-queue",
    status_only_ci = "status-only-ci",
    renamed_repository = "renamed-repository",
    ties = "ties",
    startup_failure = "startup-failure",
    two_workflows_one_name = "two-workflows-one-name",
    cancelled_superseded = "cancelled-superseded",
}

#[test]
fn every_story_is_played() {
    for name in stories::names() {
        assert!(PLAYED.contains(&name.as_str()), "{name} is not in any_order.rs");
    }
}
