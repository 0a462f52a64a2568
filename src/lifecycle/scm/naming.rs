//! Which project watches a repository, and who bears which name: names move between repositories.

use crate::domain::{
    Adopt, ApiAccess, Project, ProjectId, RepoId, RepoName, RepoSeen, Rerun, Text, Timestamp,
    Trust, Visibility,
};
use crate::lifecycle::reducer::Reducer;
use crate::lifecycle::refusal::Refusal;
use crate::lifecycle::{Key, WorkingSet};

/// Former names of one repository that are remembered.
const MOST_FORMER: usize = 16;

/// The project that an observation belongs to, and the rows that its repository's name changes.
#[derive(Clone)]
pub(super) struct Watched {
    pub(super) project: Project,
    /// It is registered by this observation: nothing belongs to it yet.
    pub(super) is_new: bool,
    /// Other projects, in the order in which they must be written: those that lose a name come before the
    /// project itself, those that take one after it.
    freed: Vec<Project>,
    taking: Vec<Project>,
}

impl Watched {
    /// Finds the project, or makes one where that is wanted. Writes nothing yet.
    pub(super) fn find(to: &Reducer<'_>, repo: &RepoSeen) -> Result<Self, Refusal> {
        let claim = (repo.name.clone(), repo.url.clone());
        let Some(known) = project_for(to.known, repo) else {
            if !to.policy.auto_register {
                return Err(Refusal::NotWatched);
            }
            let taken = to.known.projects(&Key::ProjectsOfStem(slug_stem(&repo.name)));
            let taken = |slug: &ProjectId| taken.contains(slug);
            let id = free_slug(&repo.name, taken);
            let project = Project {
                repo_id: Some(repo.id),
                repo_origin_url: repo.url.clone(),
                claim: Some(claim),
                named_at: repo.updated_at,
                former_names: former(&[], repo),
                visibility: newest_visibility(None, repo),
                ..new_project(id, &repo.name, to.policy.adopt, to.now)
            };
            let names = [repo.name.clone()];
            return Ok(Self {
                is_new: true,
                ..Self::settled(project, rivals(to.known, repo.id, &names))
            });
        };
        if known.archived_at.is_some() {
            return Err(Refusal::Archived);
        }
        let mut project = known.clone();
        project.repo_id = Some(repo.id);
        project.former_names = former(&known.former_names, repo);
        project.visibility = newest_visibility(known.visibility, repo);
        if is_newer(known, repo) {
            project.named_at = repo.updated_at;
            project.claim = Some(claim);
        }
        if !touches_names(known, repo) {
            return Ok(Self { project, is_new: false, freed: Vec::new(), taking: Vec::new() });
        }
        let names = names_of(repo, known);
        Ok(Self::settled(project, rivals(to.known, repo.id, &names)))
    }

    /// Writes what differs; the project as it is now.
    pub(super) fn write(&self, to: &mut Reducer<'_>) -> std::sync::Arc<Project> {
        for project in &self.freed {
            to.known.put_project(project.clone());
        }
        to.known.put_project(self.project.clone());
        for project in &self.taking {
            to.known.put_project(project.clone());
        }
        std::sync::Arc::new(self.project.clone())
    }

    /// Gives each name to the repository that claimed it last; whoever lost it is freed of it and goes by
    /// its id.
    fn settled(mut project: Project, rivals: Vec<Project>) -> Self {
        let order = |p: &Project| (p.named_at, p.repo_id);
        let holds = |candidate: &Project, others: &[&Project]| {
            others
                .iter()
                .all(|other| !same_claim(candidate, other) || order(candidate) > order(other))
        };
        let (mut freed, mut taking) = (Vec::new(), Vec::new());
        for (index, rival) in rivals.iter().enumerate() {
            let others = rivals.iter().enumerate().filter(|(other, _)| *other != index);
            let others: Vec<&Project> = others.map(|(_, other)| other).chain([&project]).collect();
            let takes = holds(rival, &others);
            let mut next = rival.clone();
            name_by_claim(&mut next, takes);
            if next != *rival {
                if takes { taking.push(next) } else { freed.push(next) }
            }
        }
        let holds_own = holds(&project, &rivals.iter().collect::<Vec<_>>());
        name_by_claim(&mut project, holds_own);
        Self { project, is_new: false, freed, taking }
    }
}

