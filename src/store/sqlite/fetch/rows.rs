//! Rows, and what they are read into.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::{Connection, Result, Row};

use super::statement::{all, one};
use crate::domain::{
    Activity, ApiAccess, Budget, BudgetRule, Check, CheckKey, Comment, CommentName, CommentRow,
    CommitSha, Conversation, Detecting, MergeabilityAnswer, Nudge, NudgeId, Operation, Project,
    ProjectId, PullCommit, PullCore, PullId, PullRegisters, PullRequest, QueueFact, RepoId, Review,
    Runtime, Session, SessionId, Standing, Subject, Task, TaskName, Thread, Visibility,
};
use crate::lifecycle::PullRecord;
use crate::store::sqlite::codec::{At, Json, at};

pub(super) fn project(on: &Connection, id: &ProjectId) -> Result<Option<Arc<Project>>> {
    let sql = "SELECT id, repo_id, repo, named_at, repo_origin_url, display_name, path, adopt,
            ci_seen, next_session, registered_at, archived_at, claimed_repo, claimed_url,
            nudges_paused, checks_only, checks_except, api_access, api_access_at, former_names,
            trust, is_public, visible_at, rerun, api_suspended, people
         FROM projects WHERE id = ?1";
    one(on, sql, [id], |row| {
        let At(registered_at) = row.get(10)?;
        Ok(Arc::new(Project {
            id: row.get(0)?,
            repo_id: row.get(1)?,
            repo: row.get(2)?,
            named_at: at(row, 3)?,
            repo_origin_url: row.get(4)?,
            display_name: row.get(5)?,
            path: row.get(6)?,
            adopt: row.get(7)?,
            ci_seen: row.get(8)?,
            next_session: row.get(9)?,
            registered_at,
            archived_at: at(row, 11)?,
            claim: row.get::<_, Option<_>>(12)?.zip(row.get(13)?),
            nudges_paused: row.get(14)?,
            checks_only: row.get::<_, Json<_>>(15)?.0,
            checks_except: row.get::<_, Json<_>>(16)?.0,
            api_access: (ApiAccess::told(row.get(17)?, row.get(24)?), at(row, 18)?),
            former_names: row.get::<_, Json<_>>(19)?.0,
            trust: row.get::<_, Json<_>>(20)?.0,
            rerun: row.get(23)?,
            people: row.get::<_, Json<_>>(25)?.0,
            visibility: match row.get(21)? {
                Some(is_public) => Some(Visibility { at: at(row, 22)?, is_public }),
                None => None,
            },
        }))
    })
}

pub(super) fn session(on: &Connection, id: &SessionId) -> Result<Option<Arc<Session>>> {
    let sql = "SELECT id, project_id, num, issue_id, kind, harness, session_state,
            termination_reason, is_alive, activity_state, activity_last_at, activity_source,
            detecting_attempts, detecting_started_at, detecting_evidence_hash, branch,
            workspace_path, runtime_name, runtime_handle_id, agent_session_id, prompt,
            nudges_paused, memory, created_at, updated_at, transcript_path, launch_id, operation,
            operation_since, failure, token_hash, freed_bytes
         FROM sessions WHERE id = ?1";
    one(on, sql, [id], |row| {
        let (At(last_at), At(created_at), At(updated_at)) =
            (row.get(10)?, row.get(23)?, row.get(24)?);
        let detecting = match (row.get(12)?, at(row, 13)?) {
            (Some(attempts), Some(started_at)) => {
                let evidence_hash = row.get::<_, Option<_>>(14)?.unwrap_or_else(|| "".into());
                Some(Detecting { attempts, started_at, evidence_hash })
            }
            _ => None,
        };
        let runtime = row.get::<_, Option<_>>(17)?.zip(row.get(18)?);
        let operation = row.get::<_, Option<_>>(27)?.zip(at(row, 28)?);
        Ok(Arc::new(Session {
            id: row.get(0)?,
            project_id: row.get(1)?,
            num: row.get(2)?,
            issue_id: row.get(3)?,
            kind: row.get(4)?,
            harness: row.get(5)?,
            state: row.get(6)?,
            termination_reason: row.get(7)?,
            is_alive: row.get(8)?,
            activity: Activity { state: row.get(9)?, last_at, source: row.get(11)? },
            detecting,
            branch: row.get(15)?,
            workspace_path: row.get(16)?,
            runtime: runtime.map(|(name, handle)| Runtime { name, handle }),
            agent_session_id: row.get(19)?,
            transcript_path: row.get(25)?,
            launch_id: row.get(26)?,
            operation: operation.map(|(kind, since)| Operation { kind, since }),
            failure: row.get(29)?,
            token_hash: row.get(30)?,
            freed_bytes: row.get(31)?,
            prompt: row.get(20)?,
            nudges_paused: row.get(21)?,
            memory: row.get::<_, Json<_>>(22)?.0,
            created_at,
            updated_at,
        }))
    })
}

