//! The agents that are known, as data. Facts about them are those of their own documentation and of trials with
//! Claude Code 2.1.331, Codex 0.169.0, opencode 1.18.33 and aider 0.86.2.

use std::collections::BTreeMap;

use super::ChannelName::{AppServer, Hook, Http, Paste};
use super::{ChannelName, Family, Harness};

/// All of them.
pub(super) fn all() -> Vec<Harness> {
    vec![claude_code(), codex(), opencode(), aider()]
}

/// Variables that name models' services and hold the keys to them.
const MODELS: &[&str] = &[
    "ANTHROPIC_*",
    "AWS_*",
    "AZURE_*",
    "CLOUD_ML_REGION",
    "DEEPSEEK_*",
    "GEMINI_*",
    "GOOGLE_*",
    "GROQ_*",
    "MISTRAL_*",
    "OLLAMA_*",
    "OPENAI_*",
    "OPENROUTER_*",
    "VERTEX*",
    "XAI_*",
];

fn claude_code() -> Harness {
    // The composer keeps its scrollback, and no grey suggestion stands in it.
    let env = [
        ("CLAUDE_CODE_DISABLE_ALTERNATE_SCREEN", "1"),
        ("CLAUDE_CODE_ENABLE_PROMPT_SUGGESTION", "false"),
    ];
    Harness {
        start: words("claude {args} --session-id {agentSessionId} -- {prompt}"),
        resume: words("claude {args} --resume {agentSessionId} -- {prompt}"),
        ..harness(
            "claude-code",
            Family::ClaudeCode,
            &[Hook, Paste],
            &env,
            &["CLAUDE_*", "IS_SANDBOX"],
        )
    }
}

fn codex() -> Harness {
    Harness {
        start: words("codex {args} -- {prompt}"),
        resume: words("codex {args} resume {agentSessionId} {prompt}"),
        ..harness("codex", Family::Codex, &[AppServer, Paste], &[], &["CODEX_*"])
    }
}

fn opencode() -> Harness {
    let env = [("OPENCODE_DISABLE_AUTOUPDATE", "1")];
    Harness {
        start: words("opencode {args}"),
        resume: words("opencode {args} --session {agentSessionId}"),
        ..harness("opencode", Family::Opencode, &[Http, Paste], &env, &["OPENCODE_*"])
    }
}

fn aider() -> Harness {
    // What it asks before it begins would stand in the way of the first prompt.
    let quiet = "aider {args} --no-check-update --no-show-release-notes --no-show-model-warnings \
                 --analytics-disable --no-gitignore --no-fancy-input --no-pretty";
    Harness {
        start: words(&format!("{quiet} --yes-always")),
        resume: words(&format!("{quiet} --yes-always --restore-chat-history")),
        ..harness("aider", Family::Aider, &[Paste], &[], &["AIDER_*"])
    }
}

fn harness(
    name: &str,
    family: Family,
    deliver: &[ChannelName],
    env: &[(&str, &str)],
    passes: &[&str],
) -> Harness {
    let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Harness {
        name: name.to_owned(),
        family,
        start: Vec::new(),
        resume: Vec::new(),
        program: None,
        args: Vec::new(),
        deliver: deliver.to_vec(),
        env: env.iter().map(pair).collect::<BTreeMap<_, _>>(),
        passes: passes.iter().chain(MODELS).map(|name| (*name).to_owned()).collect(),
        trust: false,
    }
}

fn words(line: &str) -> Vec<String> {
    line.split_ascii_whitespace().map(str::to_owned).collect()
}
