//! Projects: read, registered, configured, archived.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;

use super::App;
use super::errors::ApiError;
use super::orders::{Order, render};
use super::query::{Named, Params};
use super::wire::{List, ProjectJson};
use crate::domain::{Adopt, CommandObservation, ProjectConfig, ProjectId, RepoName};
use crate::engine::{Ask, Render};
use crate::lifecycle::refusal;
use crate::store::views;

const LIST: &str = "projects";

const LONGEST_ID: usize = 40;
const LONGEST_TEXT: usize = 1_000;
const MOST_GLOBS: usize = 100;

/// Settings of a project. What is left out or null stays as it was.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ProjectBody {
    /// The same as in the path, where it is given.
    id: Option<String>,
    /// `owner/name`; a new project needs it.
    #[schema(
        max_length = 1_000,
        pattern = r"^[^/\s\x00-\x1f\x7f-\x9f]+/[^/\s\x00-\x1f\x7f-\x9f]+$"
    )]
    repo: Option<String>,
    /// Where its working copy is; empty takes it away.
    #[schema(max_length = 1_000, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")]
    path: Option<String>,
    #[schema(max_length = 1_000, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")]
    display_name: Option<String>,
    adopt: Option<Adopt>,
    nudges: Option<NudgesBody>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NudgesBody {
    /// Holds back the nudges to all its agents.
    paused: Option<bool>,
    checks: Option<GlobsBody>,
}

/// The checks that count for nudges.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GlobsBody {
    /// Those alone; an empty list: all.
    #[schema(max_items = 100)]
    only: Option<Vec<String>>,
    /// Not those.
    #[schema(max_items = 100)]
    except: Option<Vec<String>>,
}

/// `GET /v1/projects`: those that are not archived.
#[utoipa::path(get, path = "/projects", responses((status = 200, description = "done", body = List<ProjectJson>)))]
pub(super) async fn list(
    State(app): State<App>,
    query: RawQuery,
) -> Result<Json<List<ProjectJson>>, ApiError> {
    let page = Params::read_list(&query, &[])?.page(LIST)?;
    let listed = app.store.read(move |connection| views::projects(connection, page)).await?;
    Ok(Json(List::of(LIST, listed, ProjectJson::from)))
}

/// `GET /v1/projects/{id}`
#[utoipa::path(get, path = "/projects/{id}", params(("id" = String, Path)), responses((status = 200, description = "done", body = ProjectJson)))]
pub(super) async fn one(
    State(app): State<App>,
    Named(id): Named<String>,
    query: RawQuery,
) -> Result<Json<ProjectJson>, ApiError> {
    Params::read(&query, &[])?;
    let found = app.store.read(move |connection| views::project_by_id(connection, &id)).await?;
    found.map(|view| Json(view.into())).ok_or_else(|| ApiError::not_found(refusal::NO_PROJECT))
}

/// `PUT /v1/projects/{id}`: registers a project, or changes the settings of one. One that was
/// archived is watched again.
#[utoipa::path(put, path = "/projects/{id}", params(("id" = String, Path, pattern = "^[a-z0-9-]{1,40}$")), request_body = ProjectBody, responses((status = 200, description = "done", body = ProjectJson)))]
pub(super) async fn put(
    State(app): State<App>,
    Named(id): Named<String>,
    query: RawQuery,
    order: Order,
) -> Result<Response, ApiError> {
    Params::read(&query, &[])?;
    let config = order.json::<ProjectBody>()?.config(&id)?;
    let ask = Ask::Observe(Box::new(CommandObservation::ConfigureProject {
        id: ProjectId(id.clone()),
        config,
    }));
    order.carry_out(&app, ask, refusal::NO_PROJECT, shown(id)).await
}

/// `DELETE /v1/projects/{id}`: the project is watched no longer; what is known of it stays.
#[utoipa::path(delete, path = "/projects/{id}", params(("id" = String, Path)), responses((status = 200, description = "done", body = ProjectJson)))]
pub(super) async fn archive(
    State(app): State<App>,
    Named(id): Named<String>,
    query: RawQuery,
    order: Order,
) -> Result<Response, ApiError> {
    Params::read(&query, &[])?;
    let ask =
        Ask::Observe(Box::new(CommandObservation::ArchiveProject { id: ProjectId(id.clone()) }));
    order.carry_out(&app, ask, refusal::NO_PROJECT, shown(id)).await
}

fn shown(id: String) -> Render {
    render(move |connection| Ok(views::project_by_id(connection, &id)?.map(ProjectJson::from)))
}

impl ProjectBody {
    fn config(self, id: &str) -> Result<ProjectConfig, ApiError> {
        let slug = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        if !(1..=LONGEST_ID).contains(&id.len()) || !id.bytes().all(slug) {
            let what = "a project's id has 1 to 40 characters of a-z, 0-9 and -";
            return Err(ApiError::bad_body(&what));
        }
        if self.id.as_ref().is_some_and(|given| given != id) {
            return Err(ApiError::bad_body(&"`id` is not the one in the path; leave it out"));
        }
        let short = |name: &str, text: &Option<String>| match text {
            Some(text) if text.len() > LONGEST_TEXT || text.contains(char::is_control) => {
                let most = format!("at most {LONGEST_TEXT} bytes without control characters");
                Err(ApiError::bad_body(&format!("`{name}`: {most}")))
            }
            _ => Ok(()),
        };
        short("repo", &self.repo)?;
        short("path", &self.path)?;
        short("displayName", &self.display_name)?;
        let parse = |text: &String| {
            RepoName::parse(text)
                .ok_or_else(|| ApiError::bad_body(&"`repo`: give it as owner/name"))
        };
        let repo = self.repo.as_ref().map(parse).transpose()?;
        let nudges = self.nudges.unwrap_or(NudgesBody { paused: None, checks: None });
        let globs = nudges.checks.unwrap_or(GlobsBody { only: None, except: None });
        for glob in [&globs.only, &globs.except].into_iter().flatten() {
            if glob.len() > MOST_GLOBS {
                let what = format!("`nudges.checks`: at most {MOST_GLOBS} globs");
                return Err(ApiError::bad_body(&what));
            }
            for glob in glob {
                short("nudges.checks", &Some(glob.clone()))?;
            }
        }
        Ok(ProjectConfig {
            repo,
            repo_url: None,
            path: self.path,
            display_name: self.display_name,
            adopt: self.adopt,
            nudges_paused: nudges.paused,
            checks_only: globs.only,
            checks_except: globs.except,
        })
    }
}
