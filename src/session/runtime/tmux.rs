//! Agents in panes of a tmux server of our own.
//!
//! A pane is called by its own name (`%3`) together with its process, which tmux itself compares in the moment of
//! typing: in tmux 3.3a a paste into a pane whose program has ended takes the whole server down, with every agent.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::ending::{self, Left};
use super::last_words;
use super::launch::{complaint_of, mark};
use super::probing::{Listing, Lives, ROW, Row, judge};
use super::procfs::{self, Life, Process};
use super::server::{Client, Place, is_unreachable};
use super::sight;
use super::{Handle, Launch, Pane, Runtime, RuntimeError, Typed, View};
use crate::domain::Probe;
use crate::session::Later;
use crate::session::environment::Environment;
use crate::session::tool::ToolError;

/// From tmux's start of a pane to its program's; a server beside it comes first.
const START: Duration = Duration::from_secs(30);
const START_STEP: Duration = Duration::from_millis(5);
const WIDTH: &str = "200";
const HEIGHT: &str = "50";

/// A tmux server of our own.
#[derive(Debug)]
pub struct Tmux {
    client: Client,
    /// The command to which a launch file's name is added: it reads the file and becomes the agent.
    launcher: Vec<OsString>,
    /// One start at a time: the first makes the server.
    starting: Mutex<()>,
}

impl Tmux {
    /// `program` is tmux, looked up in `environment`, which is all that the server is given; `launcher` calls
    /// [`super::become_agent`]; `limit` is for each question to tmux.
    pub fn new(
        program: impl Into<OsString>,
        place: Place,
        environment: Environment,
        launcher: Vec<OsString>,
        limit: Duration,
    ) -> Self {
        let client = Client { program: program.into(), place, environment, limit };
        Self { client, launcher, starting: Mutex::new(()) }
    }

    /// The version of tmux.
    ///
    /// # Errors
    /// It is missing or too old.
    pub async fn version(&self) -> Result<String, ToolError> {
        self.client.version().await
    }

    /// Where the server listens.
    pub fn socket(&self) -> PathBuf {
        self.client.place.socket()
    }

    /// The command that shows an agent's terminal to a person.
    pub fn attach(&self, handle: &Handle) -> Vec<OsString> {
        let socket = self.client.place.socket().into_os_string();
        let target = format!("={}", handle.name);
        let words = [self.client.program.clone(), "-S".into(), socket, "attach-session".into()];
        words.into_iter().chain(["-t".into(), target.into()]).collect()
    }

    async fn start_one(&self, launch: &Launch) -> Result<Handle, RuntimeError> {
        launch.check().map_err(RuntimeError::Unstartable)?;
        let file = self.client.place.launch_file(&launch.launch_id);
        let told = |source| RuntimeError::File { what: file.display().to_string(), source };
        self.client.place.keep().map_err(told)?;
        launch.write(&file).map_err(told)?;
        let complaint = complaint_of(&file);
        let _tidy = (Removed(&file), Removed(&complaint));
        let pane = {
            let _one = self.starting.lock().await;
            match self.make_pane(&launch.name, &file).await {
                Err(error) if is_duplicate(&error) => {
                    self.bury(&launch.name).await?;
                    self.make_pane(&launch.name, &file).await
                }
                made => made,
            }
        };
        let handle = Handle {
            name: launch.name.clone(),
            launch_id: launch.launch_id.clone(),
            pane: Some(pane?),
        };
        match self.begun(&handle, &complaint).await {
            Ok(()) => Ok(handle),
            Err(error) => {
                self.kill_one(&handle).await?;
                Err(error)
            }
        }
    }