/// The project that has the repository, or waits for one of its name.
pub(in crate::lifecycle) fn project_for<'k>(
    known: &'k WorkingSet,
    repo: &RepoSeen,
) -> Option<&'k Project> {
    if let Some(id) = known.project_of_repo(repo.id) {
        return known.project(id).map(|project| &**project);
    }
    let named = known.projects(&Key::named(&repo.name)).iter();
    let mut named = named.filter_map(|id| known.project(id));
    let waits = |project: &&std::sync::Arc<Project>| {
        project.repo_id.is_none() && same_name(&project.repo, &repo.name)
    };
    named.find(waits).map(|project| &**project)
}

/// Whether a payload has a newer word on the repository's name than is known.
fn is_newer(known: &Project, repo: &RepoSeen) -> bool {
    let Some((name, url)) = &known.claim else { return true };
    let former = former(&known.former_names, repo);
    let order = |at, name: &RepoName, url: &Text| {
        let was = former.iter().any(|former| former.eq_ignore_ascii_case(name.as_str()));
        (at, !was, name.clone(), url.clone())
    };
    order(repo.updated_at, &repo.name, &repo.url) > order(known.named_at, name, url)
}

/// Who can see the repository, as far as payloads say.
fn newest_visibility(known: Option<Visibility>, repo: &RepoSeen) -> Option<Visibility> {
    let seen = repo
        .is_private
        .map(|is_private| Visibility { at: repo.updated_at, is_public: !is_private });
    known.max(seen)
}

/// Whether a payload tells that others may see a repository than was known: then others have a say.
pub(in crate::lifecycle) fn opens_or_closes(known: &Project, repo: &RepoSeen) -> bool {
    let is_public = |it: Option<Visibility>| it.map(|it| it.is_public);
    is_public(newest_visibility(known.visibility, repo)) != is_public(known.visibility)
}

/// The names that the repository had before, as far as payloads said: at a tie they lose.
fn former(known: &[Text], repo: &RepoSeen) -> Vec<Text> {
    let mut names = known.to_vec();
    if let Some(name) = &repo.former {
        let name: Text = name.as_str().to_ascii_lowercase().into();
        if !names.contains(&name) {
            names.push(name);
            names.sort();
        }
        if names.len() > MOST_FORMER {
            names.remove(0);
        }
    }
    names
}

/// Whether names have to be given out anew: not where the project holds the name that it claims again.
pub(in crate::lifecycle) fn touches_names(known: &Project, repo: &RepoSeen) -> bool {
    let holds = known
        .claim
        .as_ref()
        .is_some_and(|(name, url)| (name, url) == (&repo.name, &repo.url) && known.repo == *name);
    is_newer(known, repo) && !holds
}

/// The names that matter when a repository is seen under another one than before.
pub(in crate::lifecycle) fn names_of(repo: &RepoSeen, known: &Project) -> Vec<RepoName> {
    let before = known.claim.as_ref().map(|(name, _)| name.clone());
    before.into_iter().chain([repo.name.clone()]).collect()
}

/// Other projects that claim one of the names.
fn rivals(known: &WorkingSet, repo: RepoId, names: &[RepoName]) -> Vec<Project> {
    let mut rivals = Vec::<Project>::new();
    for name in names {
        for project in known.projects(&Key::named(name)).iter().filter_map(|id| known.project(id)) {
            let other = project.repo_id.is_some_and(|id| id != repo);
            let claims = project.claim.as_ref().is_some_and(|(claim, _)| same_name(claim, name));
            if other && claims && !rivals.iter().any(|rival| rival.id == project.id) {
                rivals.push((**project).clone());
            }
        }
    }
    rivals
}

