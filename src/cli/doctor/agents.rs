//! Agents that are started here: the programs that this needs, and whether they outlive a restart of the server.

use std::time::Duration;

use super::findings::Findings;
use crate::config::outer_environment;
use crate::session::environment::Environment;
use crate::session::tool::{Asked, ToolError, version_in};

/// What agents need, and the oldest release of it.
const PROGRAMS: [(&str, &str, (u32, u32)); 2] =
    [("tmux", "-V", (3, 2)), ("git", "--version", (2, 36))];
const LIMIT: Duration = Duration::from_secs(5);

pub(super) async fn look(findings: &mut Findings, holder: Option<&str>) {
    const CHECK: &str = "agents";
    for (name, flag, oldest) in PROGRAMS {
        let needed = format!("{}.{}", oldest.0, oldest.1);
        match ask(name, &[flag]).await {
            Ok(said) if version_in(&said).is_some_and(|found| found < oldest) => findings.doubtful(
                CHECK,
                format!("{said} is too old: no agents can be started here"),
                format!("where they are to be, install {name} {needed} or newer"),
            ),
            Ok(said) => findings.fine(CHECK, format!("agents can use {said}")),
            Err(error) => findings.doubtful(
                CHECK,
                format!("no agents can be started here: {error}"),
                format!("where they are to be, install {name} {needed} or newer"),
            ),
        }
    }
    if let Some(unit) = holder.and_then(unit_of)
        && let Ok(mode) = ask("systemctl", &["show", &unit, "--property=KillMode", "--value"]).await
    {
        match mode.as_str() {
            "process" | "none" => {
                findings
                    .fine(CHECK, format!("agents outlive a restart of {unit} (KillMode={mode})"));
            }
            mode => findings.doubtful(
                CHECK,
                format!("a restart of {unit} ends all agents (KillMode={mode})"),
                "set KillMode=process in its unit, as deploy/nudged.service does",
            ),
        }
    }
}

async fn ask(name: &'static str, words: &[&str]) -> Result<String, ToolError> {
    let asked = Asked {
        name,
        program: name.into(),
        arguments: words.iter().map(Into::into).collect(),
        environment: Environment::of(outer_environment(), []),
        folder: None,
        input: Vec::new(),
        limit: LIMIT,
    };
    Ok(asked.answer().await?.text())
}

/// The systemd unit in which the server runs that wrote this about itself: `process 17 at …`.
fn unit_of(holder: &str) -> Option<String> {
    let pid: u32 = holder.strip_prefix("process ")?.split(' ').next()?.parse().ok()?;
    unit_in(&std::fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?)
}

/// The innermost service of a process' control group (cgroups(7)).
fn unit_in(cgroup: &str) -> Option<String> {
    let path = cgroup.lines().find_map(|line| line.strip_prefix("0::"))?;
    let unit = path.rsplit('/').find(|part| part.ends_with(".service"))?;
    // That of a login is not ours.
    (!unit.starts_with("user@")).then(|| unit.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_is_found_in_the_control_group() {
        for (cgroup, unit) in [
            ("0::/system.slice/nudged.service\n", Some("nudged.service")),
            ("0::/system.slice/nudged.service/agents\n", Some("nudged.service")),
            (
                "0::/user.slice/user-0.slice/user@0.service/app.slice/nudged.service\n",
                Some("nudged.service"),
            ),
            ("0::/user.slice/user-0.slice/user@0.service/init.scope\n", None),
            ("0::/user.slice/user-0.slice/session-3.scope\n", None),
            ("1:name=systemd:/x.service\n", None),
        ] {
            assert_eq!(unit_in(cgroup).as_deref(), unit, "{cgroup}");
        }
    }
}
