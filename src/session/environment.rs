//! The environment of what is started here: built up from a list of names, never inherited.
//!
//! The server's own environment holds the webhook secret, the App's key and the API token; an agent may see none
//! of them, and nothing of a terminal or of an agent's session in which the server happens to have been started.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;

/// What any program may need: who and where it is, its language, how it reaches the network.
const BASE: &[&str] = &[
    "ALL_PROXY",
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "LANG",
    "LANGUAGE",
    "LC_*",
    "LOGNAME",
    "NO_PROXY",
    "PATH",
    "SHELL",
    "SSH_AUTH_SOCK",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TMPDIR",
    "TZ",
    "USER",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// Never taken over, whatever a harness asks for: our own settings and secrets, the terminal that the server
/// was started in, and the marks of an agent's session around it.
const NEVER: &[&str] = &[
    "CLAUDECODE*",
    "CLAUDE_CODE_CHILD_SESSION",
    "CLAUDE_CODE_ENTRYPOINT",
    "CLAUDE_CODE_SESSION*",
    "CLAUDE_CODE_SSE_PORT",
    "CREDENTIALS_DIRECTORY",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "LISTEN_*",
    "NOTIFY_SOCKET",
    "NUDGED_*",
    "TMUX*",
];

/// Variables for a program, without those of the server. `Debug` shows their names alone.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// Takes from `all` what any program may need, and what `passed` names besides (a trailing `*` stands for
    /// any ending).
    pub fn of<'a>(
        all: impl IntoIterator<Item = (OsString, OsString)>,
        passed: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let passed: Vec<&str> = passed.into_iter().collect();
        let is_taken = |name: &OsStr| {
            let is_named = |list: &[&str]| list.iter().any(|pattern| fits(pattern, name));
            !is_named(NEVER) && (is_named(BASE) || is_named(&passed))
        };
        Self(all.into_iter().filter(|(name, _)| is_taken(name)).collect())
    }

    /// The same with a variable set.
    #[must_use]
    pub fn with(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.set(name, value);
        self
    }

    /// Sets a variable.
    pub fn set(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) {
        self.0.insert(name.into(), value.into());
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// All variables, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.0.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

fn fits(pattern: &str, name: &OsStr) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.as_bytes().starts_with(start.as_bytes()),
        None => name == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_outer_sessions_stay_outside() {
        let outer = [
            ("PATH", "/bin"),
            ("LC_ALL", "C"),
            ("NUDGED_WEBHOOK_SECRET", "s"),
            ("NUDGED_API_TOKEN", "t"),
            ("CLAUDECODE", "1"),
            ("CLAUDE_CODE_CHILD_SESSION", "1"),
            ("TMUX", "/tmp/x"),
            ("TMUX_PANE", "%1"),
            ("AWS_SECRET_ACCESS_KEY", "a"),
            ("ANTHROPIC_API_KEY", "k"),
        ];
        let outer = || outer.map(|(name, value)| (name.into(), value.into()));
        let names = |environment: &Environment| -> Vec<String> {
            environment.iter().map(|(name, _)| name.to_string_lossy().into_owned()).collect()
        };
        assert_eq!(names(&Environment::of(outer(), [])), ["LC_ALL", "PATH"]);
        let asked = Environment::of(outer(), ["ANTHROPIC_*", "*"]);
        assert_eq!(names(&asked), ["ANTHROPIC_API_KEY", "AWS_SECRET_ACCESS_KEY", "LC_ALL", "PATH"]);
        assert!(!format!("{asked:?}").contains("/bin"));
    }
}