pub(super) fn pull(on: &Connection, id: PullId) -> Result<Option<PullRecord>> {
    let sql = "SELECT id, project_id, repo_id, number, url, session_id, pr_state, title, author,
            head_ref, head_sha, head_repo_id, base_ref, base_sha, created_at, core_at, core_ties,
            ci_state, review_decision, mergeability, unresolved_comments, updated_at, memory,
            core_first, core_read_at, review_answer
         FROM pr WHERE id = ?1";
    let Some(row) = one(on, sql, [id], pull_row)? else { return Ok(None) };
    Ok(Some(PullRecord { row: Arc::new(row), registers: Arc::new(registers(on, id)?) }))
}

fn pull_row(row: &Row<'_>) -> Result<PullRequest> {
    let (At(created_at), At(core_at), At(updated_at)) = (row.get(14)?, row.get(15)?, row.get(21)?);
    let core = Arc::new(PullCore {
        state: row.get(6)?,
        title: row.get(7)?,
        author: row.get(8)?,
        head_ref: row.get(9)?,
        head_sha: row.get(10)?,
        head_repo: row.get(11)?,
        base_ref: row.get(12)?,
        base_sha: row.get(13)?,
        created_at,
        first: row.get(23)?,
    });
    let candidates = match row.get::<_, Option<Json<_>>>(16)? {
        Some(Json(ties)) => ties,
        None => [Arc::clone(&core)].into(),
    };
    let Json(memory) = row.get(22)?;
    Ok(PullRequest {
        id: row.get(0)?,
        project_id: row.get(1)?,
        repo_id: row.get(2)?,
        number: row.get(3)?,
        url: row.get(4)?,
        session_id: row.get(5)?,
        core,
        core_at,
        core_read_at: at(row, 24)?,
        review_answer: row.get::<_, Option<Json<_>>>(25)?.map(|Json(answer)| answer),
        candidates,
        ci: row.get(17)?,
        review: row.get(18)?,
        mergeability: row.get(19)?,
        unresolved_comments: row.get(20)?,
        updated_at,
        memory,
    })
}

