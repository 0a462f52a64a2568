//! GitHub's API as the rest of the server reaches it: `api::GithubDoor`.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::budget::Priority;
use super::error::GithubError;
use super::github::Github;
use super::logs::{LogOutcome, LogStream, Opened};
use super::missed::{Missed, MissedError};
use crate::api::{ApiError, Asked, Code, GithubDoor, GithubStanding, LogPart, LogText, Recovery};
use crate::domain::RepoName;
use crate::excerpt::{LogFilter, Selection};

/// What is read of a log that somebody asks for.
const LONGEST: u64 = 512 << 20;
/// Pieces of a log that wait for a reader who is slow.
const PIECES: usize = 4;

/// The door.
pub struct Door {
    github: Github,
    missed: Arc<Missed>,
    longest: u64,
}

impl Door {
    pub fn new(github: Github, missed: Arc<Missed>) -> Self {
        Self { github, missed, longest: LONGEST }
    }

    /// The same, where so many bytes of a log are read at most.
    pub fn reading_at_most(self, longest: u64) -> Self {
        Self { longest, ..self }
    }

    async fn open(&self, repo: &RepoName, run_id: i64) -> Result<LogStream, ApiError> {
        let opened = async {
            let asked = self.github.repo(repo, Priority::Logs).await?;
            asked.open_log(run_id).await
        };
        let why = match opened.await.map_err(refusal)? {
            Opened::Log(log) => return Ok(log),
            Opened::None(why) => why,
        };
        let gone = |message: &str| Err(ApiError::not_found(message));
        match why {
            LogOutcome::NotYet => Err(ApiError::unavailable(
                "the job has not finished; GitHub has its log when it has",
            )),
            LogOutcome::Expired => gone("GitHub no longer keeps this log"),
            LogOutcome::Cancelled => gone("the job was cancelled and left no log"),
            LogOutcome::Missing | LogOutcome::Excerpt(_) => gone("GitHub has no log of this check"),
            LogOutcome::Forbidden(permission) => {
                Err(refusal(GithubError::Forbidden { permission }))
            }
        }
    }
}

fn refusal(error: GithubError) -> ApiError {
    match error {
        GithubError::Unavailable(_) | GithubError::Limited { .. } => {
            ApiError::unavailable(error.to_string())
        }
        GithubError::NotFound | GithubError::Gone => ApiError::not_found(error.to_string()),
        GithubError::Unauthorized(_)
        | GithubError::Forbidden { .. }
        | GithubError::Refused(_)
        | GithubError::Running
        | GithubError::Withheld
        | GithubError::Suspended
        | GithubError::NotInstalled
        | GithubError::Malformed(_)
        | GithubError::Strayed(_) => ApiError::new(Code::Github, error.to_string()),
    }
}

impl GithubDoor for Door {
    fn standing(&self) -> GithubStanding {
        self.github.standing()
    }

    fn recover(&self) -> Asked<'_, Recovery> {
        Box::pin(async {
            self.missed.recover().await.map_err(|error| match error {
                MissedError::Github(error) => refusal(error),
                MissedError::Store(error) => error.into(),
                MissedError::Engine(error) => error.into(),
            })
        })
    }

    fn log(&self, repo: RepoName, run_id: i64, part: LogPart) -> Asked<'_, LogText> {
        Box::pin(async move {
            let log = self.open(&repo, run_id).await?;
            let truncated = log.length().is_some_and(|length| length > self.longest);
            let (pieces, text) = mpsc::channel(PIECES);
            tokio::spawn(filter(log, part, self.longest, pieces));
            Ok(LogText { truncated, pieces: text })
        })
    }
}

/// Sends the lines that are wanted, until the log ends or nobody reads on.
async fn filter(
    mut log: LogStream,
    part: LogPart,
    longest: u64,
    pieces: mpsc::Sender<Result<Bytes, String>>,
) {
    let LogPart { step, grep, tail } = part;
    let mut filter = LogFilter::new(&Selection { step, grep, tail });
    let mut read = 0_u64;
    loop {
        let piece = match log.piece().await {
            Ok(Some(piece)) => piece,
            Ok(None) => break,
            Err(error) => {
                let _ = pieces.send(Err(error.to_string())).await;
                return;
            }
        };
        read += piece.len() as u64;
        let lines = filter.push(&piece);
        if !lines.is_empty() && pieces.send(Ok(lines.into())).await.is_err() {
            return;
        }
        if pieces.is_closed() {
            return;
        }
        if read > longest {
            let mut lines = filter.finish();
            lines.push_str("[the log goes on; this is where reading it ended]\n");
            let _ = pieces.send(Ok(lines.into())).await;
            return;
        }
    }
    let lines = filter.finish();
    if !lines.is_empty() {
        let _ = pieces.send(Ok(lines.into())).await;
    }
}
