//! Projects: read, registered, configured, archived.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::commands::{Answer, Origin};
use super::errors::ApiError;
use super::paging::{List, Paging};
use crate::domain::{
    Adopt, BudgetRule, CommandObservation, ProjectConfig, ProjectId, RepoName, Rerun, Trust,
};
use crate::engine::Request;
use crate::lifecycle::Refusal;
use crate::store::views::{ObjectRef, ObjectView, ProjectView};

const LIST: &str = "projects";

const LONGEST_ID: usize = 40;
const LONGEST_TEXT: usize = 1_000;
const MOST_GLOBS: usize = 100;

/// A project.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProjectJson {
    pub id: String,
    pub repo: String,
    pub path: Option<String>,
    pub display_name: String,
    pub adopt: Adopt,
    pub nudges: ProjectNudges,
    pub registered_at: String,
    pub archived_at: Option<String>,
}

/// What is said about a project.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProjectNudges {
    pub paused: bool,
    pub checks: Globs,
    pub trust: TrustJson,
    pub budget: BudgetJson,
    /// Whether failures that may be nobody's are run again before they are told.
    pub rerun: Rerun,
}

/// How much a project's agents may be told: so many nudges at once, and so many more a minute.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BudgetJson {
    #[schema(minimum = 1, maximum = 10_000)]
    pub burst: u32,
    #[schema(minimum = 1, maximum = 1_000)]
    pub per_minute: u32,
}

impl BudgetJson {
    fn rule(self) -> Result<BudgetRule, ApiError> {
        let Self { burst, per_minute } = self;
        if !(1..=10_000).contains(&burst) || !(1..=1_000).contains(&per_minute) {
            let what = "`nudges.budget`: a burst of 1 to 10000, and 1 to 1000 a minute";
            return Err(ApiError::bad_body(&what));
        }
        Ok(BudgetRule { burst, per_minute })
    }
}

/// Whose reviews and comments count. What is null follows the rule: in a private repository everybody, in a
/// public one owners, members and collaborators; and bots.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TrustJson {
    /// Values of GitHub's `author_association` that have a say, in private repositories too.
    #[schema(max_items = 100)]
    pub associations: Option<Vec<String>>,
    /// Logins that have a say whatever their association is.
    #[schema(max_items = 100)]
    pub users: Vec<String>,
    /// Globs of the bots that have a say; null: all.
    #[schema(max_items = 100)]
    pub bots: Option<Vec<String>>,
}

/// The checks that count for nudges: those of `only` (empty: all) that are not of `except`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Globs {
    pub only: Vec<String>,
    pub except: Vec<String>,
}

impl From<ProjectView> for ProjectJson {
    fn from(view: ProjectView) -> Self {
        let rule = BudgetRule::default();
        let budget = BudgetJson {
            burst: view.budget_burst.unwrap_or(rule.burst),
            per_minute: view.budget_per_minute.unwrap_or(rule.per_minute),
        };
        let checks = Globs { only: view.checks_only, except: view.checks_except };
        let Trust { associations, users, bots } = view.trust;
        let trust = TrustJson { associations, users, bots };
        Self {
            id: view.id,
            repo: view.repo,
            path: view.path,
            display_name: view.display_name,
            adopt: view.adopt,
            nudges: ProjectNudges {
                paused: view.nudges_paused,
                checks,
                trust,
                budget,
                rerun: view.rerun,
            },
            registered_at: view.registered_at,
            archived_at: view.archived_at,
        }
    }
}

/// Settings of a project. What is left out or null stays as it was.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProjectBody {
    /// The same as in the path, where it is given.
    pub id: Option<String>,
    /// `owner/name`; a new project needs it.
    #[schema(
        max_length = 1_000,
        pattern = r"^[^/\s\x00-\x1f\x7f-\x9f]+/[^/\s\x00-\x1f\x7f-\x9f]+$"
    )]
    pub repo: Option<String>,
    /// Where its working copy is; empty takes it away.
    #[schema(max_length = 1_000, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")]
    pub path: Option<String>,
    #[schema(max_length = 1_000, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")]
    pub display_name: Option<String>,
    pub adopt: Option<Adopt>,
    pub nudges: Option<NudgesBody>,
}

