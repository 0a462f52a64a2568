//! Any order and any duplication of a story's deliveries ends in the same rows.
//!
//! Each shuffle plays in a repository of its own, so that one database holds a thousand of them;
//! the SQL rows are compared with those of the story in its true order.

use jiff::SignedDuration;
use nudged::clock::Clock;
use nudged::domain::{
    Adopt, Delivery, DeliveryOutcome, Observed, RepoId, RepoName, ScmObservation, Verdict,
};
use nudged::engine::{Engine, Retention};
use nudged::github::webhook::understand;
use nudged::lifecycle::Policy;
use nudged::store::Store;
use proptest::test_runner::{RngAlgorithm, TestRng};
use rand_like::Shuffle;

use crate::stories::{self, Letter};

const SHUFFLES: u64 = 1_000;

/// Everything that must not depend on arrival.
const ROWS: &[&str] = &[
    "SELECT number, url, pr_state, title, author, head_ref, head_sha, head_repo_id, base_ref, base_sha,
        core_at, core_ties, review_decision, ci_state, mergeability, unresolved_comments,
        created_at, updated_at, session_id IS NULL
     FROM pr WHERE repo_id = ?1 ORDER BY number",
    "SELECT number, pr_url, commit_hash, source, workflow, workflow_name, name, status, conclusion,
        pr_checks.url, log_tail, run_id, started_at, completed_at, pr_checks.created_at
     FROM pr_checks JOIN pr ON pr.id = pr_id WHERE repo_id = ?1
     ORDER BY number, commit_hash, source, workflow, name",
    "SELECT number, sha, head_at, superseded FROM pr_commits JOIN pr ON pr.id = pr_id
     JOIN commits ON commits.id = commit_id WHERE pr.repo_id = ?1 ORDER BY number, sha",
    "SELECT number, review_id, author_id, state, submitted_at, seen_at FROM pr_reviews
     JOIN pr ON pr.id = pr_id WHERE repo_id = ?1 ORDER BY number, review_id",
    "SELECT number, kind, comment_id, root_id, review_id, pr_comment.author, file, line, body,
        pr_comment.url, resolved, pr_comment.created_at
     FROM pr_comment JOIN pr ON pr.id = pr_id WHERE repo_id = ?1 ORDER BY number, kind, comment_id",
];

