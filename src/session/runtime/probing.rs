//! What a look at a runtime's server and at processes says of an agent: pure, so that every case can be tried.

use super::Pane;
use super::procfs::Life;
use crate::domain::{Probe, ProbeAnswer};

/// What a server said of its panes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Listing {
    /// It answered: which process it is, and what it has.
    Rows(Vec<Row>),
    /// It did not, for that reason.
    None(String),
}

/// A pane, as its server tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) server: i32,
    pub(super) pane: String,
    pub(super) pid: i32,
    /// Its program has ended, and the server knows.
    pub(super) is_dead: bool,
    /// With which status; empty where that is not known.
    pub(super) status: String,
    pub(super) name: String,
}

/// How [`Row::parse`] wants to have a pane told.
pub(super) const ROW: &str =
    "#{pid} #{pane_id} #{pane_pid} #{pane_dead} s#{pane_dead_status} #{session_name}";

impl Row {
    pub(super) fn parse(line: &str) -> Option<Self> {
        let mut words = line.splitn(6, ' ');
        Some(Self {
            server: words.next()?.parse().ok()?,
            pane: words.next()?.to_owned(),
            pid: words.next()?.parse().ok()?,
            is_dead: words.next()? == "1",
            status: words.next()?.strip_prefix('s')?.to_owned(),
            name: words.next()?.to_owned(),
        })
    }
}

/// What is known beside the server's listing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lives<'a> {
    /// The start of the machine that runs now.
    pub(super) boot_id: Option<&'a str>,
    pub(super) server: Life,
    pub(super) process: Life,
}

/// The one reading of all that. Death is proven where the machine was started anew, where server and process are
/// gone, and where the process has ended: numbers with start times are never another's.
pub(super) fn judge(pane: &Pane, lives: Lives<'_>, listing: &Listing) -> Probe {
    use ProbeAnswer::{Alive, Dead, Failed};
    let probe = |runtime, process, evidence: String, is_proof| Probe {
        runtime,
        process,
        evidence: evidence.into(),
        is_proof,
    };
    if lives.boot_id.is_some_and(|now| now != pane.boot_id) {
        return probe(Dead, Dead, "the machine was started anew".to_owned(), true);
    }
    let process = answer(lives.process);
    let is_gone = process == Dead;
    if lives.server == Life::Dead {
        let evidence = format!("the tmux server (pid {}) is gone", pane.server.pid);
        return probe(Dead, process, evidence, is_gone);
    }
    let rows = match listing {
        Listing::None(why) => return probe(Failed, process, why.clone(), false),
        Listing::Rows(rows) => rows,
    };
    if let Some(other) = rows.iter().find(|row| row.server != pane.server.pid) {
        let evidence = format!("another tmux server (pid {}) answers", other.server);
        return probe(Failed, process, evidence, false);
    }
    let is_it = |row: &&Row| row.pane == pane.id && row.pid == pane.process.pid;
    match rows.iter().find(is_it) {
        Some(row) if is_gone => {
            let status = if row.status.is_empty() { "an unknown" } else { &row.status };
            probe(Alive, Dead, format!("the agent has ended with {status} status"), true)
        }
        Some(row) if row.is_dead => {
            probe(Dead, process, "the agent has left its terminal".to_owned(), false)
        }
        Some(_) => probe(Alive, process, "its pane is there".to_owned(), false),
        None => probe(Dead, process, "its pane was closed".to_owned(), is_gone),
    }
}

const fn answer(life: Life) -> ProbeAnswer {
    match life {
        Life::Alive => ProbeAnswer::Alive,
        Life::Dead => ProbeAnswer::Dead,
        Life::Unknown => ProbeAnswer::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::runtime::procfs::Process;
    use ProbeAnswer::{Alive, Dead, Failed, Unknown};

    fn found(
        boot: &str,
        server: Life,
        process: Life,
        listing: &Listing,
    ) -> (ProbeAnswer, ProbeAnswer, bool) {
        let pane = Pane {
            id: "%3".to_owned(),
            boot_id: "boot".to_owned(),
            server: Process { pid: 10, started: 1 },
            process: Process { pid: 20, started: 2 },
        };
        let probe = judge(&pane, Lives { boot_id: Some(boot), server, process }, listing);
        (probe.runtime, probe.process, probe.is_proof)
    }

    #[test]
    fn only_proof_is_death() {
        let row = |line| Listing::Rows(vec![Row::parse(line).expect("a row")]);
        let (there, ended) = (row("10 %3 20 0 s mer-1"), row("10 %3 20 1 s1 mer-1"));
        let (other, closed) = (row("11 %3 20 0 s mer-1"), row("10 %4 21 0 s mer-2"));
        let none = Listing::None("no answer".to_owned());
        let (alive, dead, unknown) = (Life::Alive, Life::Dead, Life::Unknown);
        let cases = [
            ("boot", alive, alive, &there, (Alive, Alive, false)),
            ("boot", alive, unknown, &there, (Alive, Unknown, false)),
            ("boot", unknown, alive, &there, (Alive, Alive, false)),
            ("boot", alive, dead, &ended, (Alive, Dead, true)),
            // A zombie that the server has not reaped.
            ("boot", alive, dead, &there, (Alive, Dead, true)),
            ("boot", alive, alive, &ended, (Dead, Alive, false)),
            ("boot", alive, dead, &closed, (Dead, Dead, true)),
            ("boot", alive, alive, &closed, (Dead, Alive, false)),
            ("boot", alive, alive, &none, (Failed, Alive, false)),
            ("boot", alive, dead, &none, (Failed, Dead, false)),
            ("boot", unknown, unknown, &none, (Failed, Unknown, false)),
            ("boot", dead, dead, &none, (Dead, Dead, true)),
            ("boot", dead, alive, &none, (Dead, Alive, false)),
            ("boot", dead, unknown, &none, (Dead, Unknown, false)),
            ("boot", alive, alive, &other, (Failed, Alive, false)),
            ("later", alive, alive, &there, (Dead, Dead, true)),
        ];
        for (number, (boot, server, process, listing, expected)) in cases.into_iter().enumerate() {
            assert_eq!(found(boot, server, process, listing), expected, "case {number}");
        }
    }
}
