//! Codex: its server beside its terminal, and the flags that give it our hooks without touching the user's files.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

use super::hooks;
use crate::session::environment::Environment;

/// For the question how Codex calls our hooks.
const LIMIT: Duration = Duration::from_secs(15);

/// Settings that keep a start silent.
const QUIET: &[&str] =
    &["check_for_update_on_startup=false", "notice.hide_rate_limit_model_nudge=true"];

/// By program and settings, the one that makes the hooks trusted.
type Trusts = HashMap<(OsString, Vec<String>), String>;

/// What was learned before.
static KNOWN: LazyLock<Mutex<Trusts>> = LazyLock::new(Mutex::default);

/// The settings for one start, each to be given with `-c`.
pub(super) fn settings(nudged: &Path, trusted: Option<&Path>) -> Vec<String> {
    let mut settings: Vec<String> = QUIET.iter().map(|it| (*it).to_owned()).collect();
    if let Some(repository) = trusted {
        // The main checkout's trust covers its worktrees.
        let path = hooks::toml(&repository.to_string_lossy());
        settings.push(format!("projects={{{path}={{trust_level=\"trusted\"}}}}"));
    }
    settings.extend(hooks::codex(nudged));
    settings
}

/// `-c` before each.
pub(super) fn flags(settings: &[String]) -> Vec<OsString> {
    settings.iter().flat_map(|it| ["-c".into(), it.into()]).collect()
}

/// Of the user's further arguments those that a server takes, too: settings by `-c`.
pub(super) fn server_arguments(args: &[String]) -> Vec<OsString> {
    let mut kept = Vec::new();
    let mut args = args.iter();
    while let Some(word) = args.next() {
        if matches!(word.as_str(), "-c" | "--config" | "--enable" | "--disable") {
            if let Some(value) = args.next() {
                kept.extend([word.into(), value.into()]);
            }
        } else if word.starts_with("--config=") {
            kept.push(word.into());
        }
    }
    kept
}

/// The setting by which Codex trusts the hooks in `settings`: it runs none that nobody has reviewed, and knows them
/// by a hash that only it can tell.
///
/// # Errors
/// Codex did not tell, in words.
pub(super) async fn trust_in_hooks(
    program: &OsString,
    settings: &[String],
    environment: &Environment,
    folder: &Path,
) -> Result<String, String> {
    let key = (program.clone(), settings.to_vec());
    if let Some(known) = KNOWN.lock().ok().and_then(|known| known.get(&key).cloned()) {
        return Ok(known);
    }
    let asked = listed(program, settings, environment, folder);
    let answer = tokio::time::timeout(LIMIT, asked).await;
    let answer =
        answer.map_err(|_| format!("Codex did not answer within {} s", LIMIT.as_secs()))?;
    let answer = answer.map_err(|error| format!("Codex could not be asked: {error}"))?;
    let setting = setting(&answer).ok_or("Codex does not know the hooks it was given")?;
    if let Ok(mut known) = KNOWN.lock() {
        known.insert(key, setting.clone());
    }
    Ok(setting)
}

async fn listed(
    program: &OsString,
    settings: &[String],
    environment: &Environment,
    folder: &Path,
) -> std::io::Result<Value> {
    let mut command = Command::new(program);
    command.arg("app-server").args(flags(settings)).env_clear().envs(environment.iter());
    command.current_dir(folder).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn()?;
    let missing = || std::io::Error::from(std::io::ErrorKind::BrokenPipe);
    let mut stdin = child.stdin.take().ok_or_else(missing)?;
    let mut lines = BufReader::new(child.stdout.take().ok_or_else(missing)?).lines();
    let hello = json!({"clientInfo": {"name": "nudged", "title": null, "version": "0"}, "capabilities": {"experimentalApi": true}});
    let cwd = folder.to_string_lossy();
    for said in [
        json!({"id": 1, "method": "initialize", "params": hello}),
        json!({"method": "initialized"}),
        json!({"id": 2, "method": "hooks/list", "params": {"cwds": [cwd]}}),
    ] {
        stdin.write_all(format!("{said}\n").as_bytes()).await?;
    }
    while let Some(line) = lines.next_line().await? {
        let Ok(mut answer) = serde_json::from_str::<Value>(&line) else { continue };
        if answer["id"] == 2 && answer.get("method").is_none() {
            child.start_kill()?;
            child.wait().await?;
            return Ok(answer["result"].take());
        }
    }
    Err(missing())
}

/// From the list of hooks, the trust in those that were given by flags.
fn setting(answer: &Value) -> Option<String> {
    let mut known = Vec::new();
    for folder in answer["data"].as_array()? {
        for hook in folder["hooks"].as_array()? {
            let (key, hash) = (hook["key"].as_str()?, hook["currentHash"].as_str()?);
            let command = hook["command"].as_str().unwrap_or_default();
            if hooks::is_ours(command) {
                known.push(format!("{}={{trusted_hash={}}}", hooks::toml(key), hooks::toml(hash)));
            }
        }
    }
    (!known.is_empty()).then(|| format!("hooks.state={{{}}}", known.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_given_by_flags() {
        let settings = settings(Path::new("/bin/nudged"), Some(Path::new("/r/it \"is\"")));
        assert!(
            settings.contains(&r#"projects={"/r/it \"is\""={trust_level="trusted"}}"#.to_owned())
        );
        let flags = flags(&settings);
        assert_eq!((flags.len(), &flags[0]), (settings.len() * 2, &"-c".into()));
        let args = ["-m", "x", "-c", "a=1", "--config=b=2", "--search"].map(str::to_owned);
        assert_eq!(server_arguments(&args), ["-c", "a=1", "--config=b=2"]);
    }

    #[test]
    fn hooks_of_ours_are_trusted_and_no_others() {
        let ours = hooks::report(Path::new("/bin/nudged"), super::super::Family::Codex);
        let hook = |key: &str, command: &str| json!({"key": key, "command": command, "currentHash": "sha256:1"});
        let answer = json!({"data": [{"hooks": [hook("/<session-flags>/config.toml:stop:0:0", &ours), hook("x", "theirs")]}]});
        assert_eq!(
            setting(&answer).as_deref(),
            Some(
                r#"hooks.state={"/<session-flags>/config.toml:stop:0:0"={trusted_hash="sha256:1"}}"#
            )
        );
        assert_eq!(setting(&json!({"data": [{"hooks": [hook("x", "theirs")]}]})), None);
    }
}