fn registers(on: &Connection, pull: PullId) -> Result<PullRegisters> {
    let commits = all(
        on,
        "SELECT sha, head_at, superseded FROM pr_commits JOIN commits ON commits.id = commit_id
         WHERE pr_id = ?1",
        [pull],
        |row| {
            let At(at) = row.get(1)?;
            Ok(PullCommit { at, superseded: row.get(2)?, sha: row.get(0)? })
        },
    )?;
    let answers = all(
        on,
        "SELECT head_sha, base_ref, value, at, of_draft FROM pr_mergeability WHERE pr_id = ?1",
        [pull],
        |row| {
            let At(at) = row.get(3)?;
            let (head_sha, base_ref) = (row.get(0)?, row.get(1)?);
            let of_draft = row.get(4)?;
            Ok(MergeabilityAnswer { head_sha, base_ref, value: row.get(2)?, of_draft, at })
        },
    )?;
    let reviews = all(
        on,
        "SELECT review_id, author_id, author, state, submitted_at, seen_at, url, body, association,
            is_bot
         FROM pr_reviews WHERE pr_id = ?1",
        [pull],
        |row| {
            let (At(submitted_at), At(seen_at)) = (row.get(4)?, row.get(5)?);
            Ok(Review {
                id: row.get(0)?,
                author_id: row.get(1)?,
                author: row.get(2)?,
                state: row.get(3)?,
                submitted_at,
                seen_at,
                url: row.get(6)?,
                body: row.get(7)?,
                standing: Standing { association: row.get(8)?, is_bot: row.get(9)? },
            })
        },
    )?;
    let answer_name =
        |answer: &MergeabilityAnswer| (answer.head_sha.clone(), answer.base_ref.clone());
    Ok(PullRegisters {
        commits: commits.into_iter().map(|commit| (commit.sha.clone(), commit)).collect(),
        answers: answers.into_iter().map(|answer| (answer_name(&answer), answer)).collect(),
        reviews: reviews.into_iter().map(|review| (review.id, review)).collect(),
    })
}

pub(super) fn check_rows(
    on: &Connection,
    pull: PullId,
    sha: &CommitSha,
) -> Result<BTreeMap<CheckKey, Arc<Check>>> {
    let rows = all(
        on,
        "SELECT source, workflow, name, workflow_name, run_id, status, conclusion, url, log_tail,
            started_at, completed_at
         FROM pr_checks WHERE pr_id = ?1 AND commit_hash = ?2",
        (pull, sha),
        |row| {
            let key = CheckKey { source: row.get(0)?, workflow: row.get(1)?, name: row.get(2)? };
            Ok(Arc::new(Check {
                key,
                workflow_name: row.get(3)?,
                run_id: row.get(4)?,
                status: row.get(5)?,
                conclusion: row.get(6)?,
                url: row.get(7)?,
                log_tail: row.get(8)?,
                started_at: at(row, 9)?,
                completed_at: at(row, 10)?,
            }))
        },
    )?;
    Ok(rows.into_iter().map(|check| (check.key.clone(), check)).collect())
}

pub(super) fn conversation(
    on: &Connection,
    repo: RepoId,
    number: i64,
) -> Result<Arc<Conversation>> {
    let comments = all(
        on,
        "SELECT kind, comment_id, root_id, review_id, author, file, line, body, url, created_at,
            updated_at, deleted, association, is_bot
         FROM comments WHERE repo_id = ?1 AND number = ?2",
        (repo, number),
        |row| {
            let (At(created_at), At(updated_at)) = (row.get(9)?, row.get(10)?);
            Ok(Arc::new(Comment {
                deleted: row.get(11)?,
                updated_at,
                kind: row.get(0)?,
                id: row.get(1)?,
                root_id: row.get(2)?,
                review_id: row.get(3)?,
                author: row.get(4)?,
                file: row.get(5)?,
                line: row.get(6)?,
                body: row.get(7)?,
                url: row.get(8)?,
                created_at,
                standing: Standing { association: row.get(12)?, is_bot: row.get(13)? },
            }))
        },
    )?;
    let threads = all(
        on,
        "SELECT root_id, resolved, at FROM threads WHERE repo_id = ?1 AND number = ?2",
        (repo, number),
        |row| {
            let At(at) = row.get(2)?;
            Ok(Thread { root_id: row.get(0)?, resolved: row.get(1)?, at })
        },
    )?;
    let queue = all(
        on,
        "SELECT at, event FROM queue_facts WHERE repo_id = ?1 AND number = ?2",
        (repo, number),
        |row| {
            let (At(at), Json(event)) = (row.get(0)?, row.get(1)?);
            Ok(QueueFact { at, event })
        },
    )?;
    Ok(Arc::new(Conversation {
        comments: comments.into_iter().map(|it| ((it.kind, it.id), it)).collect(),
        threads: threads.into_iter().map(|thread| (thread.root_id, thread)).collect(),
        queue: queue.into_iter().collect(),
    }))
}