    /// Neither the folder nor anything else from outside is told to tmux, which would expand formats in it.
    async fn make_pane(&self, name: &str, file: &Path) -> Result<Pane, RuntimeError> {
        let format = "#{pid} #{pane_id} #{pane_pid} 0 s x";
        let mut words =
            vec!["new-session", "-d", "-P", "-F", format, "-s", name, "-x", WIDTH, "-y", HEIGHT];
        let command: Vec<String> = self
            .launcher
            .iter()
            .map(OsString::as_os_str)
            .chain([file.as_os_str()])
            .map(|word| escaped(&word.to_string_lossy()))
            .collect();
        words.extend(command.iter().map(String::as_str));
        let said = self.client.ask(words, b"").await?.text();
        let row = Row::parse(&said);
        let pane = row.and_then(|row| {
            let (server, process) = (Process::of(row.server)?, Process::of(row.pid)?);
            Some(Pane { id: row.pane, boot_id: procfs::boot_id()?, server, process })
        });
        match pane {
            Some(pane) => Ok(pane),
            None => {
                // Its process was gone before it could be looked at.
                let id = said.split(' ').nth(1).unwrap_or_default();
                let said = match fs::read_to_string(complaint_of(file)) {
                    Ok(said) => said,
                    Err(_) => last_words::end_of(&self.client, id).await,
                };
                self.client.ask(["kill-session", "-t", &format!("={name}")], b"").await?;
                Err(RuntimeError::NotStarted { said })
            }
        }
    }

    /// Takes away what an ended program has left under that name.
    async fn bury(&self, name: &str) -> Result<(), RuntimeError> {
        let rows = self.rows().await?;
        let is_alive = |row: &Row| {
            row.name == name && Process::of(row.pid).is_some_and(Process::is_alive) && !row.is_dead
        };
        if rows.iter().any(is_alive) {
            return Err(RuntimeError::RunsAlready { name: name.to_owned() });
        }
        self.client.ask(["kill-session", "-t", &format!("={name}")], b"").await?;
        Ok(())
    }

    /// Waits until the pane's process has become the program: only then it bears the mark.
    async fn begun(&self, handle: &Handle, complaint: &Path) -> Result<(), RuntimeError> {
        let Some(pane) = &handle.pane else { return Ok(()) };
        let (mark, until) = (mark(&handle.launch_id), Instant::now() + START);
        while Instant::now() < until {
            if procfs::bears(pane.process.pid, &mark) {
                return Ok(());
            }
            if pane.process.life() == Life::Dead {
                let said = match fs::read_to_string(complaint) {
                    Ok(said) => said,
                    Err(_) => last_words::end_of(&self.client, &pane.id).await,
                };
                return Err(RuntimeError::NotStarted { said });
            }
            tokio::time::sleep(START_STEP).await;
        }
        let said = format!("it did not begin within {} s", START.as_secs());
        Err(RuntimeError::NotStarted { said })
    }

    async fn rows(&self) -> Result<Vec<Row>, ToolError> {
        let said = match self.client.ask(["list-panes", "-a", "-F", ROW], b"").await {
            // A server without a session says so.
            Err(error) if error.said().contains("no current target") => return Ok(Vec::new()),
            said => said?,
        };
        Ok(String::from_utf8_lossy(&said.output).lines().filter_map(Row::parse).collect())
    }

