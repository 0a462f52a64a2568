//! Job logs: fetched from where GitHub keeps them, without credentials, and excerpted as they come.
//!
//! `docs/github-rules.md` 22: the API answers with an address at another host, good for a minute. Logs can be of any
//! size; what is held of them is what the excerpt's reader holds.

use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;

use super::budget::Priority;
use super::error::GithubError;
use super::github::{Github, Repo};
use super::request::{Speaker, plain};
use crate::domain::RepoName;
use crate::excerpt::{Annotation, LogReader, Verdict, with_annotations};

/// How far one log is read.
#[derive(Debug, Clone, Copy)]
pub struct LogBounds {
    /// So many bytes at most.
    pub bytes: u64,
    /// For so long at most.
    pub within: Duration,
}

impl Default for LogBounds {
    /// Actions itself keeps far less.
    fn default() -> Self {
        Self { bytes: 2 << 30, within: Duration::from_secs(600) }
    }
}

/// Redirects that are followed to where a repository went.
const MOST_REDIRECTS: usize = 3;

/// What came of asking for a log's excerpt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogOutcome {
    /// What it says.
    Excerpt(Verdict),
    /// The job has not finished: ask again.
    NotYet,
    /// GitHub no longer keeps it.
    Expired,
    /// The job was cancelled and left no log.
    Cancelled,
    /// The App may not read it; GitHub's word for the permission that is missing.
    Forbidden(Option<String>),
    /// There is none.
    Missing,
}

/// A log that is on its way, or why there is none.
#[derive(Debug)]
pub(super) enum Opened {
    Log(LogStream),
    None(LogOutcome),
}

/// A log on its way.
#[derive(Debug)]
pub(super) struct LogStream {
    from: Source,
    read: u64,
}

#[derive(Debug)]
enum Source {
    Away(Box<reqwest::Response>),
    Here(Option<Bytes>),
}

impl LogStream {
    /// Its whole length, where that is known.
    pub(super) fn length(&self) -> Option<u64> {
        match &self.from {
            Source::Away(response) => response.content_length(),
            Source::Here(bytes) => Some(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
        }
    }

    /// The next piece; `None` at its end.
    ///
    /// # Errors
    /// It broke off.
    pub(super) async fn piece(&mut self) -> Result<Option<Bytes>, GithubError> {
        let piece = match &mut self.from {
            Source::Away(response) => response.chunk().await.map_err(|error| {
                let slow =
                    if error.is_timeout() { "nothing came for long" } else { "it ended early" };
                GithubError::Unavailable(format!("a log broke off: {slow}"))
            })?,
            Source::Here(bytes) => bytes.take(),
        };
        self.read += piece.as_ref().map_or(0, |piece| piece.len() as u64);
        Ok(piece)
    }
}

impl Github {
    /// The excerpt of a job's log, with what the job's annotations add. `job` is the id of its check run.
    ///
    /// # Errors
    /// GitHub cannot be asked now, or not as the App.
    pub async fn log_excerpt(&self, repo: &RepoName, job: i64) -> Result<LogOutcome, GithubError> {
        self.log_excerpt_within(LogBounds::default(), repo, job).await
    }