/// A small generator of permutations on proptest's seeded random numbers.
mod rand_like {
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

/// The story's observations, as seen in a repository that only this shuffle uses.
fn observed(letters: &[Letter], repo: i64) -> Vec<ScmObservation> {
    let understood = letters.iter().map(|l| understand(l.event(), &l.body).verdict);
    let observed = understood.filter_map(|verdict| match verdict {
        Verdict::Observed(observed) => Some(*observed.observation),
        Verdict::Ignored(_) => None,
        Verdict::Quarantined(reason) => panic!("a fixture is not understood: {reason}"),
    });
    observed.map(|observation| in_repo(observation, repo)).collect()
}

fn in_repo(mut observation: ScmObservation, id: i64) -> ScmObservation {
    match &mut observation {
        ScmObservation::Pull { repo, pull }
        | ScmObservation::Review { repo, pull, .. }
        | ScmObservation::Thread { repo, pull, .. } => {
            if pull.core.head_repo == Some(repo.id) {
                pull.core.head_repo = Some(RepoId(id));
            }
            rename(repo, id);
        }
        ScmObservation::CheckRun { repo, .. }
        | ScmObservation::Status { repo, .. }
        | ScmObservation::WorkflowRun { repo, .. }
        | ScmObservation::SuiteCompleted { repo, .. }
        | ScmObservation::Push { repo, .. }
        | ScmObservation::Repository { repo } => rename(repo, id),
        ScmObservation::Comment { repo, pull, .. } => {
            if let Some(pull) = pull.as_mut().filter(|pull| pull.core.head_repo == Some(repo.id)) {
                pull.core.head_repo = Some(RepoId(id));
            }
            rename(repo, id);
        }
        ScmObservation::Access { .. } => {}
    }
    observation
}

fn rename(repo: &mut nudged::domain::RepoSeen, id: i64) {
    repo.id = RepoId(id);
    let name = format!("shuffled-{id}/{}", repo.name.name());
    repo.url = format!("https://github.com/{name}");
    repo.name = RepoName::parse(&name).expect("a name");
}

async fn play(engine: &Engine, observations: Vec<ScmObservation>, repo: i64) {
    let deliveries = observations.into_iter().enumerate().map(|(index, observation)| Delivery {
        hook: String::new(),
        guid: format!("{repo}-{index}"),
        event: "any".to_owned(),
        action: None,
        repo: None,
        verdict: Verdict::Observed(Observed {
            json: serde_json::to_string(&observation).expect("JSON"),
            observation: Box::new(observation),
        }),
        body: bytes::Bytes::new(),
    });
    // The engine takes them in the order in which they are first polled, as one batch.
    let outcomes = futures_util::future::join_all(deliveries.map(|d| engine.receive(d))).await;
    for outcome in outcomes {
        assert_eq!(outcome.expect("stored"), DeliveryOutcome::Applied);
    }
}

async fn rows(store: &Store, repo: i64) -> Vec<String> {
    let read = move |connection: &rusqlite::Connection| {
        let mut all = Vec::new();
        for sql in ROWS {
            let mut statement = connection.prepare_cached(sql)?;
            let columns = statement.column_count();
            let names: Vec<String> =
                statement.column_names().iter().map(ToString::to_string).collect();
            let mut found = statement.query([repo])?;
            while let Some(row) = found.next()? {
                let value = |index| row.get::<_, rusqlite::types::Value>(index);
                let cells = (0..columns)
                    .map(|index| Ok(format!("{}={:?}", names[index], value(index)?)))
                    .collect::<Result<Vec<_>, rusqlite::Error>>()?;
                let line = cells.join(" ");
                // The only traces of the repository that the shuffle plays in.
                let line = line.replace(&format!("shuffled-{repo}/"), "shuffled/");
                let line =
                    line.replace(&format!("head_repo_id=Integer({repo})"), "head_repo_id=own");
                all.push(line.replace(&format!("head_repo\\\":{repo},"), "head_repo\\\":own,"));
            }
        }
        Ok(all)
    };
    store.read(read).await.expect("rows")
}

async fn ends_alike(name: &str, shuffles: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(&folder.path().join("any.db")).await.expect("a store");
    let policy = Policy {
        settle: SignedDuration::from_secs(30),
        adopt: Adopt::All,
        auto_register: true,
        notify: false,
    };
    let engine = Engine::start(&store, policy, Retention::default(), Clock::system())
        .await
        .expect("an engine");
    let letters = stories::story(name);
    play(&engine, observed(&letters, 1), 1).await;
    let expected = rows(&store, 1).await;
    assert!(expected.iter().any(|row| row.contains("pr_state")), "{name}: no pull request");

    for seed in 0..shuffles {
        let repo = 2 + seed as i64;
        let mut seeded = [0; 32];
        seeded[..8].copy_from_slice(&seed.to_le_bytes());
        let mut rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seeded);
        let mut observations = observed(&letters, repo);
        for _ in 0..rng.below(observations.len()) {
            let again = observations[rng.below(observations.len())].clone();
            observations.push(again);
        }
        rng.shuffle(&mut observations);
        let order = observations.clone();
        play(&engine, observations, repo).await;
        let found = rows(&store, repo).await;
        assert!(
            found == expected,
            "{name}, seed {seed}: the order matters.\nexpected {expected:#?}\nfound {found:#?}\norder {order:#?}"
        );
    }
    engine.close().await;
}

macro_rules! stories_end_alike {
    ($($test:ident = $name:literal),+ $(,)?) => {
        /// Stories that are played here; a new folder must be named.
        const PLAYED: &[&str] = &[$($name),+];
        $(#[tokio::test] async fn $test() { ends_alike($name, SHUFFLES).await; })+
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
