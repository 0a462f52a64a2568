//! What pull requests are now: many in one query of GraphQL, one by one by REST where that is not answered.

use std::collections::HashMap;
use std::sync::Arc;

use super::budget::Priority;
use super::error::GithubError;
use super::github::{Github, Repo};
use super::graphql::{self, PullNode, RepoNode, ThreadNode};
use super::metrics;
use super::request::{Asker, Speaker};
use crate::domain::{
    CommitSha, Mergeability, PrState, PullCore, PullRead, PullSeen, RepoId, RepoName, RepoSeen,
    ReviewDecision, Timestamp,
};
use crate::github::webhook::rest;

/// A pull request that is asked about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PullAsked {
    pub repo: RepoName,
    pub number: i64,
}

/// A pull request as GitHub showed it when it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRefreshed {
    pub repo: RepoSeen,
    /// `mergeability` is `None` while GitHub computes it: ask again after 5, 10, 15 s. `read` says what reviews
    /// amount to, where GraphQL was asked.
    pub pull: PullSeen,
    /// Whether threads are resolved, by the id of the comment that began each: the first hundred. `None` where
    /// they were not asked for, or REST was, which does not tell.
    pub threads: Option<Vec<(i64, bool)>>,
}

/// What came of asking about each.
pub type Refreshed = Vec<(PullAsked, Result<PullRefreshed, GithubError>)>;

impl Github {
    /// Asks what pull requests are now, up to 25 in one request of one point; not for their threads.
    pub async fn refresh(&self, asked: &[PullAsked]) -> Refreshed {
        self.refresh_within(asked, Priority::Refresh, false).await
    }

    pub(super) async fn refresh_within(
        &self,
        asked: &[PullAsked],
        priority: Priority,
        threads: bool,
    ) -> Refreshed {
        let mut by_speaker = HashMap::<Speaker, Vec<PullAsked>>::new();
        let mut refreshed = Vec::with_capacity(asked.len());
        for pull in asked {
            match self.repo(&pull.repo, priority).await {
                Ok(repo) => by_speaker.entry(repo.speaker).or_default().push(pull.clone()),
                Err(error) => refreshed.push((pull.clone(), Err(error))),
            }
        }
        for (speaker, pulls) in by_speaker {
            for portion in pulls.chunks(graphql::MOST) {
                let asker = Asker { speaker, kind: "graphql", priority };
                match self.query(asker, portion, threads).await {
                    Ok(found) => refreshed.extend(portion.iter().cloned().zip(found)),
                    // A limit of GraphQL is none of REST.
                    Err(error @ (GithubError::Limited { .. } | GithubError::Malformed(_)))
                    | Err(error @ GithubError::Forbidden { .. })
                    | Err(error @ GithubError::NotFound) => {
                        tracing::debug!(%error, "GraphQL is not answered: REST is asked");
                        for pull in portion {
                            let found = self.refresh_one(pull, priority).await;
                            refreshed.push((pull.clone(), found));
                        }
                    }
                    Err(error) => refreshed
                        .extend(portion.iter().map(|pull| (pull.clone(), Err(error.clone())))),
                }
            }
        }
        refreshed
    }

    async fn query(
        &self,
        asker: Asker,
        pulls: &[PullAsked],
        threads: bool,
    ) -> Result<Vec<Result<PullRefreshed, GithubError>>, GithubError> {
        let asked_at = self.client.there();
        let names: Vec<_> = pulls.iter().map(|pull| (pull.repo.clone(), pull.number)).collect();
        let answer = self.client.query(asker, graphql::body(&names, threads)).await?;
        let (nodes, cost) = graphql::read(&answer, pulls.len())?;
        metrics::points(cost.cost);
        Ok(nodes.into_iter().map(|node| shown(node, asked_at)).collect())
    }

    async fn refresh_one(
        &self,
        asked: &PullAsked,
        priority: Priority,
    ) -> Result<PullRefreshed, GithubError> {
        let repo = self.repo(&asked.repo, priority).await?;
        repo.refreshed(asked.number).await
    }
}

