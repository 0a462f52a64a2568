//! What `nudged.toml` says of harnesses: the built-in ones changed key by key, and others.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{ChannelName, Family, Harness, builtin};

/// `[harness.NAME]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HarnessSettings {
    pub start: Option<Vec<String>>,
    pub resume: Option<Vec<String>>,
    pub deliver: Option<Vec<ChannelName>>,
    pub env: Option<BTreeMap<String, String>>,
    pub program: Option<String>,
    pub args: Option<Vec<String>>,
    pub trust: Option<bool>,
    /// The built-in one whose manners it has (hooks, files, terminal), for one that is not built in.
    pub like: Option<String>,
    /// Further variables that it may have from the server's environment.
    pub passes: Option<Vec<String>>,
}

/// What is wrong with a harness.
#[derive(Debug, thiserror::Error)]
pub enum HarnessError {
    /// There is none of that name.
    #[error(
        "there is no harness `{name}`: choose one of {known}, or describe it as [harness.{name}] in nudged.toml"
    )]
    Unknown { name: String, known: String },
    /// Its settings cannot be used.
    #[error("[harness.{name}]: {why}")]
    Bad { name: String, why: String },
    /// It cannot take up a conversation.
    #[error("{name} cannot take up a conversation: {why}")]
    NoResume { name: String, why: String },
    /// Something could not be made ready.
    #[error("{what}: {source}")]
    File { what: String, source: std::io::Error },
    /// No port could be had.
    #[error("no port of this machine can be had for {name}: {source}")]
    Port { name: String, source: std::io::Error },
}

/// All harnesses that are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Harnesses(BTreeMap<String, Harness>);

impl Harnesses {
    /// The built-in ones, changed and added to.
    ///
    /// # Errors
    /// One cannot be used as described.
    pub fn new(settings: &BTreeMap<String, HarnessSettings>) -> Result<Self, HarnessError> {
        let mut all: BTreeMap<String, Harness> =
            builtin::all().into_iter().map(|it| (it.name.clone(), it)).collect();
        for (name, given) in settings {
            let known = match all.get(name) {
                Some(known) => known.clone(),
                None => other(name, given, &all)?,
            };
            all.insert(name.clone(), changed(known, given)?);
        }
        Ok(Self(all))
    }