pub(super) fn comment_rows(
    on: &Connection,
    pull: PullId,
) -> Result<BTreeMap<CommentName, Arc<CommentRow>>> {
    let rows = all(
        on,
        "SELECT kind, comment_id, root_id, review_id, author, file, line, body, url, created_at,
            resolved
         FROM pr_comment WHERE pr_id = ?1",
        [pull],
        |row| {
            let At(created_at) = row.get(9)?;
            Ok(Arc::new(CommentRow {
                kind: row.get(0)?,
                id: row.get(1)?,
                root_id: row.get(2)?,
                review_id: row.get(3)?,
                author: row.get(4)?,
                file: row.get(5)?,
                line: row.get(6)?,
                body: row.get(7)?,
                url: row.get(8)?,
                created_at,
                resolved: row.get(10)?,
            }))
        },
    )?;
    Ok(rows.into_iter().map(|row| ((row.kind, row.id), row)).collect())
}

pub(super) fn nudge(on: &Connection, id: NudgeId) -> Result<Option<Arc<Nudge>>> {
    let sql = "SELECT id, project_id, session_id, pr_id, kind, state, signature, body, attempts,
            created_at, delivered_at, acknowledged_at, class, held_because, is_budgeted, handed_at,
            evidence
         FROM nudges WHERE id = ?1";
    let found = one(on, sql, [id], |row| {
        let At(created_at) = row.get(9)?;
        let session_id: Option<SessionId> = row.get(2)?;
        let pull = row.get::<_, Option<PullId>>(3)?.map(Subject::Pull);
        let Some(subject) = pull.or_else(|| session_id.clone().map(Subject::Session)) else {
            return Ok(None);
        };
        Ok(Some(Arc::new(Nudge {
            id: row.get(0)?,
            project_id: row.get(1)?,
            session_id,
            subject,
            kind: row.get(4)?,
            class: row.get(12)?,
            evidence: row.get(16)?,
            state: row.get(5)?,
            held_because: row.get(13)?,
            is_budgeted: row.get(14)?,
            signature: row.get(6)?,
            body: row.get(7)?,
            attempts: row.get(8)?,
            created_at,
            handed_at: at(row, 15)?,
            delivered_at: at(row, 10)?,
            acknowledged_at: at(row, 11)?,
        })))
    })?;
    Ok(found.flatten())
}

pub(super) fn budget(on: &Connection, project: &ProjectId) -> Result<Option<Budget>> {
    let sql =
        "SELECT burst, per_minute, spent_until, told FROM nudge_budgets WHERE project_id = ?1";
    one(on, sql, [project], |row| {
        let At(spent_until) = row.get(2)?;
        let rule = BudgetRule { burst: row.get(0)?, per_minute: row.get(1)? };
        Ok(Budget { rule, spent_until, told: row.get(3)? })
    })
}

pub(super) fn task(on: &Connection, name: &TaskName) -> Result<Option<Arc<Task>>> {
    let sql = "SELECT lane, payload, attempts, created_at, due_at, last_error
         FROM tasks WHERE kind = ?1 AND dedupe_key = ?2";
    one(on, sql, (name.kind, &name.dedupe_key), |row| {
        let (At(created_at), At(due_at)) = (row.get(3)?, row.get(4)?);
        Ok(Arc::new(Task {
            payload: row.get::<_, Json<_>>(1)?.0,
            lane: row.get(0)?,
            attempts: row.get(2)?,
            created_at,
            due_at,
            last_error: row.get(5)?,
        }))
    })
}
