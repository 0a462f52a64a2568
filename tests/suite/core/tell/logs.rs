//! What GitHub answers when it is asked: logs, what pull requests are, checks run again.

use nudged::domain::{
    Blame, Elsewhere, Failure, FailureClass, LogAbsence, LogAnswer, LogExcerpt, LogName,
    Observation, PullRead, Refreshed, RepoId, Report, ReviewDecision, ScmObservation,
};

use super::checks::Check;
use super::{Pull, REPO, at, sha};

/// What came of fetching a check's log.
#[derive(Clone)]
pub struct Log {
    of: LogName,
    said: Option<LogExcerpt>,
    absent: Option<LogAbsence>,
    blame: Blame,
}

impl Check {
    /// The log of this run, fetched for pull request 1, which says nothing yet.
    pub fn log(&self) -> Log {
        let of = LogName { repo: REPO, sha: self.commit().clone(), run_id: self.id(), number: 1 };
        Log { of, said: None, absent: None, blame: Blame::default() }
    }
}

impl Log {
    /// It shows a failure of the code.
    pub fn says(self, text: &str) -> Self {
        self.shows(FailureClass::Code, text)
    }

    /// It shows a failure of that class, with its text as the evidence.
    pub fn shows(mut self, class: FailureClass, text: &str) -> Self {
        let evidence = text.lines().next().unwrap_or_default().into();
        self.said = Some(LogExcerpt { text: text.into(), class, evidence, truncated: false });
        self
    }

    pub fn absent(mut self, reason: LogAbsence) -> Self {
        self.absent = Some(reason);
        self
    }

    pub fn behind(mut self, commits: u64) -> Self {
        self.blame.behind = Some(commits);
        self
    }

    /// The check fails at the merge base too.
    pub fn red_at_base(mut self) -> Self {
        self.blame.base = Some(elsewhere("https://ci.example/base"));
        self
    }

    /// The check passed on this very commit too.
    pub fn passed_too(mut self) -> Self {
        self.blame.passed = Some(elsewhere("https://ci.example/passed"));
        self
    }

    /// The job has not ended.
    pub fn not_yet(self) -> Observation {
        Observation::Report(Report::Log { of: self.of, answer: LogAnswer::NotYet })
    }

    /// GitHub could not be asked.
    pub fn failed(self) -> Observation {
        let answer = LogAnswer::Failed(trouble());
        Observation::Report(Report::Log { of: self.of, answer })
    }
}

fn elsewhere(url: &str) -> Elsewhere {
    Elsewhere { sha: sha(1_000_000), url: url.into() }
}

/// Nobody answers.
pub fn trouble() -> Failure {
    let error = "GitHub does not answer".to_owned();
    Failure { error, retry_after: None, for_good: false, jitter: 500 }
}

impl From<Log> for Observation {
    fn from(Log { of, said, absent, blame }: Log) -> Self {
        let answer = match (said, absent) {
            (Some(said), _) => LogAnswer::Read(said, blame),
            (None, Some(reason)) => LogAnswer::Absent(reason, blame),
            (None, None) => panic!("nothing is said of the log"),
        };
        Self::Report(Report::Log { of, answer })
    }
}

impl Pull {
    /// As GitHub showed it when it was asked at that second.
    pub fn read(mut self, seconds: i64) -> Self {
        self.seen.read = Some(PullRead { at: at(seconds), review: None });
        self
    }

    /// The same with what its reviews amount to.
    pub fn reviewed(mut self, decision: ReviewDecision) -> Self {
        let read = self.seen.read.as_mut().expect("read it first");
        read.review = Some(decision);
        self
    }

    /// What came of asking for it.
    pub fn shown(self) -> Observation {
        let is_computed = self.seen.mergeability.is_some();
        let number = self.seen.number;
        let found = vec![ScmObservation::from(self)];
        refreshed(REPO, number, Refreshed::Shown { found, is_computed })
    }
}

/// What came of asking what a pull request is.
pub fn refreshed(repo: RepoId, number: i64, answer: Refreshed) -> Observation {
    Observation::Report(Report::Pull { repo, number, answer })
}