    /// The one of that name.
    ///
    /// # Errors
    /// There is none.
    pub fn get(&self, name: &str) -> Result<&Harness, HarnessError> {
        self.0.get(name).ok_or_else(|| HarnessError::Unknown {
            name: name.to_owned(),
            known: self.0.keys().map(String::as_str).collect::<Vec<_>>().join(", "),
        })
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Harness> {
        self.0.values()
    }
}

/// One that is not built in, before its own keys.
fn other(
    name: &str,
    given: &HarnessSettings,
    known: &BTreeMap<String, Harness>,
) -> Result<Harness, HarnessError> {
    let bad = |why: String| HarnessError::Bad { name: name.to_owned(), why };
    let is_slug = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > 40 || name.starts_with('-') || !name.chars().all(is_slug) {
        return Err(bad("a name has small letters, digits and `-`".to_owned()));
    }
    match given.like.as_deref() {
        Some(like) => {
            let Some(like) = known.get(like).filter(|it| it.family != Family::Other) else {
                return Err(bad(format!("`like` names no built-in harness: `{like}`")));
            };
            Ok(Harness { name: name.to_owned(), ..like.clone() })
        }
        None if given.start.is_none() => {
            Err(bad("`start` is missing: the command line".to_owned()))
        }
        None => Ok(Harness {
            name: name.to_owned(),
            family: Family::Other,
            start: Vec::new(),
            resume: Vec::new(),
            program: None,
            args: Vec::new(),
            deliver: vec![ChannelName::Paste],
            env: BTreeMap::new(),
            passes: Vec::new(),
            trust: false,
        }),
    }
}

fn changed(known: Harness, given: &HarnessSettings) -> Result<Harness, HarnessError> {
    let mut harness = known;
    let bad = |why: String| HarnessError::Bad { name: harness.name.clone(), why };
    for (key, words) in [("start", &given.start), ("resume", &given.resume)] {
        let Some(words) = words else { continue };
        if key == "start" && words.is_empty() {
            return Err(bad("`start` is empty".to_owned()));
        }
        if words.first().is_some_and(|program| program.is_empty() || program.contains('{')) {
            return Err(bad(format!("`{key}` must begin with the program")));
        }
        if words.iter().any(|word| word.contains('\0')) {
            return Err(bad(format!("`{key}` has a NUL character")));
        }
    }
    let is_name = |name: &str| !name.is_empty() && !name.contains(['=', '\0']);
    if let Some(env) = &given.env
        && let Some(name) = env.keys().find(|name| !is_name(name) || name.starts_with("NUDGED_"))
    {
        return Err(bad(format!("`env` cannot set `{}`", name.escape_debug())));
    }
    let can = |channel: ChannelName| match channel {
        ChannelName::Paste => true,
        ChannelName::AppServer => harness.family == Family::Codex,
        ChannelName::Http => harness.family == Family::Opencode,
        ChannelName::Hook => harness.family == Family::ClaudeCode,
    };
    if let Some(deliver) = &given.deliver
        && let Some(channel) = deliver.iter().find(|channel| !can(**channel))
    {
        return Err(bad(format!("it cannot be told by `{}`", channel.word())));
    }
    macro_rules! take {
        ($($key:ident),*) => { $(if let Some(value) = &given.$key { harness.$key.clone_from(value); })* };
    }
    take!(start, resume, deliver, args, trust);
    harness.program = given.program.clone().or(harness.program);
    harness.env.extend(given.env.clone().unwrap_or_default());
    harness.passes.extend(given.passes.clone().unwrap_or_default());
    Ok(harness)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::harness::Conversation;

    fn settings(name: &str, json: serde_json::Value) -> BTreeMap<String, HarnessSettings> {
        BTreeMap::from([(name.to_owned(), serde_json::from_value(json).expect("settings"))])
    }

    #[test]
    fn built_in_ones_are_changed_key_by_key() {
        let json = serde_json::json!({"program": "/opt/claude", "args": ["--model", "x"],
            "deliver": ["paste"], "env": {"A": "b"}, "trust": true});
        let all = Harnesses::new(&settings("claude-code", json)).expect("harnesses");
        let claude = all.get("claude-code").expect("a harness");
        assert_eq!(claude.program.as_deref(), Some("/opt/claude"));
        assert_eq!(claude.deliver, [ChannelName::Paste]);
        assert_eq!(claude.start, builtin::all()[0].start);
        assert!(claude.trust && claude.env["A"] == "b");
        assert_eq!(claude.conversation(), Conversation::Chosen);
        let of = |name: &str| all.get(name).expect("a harness").conversation();
        assert_eq!((of("codex"), of("opencode")), (Conversation::Learned, Conversation::Learned));
        assert_eq!(of("aider"), Conversation::Nameless);
        assert!(all.get("codex").expect("a harness").deliver.len() > 1);
        let unknown = all.get("goose").expect_err("none").to_string();
        assert!(unknown.contains("aider, claude-code, codex, opencode"), "{unknown}");
    }

    #[test]
    fn others_are_described_and_mistakes_said() {
        let json = serde_json::json!({"start": ["agent", "{prompt}"]});
        let all = Harnesses::new(&settings("mine", json)).expect("harnesses");
        assert_eq!(all.get("mine").expect("a harness").deliver, [ChannelName::Paste]);
        let wrong = [
            ("mine", serde_json::json!({}), "`start` is missing"),
            ("My own", serde_json::json!({"start": ["x"]}), "small letters"),
            ("mine", serde_json::json!({"start": []}), "`start` is empty"),
            ("mine", serde_json::json!({"start": ["{prompt}"]}), "begin with the program"),
            ("mine", serde_json::json!({"start": ["x"], "deliver": ["hook"]}), "told by `hook`"),
            ("mine", serde_json::json!({"start": ["x"], "env": {"NUDGED_URL": ""}}), "cannot set"),
            ("mine", serde_json::json!({"like": "vim"}), "names no built-in"),
        ];
        for (name, json, said) in wrong {
            let error = Harnesses::new(&settings(name, json)).expect_err(said).to_string();
            assert!(error.contains(said) && error.contains(name), "{error}");
        }
        let typo = serde_json::from_value::<HarnessSettings>(serde_json::json!({"promt": 1}));
        assert!(typo.is_err());
    }
}