    /// The same, of a log as far as it is read within these bounds.
    ///
    /// # Errors
    /// As [`Github::log_excerpt`].
    pub async fn log_excerpt_within(
        &self,
        bounds: LogBounds,
        repo: &RepoName,
        job: i64,
    ) -> Result<LogOutcome, GithubError> {
        let asked = self.repo(repo, Priority::Logs).await?;
        let mut log = match asked.open_log(job).await? {
            Opened::Log(log) => log,
            Opened::None(outcome) => return Ok(outcome),
        };
        let mut reader = LogReader::new();
        let reading = async {
            while let Some(piece) = log.piece().await? {
                reader.push(&piece);
                if log.read > bounds.bytes {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        // A log that never ends is taken as far as it came.
        let cut = tokio::time::timeout(bounds.within, reading).await.unwrap_or(Ok(true))?;
        let mut verdict = reader.finish();
        verdict.truncated |= cut;
        // What they add is worth little where they cannot be had.
        match asked.annotations(job).await {
            Ok(annotations) => {
                let shown: Vec<_> = annotations.iter().map(Note::as_annotation).collect();
                verdict = with_annotations(verdict, &shown);
            }
            Err(error) => tracing::debug!(%error, job, "no annotations"),
        }
        Ok(LogOutcome::Excerpt(verdict))
    }

    /// Has a job run again.
    ///
    /// # Errors
    /// The App may not (it wants actions: write), or GitHub cannot be asked now.
    pub async fn rerun_job(&self, repo: &RepoName, job: i64) -> Result<(), GithubError> {
        let asked = self.repo(repo, Priority::Refresh).await?;
        let path = format!("/actions/jobs/{job}/rerun");
        asked.post("rerun", &path, &serde_json::json!({})).await.map(drop)
    }
}

impl Github {
    /// Has all failed jobs of an Actions run run again.
    ///
    /// # Errors
    /// As [`Github::rerun_job`].
    pub async fn rerun_failed_jobs(&self, repo: &RepoName, run: i64) -> Result<(), GithubError> {
        let asked = self.repo(repo, Priority::Refresh).await?;
        let path = format!("/actions/runs/{run}/rerun-failed-jobs");
        asked.post("rerun", &path, &serde_json::json!({})).await.map(drop)
    }
}

/// An annotation as GitHub's API shows it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Note {
    #[serde(default)]
    path: String,
    #[serde(default)]
    start_line: Option<u64>,
    #[serde(default)]
    annotation_level: Option<String>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    message: Option<String>,
}

impl Note {
    fn as_annotation(&self) -> Annotation<'_> {
        Annotation {
            path: &self.path,
            line: self.start_line.unwrap_or(0),
            level: self.annotation_level.as_deref().unwrap_or_default(),
            title: self.title.as_deref().unwrap_or_default(),
            message: self.message.as_deref().unwrap_or_default(),
        }
    }
}

#[derive(Deserialize)]
struct Job {
    status: String,
    #[serde(default)]
    conclusion: Option<String>,
}

impl Repo {
    /// The first annotations of a check run.
    async fn annotations(&self, run: i64) -> Result<Vec<Note>, GithubError> {
        let path = format!("/check-runs/{run}/annotations?per_page=50");
        let answer = self.get("annotations", &path).await?;
        serde_json::from_slice(&answer.body)
            .map_err(|_| GithubError::Malformed("they are no annotations".to_owned()))
    }

    /// Opens a job's log, or says why there is none.
    pub(super) async fn open_log(&self, job: i64) -> Result<Opened, GithubError> {
        let mut path = self.path(&format!("/actions/jobs/{job}/logs"));
        for _ in 0..=MOST_REDIRECTS {
            debug_assert!(self.speaker != Speaker::App);
            let reply =
                self.github.client.authorised(&plain(self.asker("log"), &path, None)).await?;
            match reply.status {
                302 => {
                    let address = reply.location().unwrap_or_default();
                    return self.open_away(address).await;
                }
                // To where the repository is now.
                301 | 307 | 308 => {
                    let address = reply.location().unwrap_or_default();
                    path = self.github.client.path_below(address)?;
                }
                200 => {
                    let from = Source::Here(Some(reply.body));
                    return Ok(Opened::Log(LogStream { from, read: 0 }));
                }
                404 => return self.why_none(job).await.map(Opened::None),
                410 => return Ok(Opened::None(LogOutcome::Expired)),
                _ => {
                    return match reply.judge() {
                        Err(GithubError::Forbidden { permission }) => {
                            Ok(Opened::None(LogOutcome::Forbidden(permission)))
                        }
                        Err(error) => Err(error),
                        Ok(_) => Err(GithubError::Malformed("no address of a log".to_owned())),
                    };
                }
            }
        }
        Err(GithubError::Malformed("it redirects in circles".to_owned()))
    }

    async fn open_away(&self, address: &str) -> Result<Opened, GithubError> {
        let response = self.github.client.get_away(address).await?;
        match response.status().as_u16() {
            200 => {
                let from = Source::Away(Box::new(response));
                Ok(Opened::Log(LogStream { from, read: 0 }))
            }
            410 => Ok(Opened::None(LogOutcome::Expired)),
            // The address is good for a minute: the next one may be.
            status => {
                Err(GithubError::Unavailable(format!("the host of the log answered {status}")))
            }
        }
    }

    /// A job without a log has not finished, or was cancelled before it wrote any.
    async fn why_none(&self, job: i64) -> Result<LogOutcome, GithubError> {
        let answer = match self.get("job", &format!("/actions/jobs/{job}")).await {
            Ok(answer) => answer,
            Err(GithubError::NotFound) => return Ok(LogOutcome::Missing),
            Err(GithubError::Forbidden { permission }) => {
                return Ok(LogOutcome::Forbidden(permission));
            }
            Err(other) => return Err(other),
        };
        let job: Job = serde_json::from_slice(&answer.body)
            .map_err(|_| GithubError::Malformed("it is no job".to_owned()))?;
        Ok(match (job.status.as_str(), job.conclusion.as_deref()) {
            ("completed", Some("cancelled")) => LogOutcome::Cancelled,
            ("completed", _) => LogOutcome::Missing,
            _ => LogOutcome::NotYet,
        })
    }
}
