//! What tmux tells of an agent's terminal, read.

use super::procfs::{self, Process};
use super::{Foreground, Pane, Screen, View};

/// How [`read`] wants to have told who is attached: whether they only look on, and when they last pressed a key.
pub(super) const CLIENT: &str = "client #{client_readonly} #{client_activity}";
/// And how the pane: the time first, as the machine has it.
pub(super) const PANE: &str =
    "pane %s #{pane_pid} #{pane_dead} #{pane_in_mode} #{pane_current_command}";

/// Reads lines of [`CLIENT`], one of [`PANE`], and after it what the pane shows. Else: why there is nothing to see.
pub(super) fn read(pane: &Pane, said: &str) -> Result<View, &'static str> {
    let mut keys: Vec<u64> = Vec::new();
    let mut rest = said;
    loop {
        let Some((line, after)) = rest.split_once('\n') else {
            return Err("tmux did not tell of it");
        };
        rest = after;
        if let Some(key) = line.strip_prefix("client 0 ") {
            keys.extend(key.parse::<u64>());
        } else if let Some(fields) = line.strip_prefix("pane ") {
            return view(pane, fields, &keys, Screen::parse(rest));
        }
    }
}

fn view(pane: &Pane, fields: &str, keys: &[u64], screen: Screen) -> Result<View, &'static str> {
    let fields: Vec<&str> = fields.splitn(5, ' ').collect();
    let [now, pid, is_dead, mode, command] = fields[..] else {
        return Err("tmux did not tell of it");
    };
    if pid.parse() != Ok(pane.process.pid) {
        return Err("its pane was closed");
    }
    if is_dead == "1" {
        // Of one that has ended only the last words are of interest.
        let foreground = Foreground::Other("nothing".to_owned());
        let (last_key, last_key_at, command) = (None, None, String::new());
        return Ok(View { screen, is_in_mode: false, foreground, last_key, last_key_at, command });
    }
    let last_key_at = keys.iter().copied().max();
    let now = now.parse::<u64>().unwrap_or(0);
    Ok(View {
        screen,
        is_in_mode: mode != "0",
        foreground: foreground(pane.process, command),
        last_key: last_key_at.map(|key| now.saturating_sub(key)),
        last_key_at,
        command: command.to_owned(),
    })
}

fn foreground(agent: Process, command: &str) -> Foreground {
    let name_of = |arguments: &[String]| {
        let program = arguments.first().map_or(command, String::as_str);
        program.rsplit('/').next().unwrap_or(program).to_owned()
    };
    let Ok(Some(stat)) = procfs::stat(agent.pid) else {
        return Foreground::Other("nothing".to_owned());
    };
    let reader = if stat.foreground == stat.group { agent.pid } else { stat.foreground };
    let arguments = procfs::arguments(reader);
    if procfs::is_shell(&arguments) {
        Foreground::Shell(name_of(&arguments))
    } else if reader == agent.pid {
        Foreground::Agent
    } else {
        Foreground::Other(name_of(&arguments))
    }
}