#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NudgesBody {
    /// Holds back the nudges to all its agents.
    pub paused: Option<bool>,
    pub checks: Option<GlobsBody>,
    /// How much its agents may be told.
    pub budget: Option<BudgetJson>,
    /// As a whole: what it leaves out follows the rule again.
    pub trust: Option<TrustJson>,
    /// `once`: a failure of the infrastructure, or of a flaky check, is run again first, once for each commit and
    /// check, and only a second failure is told. Wants App credentials with write access to Actions.
    pub rerun: Option<Rerun>,
}

/// The checks that count for nudges.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GlobsBody {
    /// Those alone; an empty list: all.
    #[schema(max_items = 100)]
    pub only: Option<Vec<String>>,
    /// Not those.
    #[schema(max_items = 100)]
    pub except: Option<Vec<String>>,
}

fn shown(view: ObjectView) -> Option<ProjectJson> {
    if let ObjectView::Project(view) = view { Some(view.into()) } else { None }
}

impl Api {
    /// The projects that are not archived, oldest first.
    ///
    /// # Errors
    /// The cursor is of another list, or the store cannot be read.
    pub async fn projects(&self, paging: &Paging) -> Result<List<ProjectJson>, ApiError> {
        let page = paging.page(LIST)?;
        let listed = self.store.projects(page).await?;
        Ok(List::of(LIST, listed, ProjectJson::from))
    }

    /// One project, archived or not.
    ///
    /// # Errors
    /// There is none, or the store cannot be read.
    pub async fn project(&self, id: String) -> Result<ProjectJson, ApiError> {
        let found = self.store.project(id).await?;
        found
            .map(ProjectJson::from)
            .ok_or_else(|| ApiError::not_found(Refusal::NoProject.to_string()))
    }

    /// Registers a project, or changes the settings of one. One that was archived is watched again.
    ///
    /// # Errors
    /// The settings are not as they should be, a rule refuses them, or nothing can be stored now.
    pub async fn configure_project(
        &self,
        id: String,
        body: ProjectBody,
        origin: Origin,
    ) -> Result<Answer<ProjectJson>, ApiError> {
        let config = body.config(&id)?;
        let id = ProjectId(id.into());
        let configured = CommandObservation::ConfigureProject { id: id.clone(), config };
        let request = Request::Observe(configured.into());
        self.carry_out(request, ObjectRef::Project(id), origin, Refusal::NoProject, shown).await
    }

    /// The project is watched no longer; what is known of it stays.
    ///
    /// # Errors
    /// There is none, or nothing can be stored now.
    pub async fn archive_project(
        &self,
        id: String,
        origin: Origin,
    ) -> Result<Answer<ProjectJson>, ApiError> {
        let id = ProjectId(id.into());
        let request =
            Request::Observe(CommandObservation::ArchiveProject { id: id.clone() }.into());
        self.carry_out(request, ObjectRef::Project(id), origin, Refusal::NoProject, shown).await
    }
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
        let nudges = self.nudges.unwrap_or_default();
        let globs = nudges.checks.unwrap_or_default();
        for glob in [&globs.only, &globs.except].into_iter().flatten() {
            if glob.len() > MOST_GLOBS {
                let what = format!("`nudges.checks`: at most {MOST_GLOBS} globs");
                return Err(ApiError::bad_body(&what));
            }
            for glob in glob {
                short("nudges.checks", &Some(glob.clone()))?;
            }
        }
        let budget = nudges.budget.map(BudgetJson::rule).transpose()?;
        if let Some(trust) = &nudges.trust {
            let lists = [trust.associations.as_deref(), Some(&trust.users), trust.bots.as_deref()];
            for names in lists.into_iter().flatten() {
                if names.len() > MOST_GLOBS {
                    let what = format!("`nudges.trust`: at most {MOST_GLOBS} in each list");
                    return Err(ApiError::bad_body(&what));
                }
                for name in names {
                    short("nudges.trust", &Some(name.clone()))?;
                }
            }
        }
        let trust = nudges.trust.map(|TrustJson { associations, users, bots }| Trust {
            associations,
            users,
            bots,
        });
        Ok(ProjectConfig {
            repo,
            repo_url: None,
            path: self.path.map(Into::into),
            display_name: self.display_name.map(Into::into),
            adopt: self.adopt,
            nudges_paused: nudges.paused,
            checks_only: globs.only,
            checks_except: globs.except,
            budget,
            trust,
            rerun: nudges.rerun,
        })
    }
}