/// Names of repositories are compared without case, as GitHub does.
pub(in crate::lifecycle) fn same_name(a: &RepoName, b: &RepoName) -> bool {
    a.as_str().eq_ignore_ascii_case(b.as_str())
}

fn same_claim(a: &Project, b: &Project) -> bool {
    match (&a.claim, &b.claim) {
        (Some((a, _)), Some((b, _))) => same_name(a, b),
        _ => false,
    }
}

/// A project with the defaults of a registration.
pub(in crate::lifecycle) fn new_project(
    id: ProjectId,
    repo: &RepoName,
    adopt: Adopt,
    now: Timestamp,
) -> Project {
    Project {
        id,
        repo_id: None,
        repo: repo.clone(),
        claim: None,
        former_names: Vec::new(),
        named_at: None,
        repo_origin_url: format!("https://github.com/{}", repo.as_str()).into(),
        display_name: repo.name().into(),
        path: None,
        adopt,
        nudges_paused: false,
        checks_only: Vec::new(),
        checks_except: Vec::new(),
        trust: Trust::default(),
        rerun: Rerun::default(),
        visibility: None,
        people: Default::default(),
        ci_seen: false,
        next_session: 1,
        api_access: (ApiAccess::Granted, None),
        registered_at: now,
        archived_at: None,
    }
}

fn name_by_claim(project: &mut Project, holds: bool) {
    let (Some((name, url)), Some(RepoId(id))) = (project.claim.clone(), project.repo_id) else {
        return;
    };
    if holds {
        project.repo = name;
        project.repo_origin_url = url;
        return;
    }
    let origin = url.strip_suffix(name.as_str()).unwrap_or("https://github.com/");
    project.repo_origin_url = format!("{origin}repositories/{id}").into();
    if let Some(name) = RepoName::parse(&format!("repositories/{id}")) {
        project.repo = name;
    }
}

/// A short slug: the whole name up to four letters, else the initials of its words, else its first
/// three letters; numbered on collision.
fn free_slug(repo: &RepoName, is_taken: impl Fn(&ProjectId) -> bool) -> ProjectId {
    let stem = slug_stem(repo);
    let numbered = (1..).map(|n| format!("{stem}{n}").into());
    let slugs = std::iter::once(stem.clone()).chain(numbered).map(ProjectId);
    slugs.into_iter().find(|slug| !is_taken(slug)).unwrap_or(ProjectId(stem))
}

/// The slug of a repository's first project; later ones add a number to it.
pub(in crate::lifecycle) fn slug_stem(repo: &RepoName) -> Text {
    let name = repo.name().to_ascii_lowercase();
    let words: Vec<&str> =
        name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let stem: String = match words.as_slice() {
        [] => "repo".to_owned(),
        [word] if word.len() <= 4 => (*word).to_owned(),
        [word] => word.chars().take(3).collect(),
        words => words.iter().filter_map(|word| word.chars().next()).collect(),
    };
    // A digit at the end would read as the number of a collision.
    if stem.ends_with(|c: char| c.is_ascii_digit()) {
        format!("{stem}x").into()
    } else {
        stem.into()
    }
}

/// Takes down whether the app may still ask GitHub about repositories, the named ones or all of an
/// account: the newest word; at a tie the worse.
pub(super) fn access(
    to: &mut Reducer<'_>,
    repos: &[RepoId],
    account: Option<&str>,
    told: ApiAccess,
    at: Timestamp,
) {
    let named = repos.iter().filter_map(|repo| to.known.project_of_repo(*repo));
    let mut ids: Vec<ProjectId> = named.cloned().collect();
    if let Some(account) = account {
        ids.extend(to.known.projects(&Key::of_account(account)).iter().cloned());
    }
    for id in ids {
        let Some(mut project) = to.known.project(&id).map(|known| (**known).clone()) else {
            continue;
        };
        let (known, known_at) = project.api_access;
        if (Some(at), told) > (known_at, known) {
            project.api_access = (told, Some(at));
            to.known.put_project(project);
        }
    }
}
