//! Claude Code's files: the hooks in its worktree's local settings, and its knowledge of trusted folders.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::{hooks, notes};
use crate::session::environment::Environment;

/// Inside a worktree; git does not see it (`info/exclude`).
const LOCAL_SETTINGS: &str = ".claude/settings.local.json";

/// The folder in which it keeps settings, transcripts and running sessions.
pub fn folder(environment: &Environment) -> Option<PathBuf> {
    let of = |name: &str| environment.get(name).filter(|it| !it.is_empty()).map(PathBuf::from);
    of("CLAUDE_CONFIG_DIR").or_else(|| of("HOME").map(|home| home.join(".claude")))
}

/// The file in which it remembers what it was told about folders.
fn memory(environment: &Environment) -> Option<PathBuf> {
    let of =
        |name: &str| environment.get(name).filter(|it: &&OsStr| !it.is_empty()).map(PathBuf::from);
    of("CLAUDE_CONFIG_DIR").or_else(|| of("HOME")).map(|folder| folder.join(".claude.json"))
}

/// Puts our hooks into the local settings of a worktree, beside what stands there; those of an earlier start go.
///
/// # Errors
/// The file cannot be read as settings, or not be written.
pub(super) fn set_hooks(workspace: &Path, nudged: &Path) -> io::Result<()> {
    let path = workspace.join(LOCAL_SETTINGS);
    // A link could lead anywhere.
    if path.is_symlink() || path.parent().is_some_and(Path::is_symlink) {
        return Err(io::Error::other("it is a symbolic link"));
    }
    change_hooks(&path, &hooks::claude(nudged), hooks::is_ours)
}

/// Puts hooks into a file of settings, beside what stands there; those that `is_ours` knows by their command go. The
/// file is made where there is none.
///
/// # Errors
/// The file cannot be read as settings, or not be written; it is as it was then.
pub fn change_hooks(path: &Path, ours: &Value, is_ours: fn(&str) -> bool) -> io::Result<()> {
    let known = match fs::read(path) {
        Ok(text) => serde_json::from_slice(&text)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => json!({}),
        Err(error) => return Err(error),
    };
    let merged = merge(known, ours, is_ours).ok_or(io::ErrorKind::InvalidData)?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut text = serde_json::to_vec_pretty(&merged)?;
    text.push(b'\n');
    notes::replace(path, &text, 0o600)
}

/// Settings with our hooks beside those that stand in them. `None`: these are no settings.
fn merge(settings: Value, ours: &Value, is_ours: fn(&str) -> bool) -> Option<Value> {
    let Value::Object(mut settings) = settings else { return None };
    let known = settings.remove("hooks").unwrap_or_else(|| json!({}));
    let Value::Object(known) = known else { return None };
    let mut merged: Map<String, Value> = Map::new();
    for (event, groups) in known {
        let Value::Array(groups) = groups else { return None };
        let groups: Vec<Value> = groups.into_iter().filter_map(|it| without(it, is_ours)).collect();
        if !groups.is_empty() {
            merged.insert(event, groups.into());
        }
    }
    for (event, groups) in ours.as_object()? {
        let groups = groups.as_array()?.iter().cloned();
        let known = merged.entry(event.clone()).or_insert_with(|| json!([]));
        known.as_array_mut()?.extend(groups);
    }
    if !merged.is_empty() {
        settings.insert("hooks".to_owned(), merged.into());
    }
    Some(settings.into())
}

/// A group of hooks without those of ours; `None` where nothing is left.
fn without(mut group: Value, is_ours: fn(&str) -> bool) -> Option<Value> {
    let Some(entries) = group.get_mut("hooks").and_then(Value::as_array_mut) else {
        return Some(group);
    };
    let before = entries.len();
    entries.retain(|entry| !entry["command"].as_str().is_some_and(is_ours));
    if entries.is_empty() && before > 0 { None } else { Some(group) }
}

/// Marks a repository as trusted: its worktrees are then, too. What stands there otherwise is kept.
///
/// # Errors
/// The file is no JSON object, or cannot be written.
pub(super) fn trust(environment: &Environment, repository: &Path) -> io::Result<()> {
    let path = memory(environment).ok_or(io::ErrorKind::NotFound)?;
    let mut known: Value = match fs::read(&path) {
        Ok(text) => serde_json::from_slice(&text)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => json!({}),
        Err(error) => return Err(error),
    };
    let name = repository.to_string_lossy().into_owned();
    let object = known.as_object_mut().ok_or(io::ErrorKind::InvalidData)?;
    let projects = object.entry("projects").or_insert_with(|| json!({}));
    let projects = projects.as_object_mut().ok_or(io::ErrorKind::InvalidData)?;
    let project = projects.entry(name).or_insert_with(|| json!({}));
    let project = project.as_object_mut().ok_or(io::ErrorKind::InvalidData)?;
    let trusted = Value::Bool(true);
    if project.get("hasTrustDialogAccepted") == Some(&trusted) {
        return Ok(());
    }
    project.insert("hasTrustDialogAccepted".to_owned(), trusted);
    notes::replace(&path, &serde_json::to_vec_pretty(&known)?, 0o600)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_others_stay() {
        let ours = hooks::claude(Path::new("/bin/nudged"));
        let theirs = json!({"model": "x", "hooks": {
            "Stop": [{"hooks": [{"type": "command", "command": "bell"}]}],
            "PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "check"}]}],
            "Setup": [{"hooks": []}]}});
        let once = merge(theirs, &ours, hooks::is_ours).expect("settings");
        assert_eq!(once["model"], "x");
        assert_eq!(once["hooks"]["Stop"].as_array().map(Vec::len), Some(2));
        assert_eq!(once["hooks"]["PreToolUse"][0]["matcher"], "Bash");
        let twice = merge(once.clone(), &hooks::claude(Path::new("/other/nudged")), hooks::is_ours)
            .expect("settings");
        let count = |it: &Value| it.to_string().matches("NUDGED_SESSION_ID").count();
        assert_eq!(count(&once), count(&twice));
        assert!(
            twice.to_string().contains("/other/nudged")
                && !twice.to_string().contains("/bin/nudged")
        );
        assert_eq!(merge(json!([]), &ours, hooks::is_ours), None);
        assert_eq!(merge(json!({"hooks": 1}), &ours, hooks::is_ours), None);
    }

    #[test]
    fn trust_is_added_to_what_is_known() {
        let home = tempfile::tempdir().expect("a folder");
        let environment = Environment::default().with("HOME", home.path());
        trust(&environment, Path::new("/r/a")).expect("written");
        let path = home.path().join(".claude.json");
        let read =
            || serde_json::from_slice::<Value>(&fs::read(&path).expect("a file")).expect("JSON");
        let mut known = read();
        known["projects"]["/r/a"]["x"] = json!(1);
        known["numStartups"] = json!(3);
        fs::write(&path, known.to_string()).expect("written");
        trust(&environment, Path::new("/r/b")).expect("written");
        trust(&environment, Path::new("/r/a")).expect("written");
        let known = read();
        assert_eq!(known["projects"]["/r/a"], json!({"hasTrustDialogAccepted": true, "x": 1}));
        assert_eq!(
            (&known["numStartups"], &known["projects"]["/r/b"]["hasTrustDialogAccepted"]),
            (&json!(3), &json!(true))
        );
        fs::write(&path, "[").expect("written");
        assert!(trust(&environment, Path::new("/r/c")).is_err());
        assert_eq!(fs::read_to_string(&path).expect("a file"), "[");
    }
}
