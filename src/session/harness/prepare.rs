//! Makes an agent ready to be started: its command line, its environment, its hooks, its notes.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::command::{Values, line};
use super::notes::{Notes, make_folder};
use super::{
    Assignment, ChannelName, Conversation, Family, Harness, HarnessError, Prepared, Way, aider,
    claude, codex, hooks, opencode,
};
use crate::session::environment::Environment;
use crate::session::runtime::{Beside, Launch};

/// `sun_path` holds 108 bytes, with a zero at the end.
const LONGEST_SOCKET: usize = 107;

/// What a family adds to a command line.
#[derive(Default)]
struct Added {
    arguments: Vec<OsString>,
    beside: Option<Beside>,
    notes: Notes,
    warnings: Vec<String>,
}

impl Harness {
    /// Makes it ready to be started once. Nothing runs yet; what is written lies in the session's folder, in the
    /// worktree's settings that git does not see, and, where it is to be trusted, in the agent's own memory.
    ///
    /// # Errors
    /// It has no way to take up that conversation, or its files cannot be written.
    pub async fn prepare(&self, to: &Assignment) -> Result<Prepared, HarnessError> {
        let chosen = self.conversation_of(to)?;
        make_folder(&to.folder).map_err(|source| file(&to.folder, source))?;
        let mut environment = self.environment(to);
        let mut added = self.added(to, &mut environment).await?;
        let template = match to.way {
            Way::Start => &self.start,
            Way::Resume { .. } => &self.resume,
        };
        let prompt = to.prompt.as_deref().filter(|prompt| !prompt.trim().is_empty());
        let values = Values {
            prompt,
            session_id: &to.session_id,
            agent_session_id: chosen.as_deref(),
            workspace: &to.workspace,
        };
        let made = line(self, template, &added.arguments, values);
        added.notes.launch_id.clone_from(&to.launch_id);
        added
            .notes
            .write(&to.folder)
            .map_err(|source| file(&to.folder.join("notes.json"), source))?;
        let launch = Launch {
            name: to.session_id.clone(),
            launch_id: to.launch_id.clone(),
            command: made.words,
            environment,
            folder: to.workspace.clone(),
            beside: added.beside,
        };
        let prompt_left = prompt.filter(|_| !made.has_prompt).map(str::to_owned);
        Ok(Prepared { launch, agent_session_id: chosen, prompt_left, warnings: added.warnings })
    }

    /// The name of the conversation, as far as it is known before the start.
    fn conversation_of(&self, to: &Assignment) -> Result<Option<String>, HarnessError> {
        let no =
            |why: &str| HarnessError::NoResume { name: self.name.clone(), why: why.to_owned() };
        match (&to.way, self.conversation()) {
            (Way::Start, Conversation::Chosen) => Ok(Some(uuid())),
            (Way::Start, _) => Ok(None),
            (Way::Resume { .. }, _) if self.resume.is_empty() => {
                Err(no("it has no `resume` command line"))
            }
            (
                Way::Resume { agent_session_id: None },
                Conversation::Chosen | Conversation::Learned,
            ) => Err(no(
                "its conversation's id was never learned; it may not have been given a prompt yet",
            )),
            (Way::Resume { agent_session_id: Some(id) }, _) if id.starts_with('-') => {
                Err(no("its conversation's id cannot be one"))
            }
            (Way::Resume { agent_session_id }, _) => Ok(agent_session_id.clone()),
        }
    }

    fn environment(&self, to: &Assignment) -> Environment {
        let passed = self.passes.iter().map(String::as_str);
        let mut environment = Environment::of(to.outer.iter().cloned(), passed);
        for (name, value) in &self.env {
            environment.set(name, value);
        }
        environment.set("NUDGED_URL", &to.url);
        environment.set("NUDGED_TOKEN", &to.token);
        environment.set("NUDGED_SESSION_ID", &to.session_id);
        environment.set("NUDGED_PROJECT_ID", &to.project_id);
        environment.set("NUDGED_ISSUE_ID", to.issue_id.as_deref().unwrap_or_default());
        environment.set("NUDGED_LAUNCH_ID", &to.launch_id);
        environment.set(hooks::FOLDER, &to.folder);
        environment
    }

    async fn added(
        &self,
        to: &Assignment,
        environment: &mut Environment,
    ) -> Result<Added, HarnessError> {
        let mut added = Added::default();
        match self.family {
            Family::ClaudeCode => {
                if let Err(error) = claude::set_hooks(&to.workspace, &to.nudged) {
                    added
                        .warnings
                        .push(format!("Claude Code got no hooks: its local settings: {error}"));
                }
                if self.trust
                    && let Err(error) = claude::trust(environment, &to.repository)
                {
                    added
                        .warnings
                        .push(format!("the worktree could not be marked as trusted: {error}"));
                }
                added.notes.claude_folder = claude::folder(environment);
            }
            Family::Codex => self.add_codex(to, environment, &mut added).await,
            Family::Opencode => {
                if let Err(error) = opencode::set_hooks(environment, &to.folder, &to.nudged) {
                    added.warnings.push(format!("opencode got no hooks: {error}"));
                }
                let port = opencode::free_port();
                let port =
                    port.map_err(|source| HarnessError::Port { name: self.name.clone(), source })?;
                let password = opencode::password();
                environment.set("OPENCODE_SERVER_PASSWORD", &password);
                added.arguments = opencode::arguments(port);
                added.notes.port = Some(port);
                added.notes.password = Some(password);
            }
            Family::Aider => {
                added.arguments = aider::arguments(&to.folder, &to.nudged);
                added.notes.chat_history = Some(aider::chat_history(&to.folder));
            }
            Family::Other => {}
        }
        Ok(added)
    }

    async fn add_codex(&self, to: &Assignment, environment: &Environment, added: &mut Added) {
        let program = self.program.as_ref().or(self.start.first());
        let program = OsString::from(program.cloned().unwrap_or_default());
        let mut settings =
            codex::settings(&to.nudged, self.trust.then_some(to.repository.as_path()));
        match codex::trust_in_hooks(&program, &settings, environment, &to.workspace).await {
            Ok(trust) => settings.push(trust),
            Err(error) => {
                added.warnings.push(format!("Codex may ask whether to trust our hooks: {error}"));
            }
        }
        let flags = codex::flags(&settings);
        let socket = to.folder.join("codex.sock");
        let fits = socket.as_os_str().as_bytes().len() <= LONGEST_SOCKET;
        if !fits {
            added.warnings.push(format!(
                "Codex has no server of its own: {} is too long for a socket",
                socket.display()
            ));
        }
        if fits && self.deliver.contains(&ChannelName::AppServer) {
            let mut address = OsString::from("unix://");
            address.push(&socket);
            let mut command =
                vec![program, "app-server".into(), "--listen".into(), address.clone()];
            command.extend(flags.iter().cloned());
            command.extend(codex::server_arguments(&self.args));
            let log = to.folder.join("codex-server.log");
            added.beside = Some(Beside { command, log, socket: socket.clone() });
            added.arguments = vec!["--remote".into(), address];
            added.notes.socket = Some(socket);
        } else {
            added.arguments = vec!["--no-daemon".into()];
        }
        added.arguments.extend(flags);
    }
}

fn file(path: &Path, source: io::Error) -> HarnessError {
    HarnessError::File { what: path.display().to_string(), source }
}

/// A random UUID (version 4, RFC 9562).
fn uuid() -> String {
    let mut bytes: [u8; 16] = rand::random();
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}