    async fn find_one(&self, name: &str, launch_id: &str) -> Result<Option<Handle>, RuntimeError> {
        let rows = match self.rows().await {
            Ok(rows) => rows,
            Err(error) if is_unreachable(&error) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mark = mark(launch_id);
        let found = rows.into_iter().find(|row| row.name == name && procfs::bears(row.pid, &mark));
        let handle = found.and_then(|row| {
            let (server, process) = (Process::of(row.server)?, Process::of(row.pid)?);
            let pane = Pane { id: row.pane, boot_id: procfs::boot_id()?, server, process };
            Some(Handle { name: row.name, launch_id: launch_id.to_owned(), pane: Some(pane) })
        });
        Ok(handle)
    }

    /// One question to tmux for all of them. A server that lives and has lost its socket is mended first.
    async fn probe_all(&self, handles: &[Handle]) -> Vec<Probe> {
        let boot_id = procfs::boot_id();
        let here = |pane: &&Pane| boot_id.as_ref().is_none_or(|now| *now == pane.boot_id);
        let mut servers: Vec<Process> = Vec::new();
        for pane in handles.iter().filter_map(|handle| handle.pane.as_ref()).filter(here) {
            if !servers.contains(&pane.server) {
                servers.push(pane.server);
            }
        }
        let living = servers.iter().copied().find(|server| server.life() != Life::Dead);
        let listing = match living {
            None => Listing::None("its tmux server is gone".to_owned()),
            Some(server) => self.listing(server).await,
        };
        let judged = handles.iter().map(|handle| match &handle.pane {
            Some(pane) => {
                let (server, process) = (pane.server.life(), pane.process.life());
                judge(pane, Lives { boot_id: boot_id.as_deref(), server, process }, &listing)
            }
            None => Probe {
                runtime: crate::domain::ProbeAnswer::Unknown,
                process: crate::domain::ProbeAnswer::Unknown,
                evidence: "it does not run in tmux".into(),
                is_proof: false,
            },
        });
        judged.collect()
    }

    async fn listing(&self, server: Process) -> Listing {
        let mut asked = self.rows().await;
        if asked.as_ref().is_err_and(is_unreachable) && self.client.mend(server).await {
            asked = self.rows().await;
        }
        match asked {
            Ok(rows) => Listing::Rows(rows),
            Err(error) => Listing::None(error.to_string()),
        }
    }

    async fn kill_one(&self, handle: &Handle) -> Result<(), RuntimeError> {
        let Some(pane) = &handle.pane else { return Ok(()) };
        if procfs::boot_id().is_some_and(|now| now != pane.boot_id) {
            return Ok(());
        }
        let spared = [pane.server.pid, std::process::id().cast_signed()];
        let agent = pane.process.is_alive().then_some(pane.process);
        let ended = ending::end(agent, &mark(&handle.launch_id), &spared).await;
        ended.map_err(|Left(pids)| RuntimeError::StillThere { name: handle.name.clone(), pids })?;
        if pane.server.life() == Life::Dead {
            return Ok(());
        }
        if !self.client.is_reachable() && !self.client.mend(pane.server).await {
            // Its processes are gone, which is what matters.
            return Ok(());
        }
        let is_ours = format!("#{{==:#{{pane_pid}},{}}}", pane.process.pid);
        let kill = format!("kill-session -t '={}'", handle.name);
        self.client.ask(["if-shell", "-F", "-t", &pane.id, &is_ours, &kill], b"").await?;
        Ok(())
    }

    async fn look_at(&self, handle: &Handle) -> Result<View, RuntimeError> {
        let gone =
            |why: &str| RuntimeError::Gone { name: handle.name.clone(), why: why.to_owned() };
        let pane = handle.pane.as_ref().ok_or_else(|| gone("it has no pane"))?;
        let session = format!("={}", handle.name);
        // The machine's time is read by tmux, beside the times that it tells.
        let words = [
            "list-clients",
            "-t",
            &session,
            "-F",
            sight::CLIENT,
            ";",
            "display-message",
            "-p",
            "-t",
            &pane.id,
            sight::PANE,
            ";",
            "capture-pane",
            "-p",
            "-e",
            "-t",
            &pane.id,
        ];
        let said = match self.client.ask(words, b"").await {
            Ok(said) => String::from_utf8_lossy(&said.output).into_owned(),
            Err(error) if error.said().contains("can't find") => return Err(gone("it was closed")),
            Err(error) => return Err(error.into()),
        };
        sight::read(pane, &said).map_err(gone)
    }

    /// Runs a command of tmux in the pane, if the agent is still what `view` shows; tmux itself compares.
    async fn guarded(
        &self,
        handle: &Handle,
        view: &View,
        before: &[&str],
        input: &str,
        (then, otherwise): (&str, &str),
    ) -> Result<Typed, RuntimeError> {
        let Some(pane) = &handle.pane else { return Ok(Typed::No) };
        let (id, pid) = (pane.id.as_str(), pane.process.pid);
        let mut guard = format!("#{{&&:#{{==:#{{pane_pid}},{pid}}},#{{==:#{{pane_dead}},0}}}}");
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if !view.command.is_empty() && view.command.chars().all(is_word) {
            guard = format!("#{{&&:{guard},#{{==:#{{pane_current_command}},{}}}}}", view.command);
        }
        let leave = format!("send-keys -X -t '{id}' cancel");
        let then = format!("{then} ; display-message -p typed");
        let mut words: Vec<&str> = before.to_vec();
        words.extend(["if-shell", "-F", "-t", id, "#{pane_in_mode}", &leave, ";"]);
        words.extend(["if-shell", "-F", "-t", id, &guard, &then, otherwise]);
        let said = self.client.ask(words, input.as_bytes()).await?.text();
        Ok(if said.lines().any(|line| line == "typed") { Typed::Yes } else { Typed::No })
    }
}

impl Runtime for Tmux {
    fn name(&self) -> &'static str {
        "tmux"
    }

