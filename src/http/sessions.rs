//! Sessions with their pull requests and display status: read, paused, resumed.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use rusqlite::Connection;

use super::App;
use super::errors::ApiError;
use super::orders::{Order, render};
use super::query::{Named, Params};
use super::wire::{List, SessionJson};
use crate::domain::{CommandObservation, DisplayStatus, Paused, SessionId, Timestamp};
use crate::engine::Ask;
use crate::lifecycle::{DrivingPull, display_status, driving_pull, refusal};
use crate::store::views::{self, Page, SessionView};

const LIST: &str = "sessions";

/// How many sessions one request looks at in search of a status, since that is not stored. The
/// answer's `next` goes on from there, however few were found.
const SEARCH: usize = 5_000;

/// `GET /v1/sessions`
#[utoipa::path(get, path = "/sessions", params(("project" = Option<String>, Query), ("status" = Option<DisplayStatus>, Query)), responses((status = 200, description = "done", body = List<SessionJson>)))]
pub(super) async fn list(
    State(app): State<App>,
    query: RawQuery,
) -> Result<Json<List<SessionJson>>, ApiError> {
    let params = Params::read_list(&query, &["project", "status"])?;
    let page = params.page(LIST)?;
    let project = params.text("project")?;
    let status = params.word::<DisplayStatus>("status")?;
    let (items, next) = app
        .store
        .read(move |connection| match status {
            None => {
                let listed = views::sessions(connection, project.as_deref(), page)?;
                Ok((listed.items.into_iter().map(show).collect(), listed.next))
            }
            Some(status) => search(connection, project.as_deref(), status, page),
        })
        .await?;
    Ok(Json(List::new(LIST, items, next)))
}

/// `GET /v1/sessions/{id}`
#[utoipa::path(get, path = "/sessions/{id}", params(("id" = String, Path)), responses((status = 200, description = "done", body = SessionJson)))]
pub(super) async fn one(
    State(app): State<App>,
    Named(id): Named<String>,
    query: RawQuery,
) -> Result<Json<SessionJson>, ApiError> {
    Params::read(&query, &[])?;
    let found = app.store.read(move |connection| views::session_by_id(connection, &id)).await?;
    found.map(|view| Json(show(view))).ok_or_else(|| ApiError::not_found(refusal::NO_SESSION))
}

/// `POST /v1/sessions/{id}/pause`: nudges to its agent are held back, not lost.
#[utoipa::path(post, path = "/sessions/{id}/pause", params(("id" = String, Path)), responses((status = 200, description = "done", body = SessionJson)))]
pub(super) async fn pause(
    State(app): State<App>,
    Named(id): Named<String>,
    query: RawQuery,
    order: Order,
) -> Result<Response, ApiError> {
    set_paused(&app, id, &query, order, true).await
}

/// `POST /v1/sessions/{id}/resume`: nudges that were held back go out, if they are still true.
#[utoipa::path(post, path = "/sessions/{id}/resume", params(("id" = String, Path)), responses((status = 200, description = "done", body = SessionJson)))]
pub(super) async fn resume(
    State(app): State<App>,
    Named(id): Named<String>,
    query: RawQuery,
    order: Order,
) -> Result<Response, ApiError> {
    set_paused(&app, id, &query, order, false).await
}

async fn set_paused(
    app: &App,
    id: String,
    query: &RawQuery,
    order: Order,
    paused: bool,
) -> Result<Response, ApiError> {
    Params::read(query, &[])?;
    let whom = Paused::Session(SessionId(id.clone()));
    let ask = Ask::Observe(Box::new(CommandObservation::PauseNudges { whom, paused }));
    let shown = render(move |connection| Ok(views::session_by_id(connection, &id)?.map(show)));
    order.carry_out(app, ask, refusal::NO_SESSION, shown).await
}

/// Reads page after page until enough sessions with the status are found.
fn search(
    connection: &Connection,
    project: Option<&str>,
    status: DisplayStatus,
    page: Page,
) -> rusqlite::Result<(Vec<SessionJson>, Option<i64>)> {
    let mut items = Vec::new();
    let mut after = page.after;
    for _ in 0..SEARCH.div_ceil(page.limit) {
        let listed = views::sessions(connection, project, Page { after, limit: page.limit })?;
        let last = listed.items.last().map(|view| view.row);
        for view in listed.items {
            let row = view.row;
            if status_of(&view) != status {
                continue;
            }
            items.push(show(view));
            if items.len() == page.limit {
                let more = listed.next.is_some() || last != Some(row);
                return Ok((items, more.then_some(row)));
            }
        }
        after = listed.next;
        if after.is_none() {
            break;
        }
    }
    Ok((items, after))
}

fn show(view: SessionView) -> SessionJson {
    let status = status_of(&view);
    SessionJson::new(view, status)
}

fn status_of(view: &SessionView) -> DisplayStatus {
    // Stored times are ours and well-formed; one that is not would only lose its rank.
    let driver = driving_pull(&view.pulls, |pull| {
        (pull.state, pull.updated_at.parse().unwrap_or(Timestamp::UNIX_EPOCH))
    });
    let driver = driver.map(|pull| DrivingPull {
        state: pull.state,
        ci: pull.ci,
        review: pull.review,
        mergeability: pull.mergeability,
        unresolved_comments: pull.unresolved_comments,
    });
    display_status(view.state, view.termination_reason, driver.as_ref())
}