impl Repo {
    /// A pull request by REST.
    async fn refreshed(&self, number: i64) -> Result<PullRefreshed, GithubError> {
        let asked_at = self.github.client.there();
        let answer = self.get("pull", &format!("/pulls/{number}")).await?;
        let shown =
            rest::pull(&answer.body).map_err(|error| GithubError::Malformed(error.to_string()))?;
        let (repo, mut pull) = (shown.repo, shown.pull);
        pull.read = Some(PullRead { at: asked_at, review: None });
        Ok(PullRefreshed { repo, pull, threads: None })
    }
}

fn shown(node: Option<RepoNode>, asked_at: Timestamp) -> Result<PullRefreshed, GithubError> {
    let node = node.ok_or(GithubError::NotFound)?;
    let unclear = |field: &str| GithubError::Malformed(format!("GraphQL: `{field}` is unclear"));
    let name = RepoName::parse(&node.name_with_owner).ok_or_else(|| unclear("nameWithOwner"))?;
    let repo = RepoSeen {
        id: RepoId(node.database_id),
        name,
        url: node.url.trim_end_matches('/').into(),
        updated_at: node.updated_at,
        former: None,
        is_private: node.is_private,
    };
    let pull = node.pull_request.ok_or(GithubError::NotFound)?;
    let commit = |sha: &str, field| CommitSha::parse(sha).ok_or_else(|| unclear(field));
    let state = match (pull.state.as_str(), pull.is_draft) {
        ("MERGED", _) => PrState::Merged,
        ("CLOSED", _) => PrState::Closed,
        ("OPEN", true) => PrState::Draft,
        ("OPEN", false) => PrState::Open,
        _ => return Err(unclear("state")),
    };
    let core = PullCore {
        state,
        title: text(&pull.title),
        author: author(&pull),
        head_ref: text(&pull.head_ref_name),
        head_sha: commit(&pull.head_ref_oid, "headRefOid")?,
        head_repo: pull.head_repository.as_ref().and_then(|it| it.database_id).map(RepoId),
        base_ref: text(&pull.base_ref_name),
        base_sha: commit(&pull.base_ref_oid, "baseRefOid")?,
        created_at: pull.created_at,
        first: false,
    };
    let threads = pull.review_threads.as_ref().map(|threads| {
        let state = |thread: &ThreadNode| {
            let root = thread.comments.nodes.first()?.database_id?;
            Some((root, thread.is_resolved))
        };
        threads.nodes.iter().filter_map(state).collect()
    });
    let decision = match pull.review_decision.as_deref() {
        Some("APPROVED") => Some(ReviewDecision::Approved),
        Some("CHANGES_REQUESTED") => Some(ReviewDecision::ChangesRequested),
        Some("REVIEW_REQUIRED") => Some(ReviewDecision::ReviewRequired),
        // No rule wants a review, and nobody asks for changes.
        None => Some(ReviewDecision::None),
        Some(_) => None,
    };
    let seen = PullSeen {
        number: pull.number,
        core: Arc::new(core),
        updated_at: pull.updated_at,
        before: None,
        mergeability: mergeability(&pull),
        read: Some(PullRead { at: asked_at, review: decision }),
    };
    Ok(PullRefreshed { repo, pull: seen, threads })
}

/// `docs/github-rules.md` 16, in GraphQL's words.
fn mergeability(pull: &PullNode) -> Option<Mergeability> {
    Some(match (pull.mergeable.as_str(), pull.merge_state_status.as_str()) {
        ("CONFLICTING", _) | (_, "DIRTY") => Mergeability::Conflicting,
        ("MERGEABLE", "CLEAN" | "HAS_HOOKS") => Mergeability::Mergeable,
        ("MERGEABLE", "UNSTABLE") => Mergeability::Unstable,
        ("MERGEABLE", "BLOCKED" | "DRAFT" | "BEHIND") => Mergeability::Blocked,
        ("MERGEABLE", _) => Mergeability::Unknown,
        _ => return None,
    })
}

/// REST and webhooks write a bot's login with its mark, GraphQL without.
fn author(pull: &PullNode) -> crate::domain::Text {
    match &pull.author {
        None => "ghost".into(),
        Some(actor) if actor.kind == "Bot" && !actor.login.ends_with("[bot]") => {
            format!("{}[bot]", actor.login).into()
        }
        Some(actor) => text(&actor.login),
    }
}

/// Bounded as texts of webhooks are.
fn text(raw: &str) -> crate::domain::Text {
    rest::text(raw)
}