    fn start<'a>(&'a self, launch: &'a Launch) -> Later<'a, Result<Handle, RuntimeError>> {
        Box::pin(self.start_one(launch))
    }

    fn find<'a>(
        &'a self,
        name: &'a str,
        launch_id: &'a str,
    ) -> Later<'a, Result<Option<Handle>, RuntimeError>> {
        Box::pin(self.find_one(name, launch_id))
    }

    fn probe<'a>(&'a self, handles: &'a [Handle]) -> Later<'a, Vec<Probe>> {
        Box::pin(self.probe_all(handles))
    }

    fn kill<'a>(&'a self, handle: &'a Handle) -> Later<'a, Result<(), RuntimeError>> {
        Box::pin(self.kill_one(handle))
    }

    fn look<'a>(&'a self, handle: &'a Handle) -> Later<'a, Result<View, RuntimeError>> {
        Box::pin(self.look_at(handle))
    }

    fn scrollback<'a>(
        &'a self,
        handle: &'a Handle,
        most: u32,
    ) -> Later<'a, Result<String, RuntimeError>> {
        Box::pin(async move {
            let Some(pane) = &handle.pane else { return Ok(String::new()) };
            Ok(last_words::capture(&self.client, &pane.id, most).await?)
        })
    }

    fn last_words<'a>(&'a self, handle: &'a Handle) -> Later<'a, String> {
        Box::pin(async move {
            match &handle.pane {
                Some(pane) => last_words::of(&self.client, &pane.id).await,
                None => String::new(),
            }
        })
    }

    fn paste<'a>(
        &'a self,
        handle: &'a Handle,
        view: &'a View,
        line: &'a str,
    ) -> Later<'a, Result<Typed, RuntimeError>> {
        Box::pin(async move {
            // A CR would submit, an ESC begin a sequence.
            let line: String = line.chars().filter(|c| !c.is_control()).collect();
            if line.is_empty() {
                return Ok(Typed::No);
            }
            let Some(pane) = &handle.pane else { return Ok(Typed::No) };
            let buffer = format!("nudged-{}", handle.launch_id);
            let load = ["load-buffer", "-b", &buffer, "-", ";"];
            let paste = format!("paste-buffer -p -r -d -b {buffer} -t '{}'", pane.id);
            let drop = format!("delete-buffer -b {buffer}");
            self.guarded(handle, view, &load, &line, (&paste, &drop)).await
        })
    }

    fn enter<'a>(
        &'a self,
        handle: &'a Handle,
        view: &'a View,
    ) -> Later<'a, Result<Typed, RuntimeError>> {
        Box::pin(async move {
            let Some(pane) = &handle.pane else { return Ok(Typed::No) };
            let enter = format!("send-keys -t '{}' Enter", pane.id);
            self.guarded(handle, view, &[], "", (&enter, "")).await
        })
    }
}

/// A file that is gone when it is not needed any more.
struct Removed<'a>(&'a PathBuf);

impl Drop for Removed<'_> {
    fn drop(&mut self) {
        // The agent's own start has removed it where all went well.
        let _ = fs::remove_file(self.0);
    }
}

fn is_duplicate(error: &RuntimeError) -> bool {
    matches!(error, RuntimeError::Tool(error) if error.said().contains("duplicate session"))
}

/// A word that ends in `;` would end the command for tmux.
fn escaped(word: &str) -> String {
    match word.strip_suffix(';') {
        Some(start) => format!("{start}\\;"),
        None => word.to_owned(),
    }
}
