//! Is every setting usable, and are the secrets hard to guess?

use tracing_subscriber::EnvFilter;

use super::findings::Findings;
use crate::config::{InspectedSettings, Secret, Settings, Source, slips};

const CHECK: &str = "settings";

pub(super) fn look(
    findings: &mut Findings,
    InspectedSettings { settings, inspected, problems, .. }: &InspectedSettings,
) {
    for slip in slips() {
        findings.doubtful(CHECK, slip, "correct its name, or unset it");
    }
    for problem in problems {
        findings.broken(CHECK, problem.to_string(), "mend it; `nudged serve` does not start so");
    }
    let (mut defaults, mut told) = (Vec::new(), None);
    for setting in inspected {
        match (&setting.problem, &setting.source) {
            // Two settings that belong together share it.
            (Some(problem), _) if told == Some(problem) => {}
            (Some(problem), _) => {
                told = Some(problem);
                findings.broken(CHECK, problem, "correct it, or remove it to get the default");
            }
            (None, Source::Default) => defaults.push(setting.name),
            (None, Source::Set { place, value }) => {
                let value = value.as_deref().unwrap_or("set, not shown");
                findings.fine(CHECK, format!("{}: {value} (from {place})", setting.name));
            }
        }
    }
    if !defaults.is_empty() {
        findings.fine(CHECK, format!("not set, so the default holds: {}", defaults.join(", ")));
    }
    if let Err(error) = EnvFilter::try_new(&settings.log) {
        findings.broken(
            CHECK,
            format!("log filter {:?}: {error}", settings.log),
            "use error, warn, info, debug, or a filter as nudged=debug",
        );
    }
}

pub(super) fn secrets(findings: &mut Findings, settings: &Settings, served: bool) {
    const CHECK: &str = "secret";
    const MAKE: &str = "make one with `openssl rand -hex 32`, set it as NUDGED_WEBHOOK_SECRET, and \
                        enter the same one in the webhook settings at GitHub";
    let count = settings.webhook_secrets.len();
    if count == 0 && served {
        let mend = "to check it, run doctor with the server's own settings";
        return findings.doubtful(CHECK, "no webhook secret is set here; the server has one", mend);
    }
    if count == 0 {
        return findings.broken(CHECK, "no webhook secret is set: `nudged serve` refuses", MAKE);
    }
    let weak = settings.webhook_secrets.iter().filter_map(Secret::weakness).next();
    match weak {
        Some(weakness) => {
            findings.doubtful(
                CHECK,
                format!("a webhook secret {weakness}: it can be guessed"),
                MAKE,
            );
        }
        None if count == 1 => findings.fine(CHECK, "one webhook secret, long enough"),
        None => findings.fine(CHECK, format!("{count} webhook secrets, all long enough")),
    }
}
