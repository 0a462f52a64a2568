//! Where in a job's log a line stands: a step's header, its output, the clean-up.

use super::lines::{Line, Marker};

/// Where a line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A new step begins with this line.
    Begin,
    /// The runner's account of what the step will run.
    Header,
    Output,
    /// The clean-up behind the steps begins.
    Finish,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Output,
    /// Behind `##[group]Run …`: the next line tells whether it is the runner's.
    Opened,
    Header,
}

/// Follows the lines of one log.
pub struct Steps {
    state: State,
    name: Option<String>,
    /// What the group that opened the step says it runs.
    command: String,
    /// The name that `gh` put before the lines.
    told: Option<String>,
}

impl Steps {
    pub fn new() -> Self {
        Self { state: State::Output, name: None, command: String::new(), told: None }
    }

    /// The step that the last line belongs to, as the log names it: `Run cargo test`.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Where `line` stands. A group `Run …` that turns out to be a tool's own is taken for a step
    /// too: it is one in all but name.
    pub fn place(&mut self, line: &Line<'_>) -> Place {
        let changed = match &line.step {
            Some(step) if self.told.as_deref() != Some(step) => {
                self.told = Some(shortened(step));
                true
            }
            _ => false,
        };
        if line.marker == Marker::Group
            && let Some(command) = line.text.strip_prefix("Run ")
        {
            self.state = State::Opened;
            self.name = Some(match &self.told {
                Some(told) if told != "UNKNOWN STEP" => told.clone(),
                _ => shortened(&line.text),
            });
            self.command = shortened(command);
            return Place::Begin;
        }
        match self.state {
            State::Opened if self.begins_header(line) => {
                self.state =
                    if line.marker == Marker::EndGroup { State::Output } else { State::Header };
                return Place::Header;
            }
            State::Header if line.marker == Marker::EndGroup => {
                self.state = State::Output;
                return Place::Header;
            }
            State::Header if line.marker != Marker::Error => return Place::Header,
            State::Opened | State::Header | State::Output => self.state = State::Output,
        }
        if line.text.starts_with("Post job cleanup.") {
            self.name = None;
            return Place::Finish;
        }
        if changed && self.told.as_deref() != Some("UNKNOWN STEP") {
            self.name.clone_from(&self.told);
            return Place::Begin;
        }
        Place::Output
    }

    fn begins_header(&self, line: &Line<'_>) -> bool {
        let text = line.text.trim();
        line.echoed
            || line.marker == Marker::EndGroup
            || text.starts_with("shell: ")
            || matches!(text, "with:" | "env:")
            || (!self.command.is_empty() && text.starts_with(&self.command))
    }
}

fn shortened(name: &str) -> String {
    super::text::one_line(name, 160)
}

#[cfg(test)]
mod tests {
    use super::super::lines::Names;
    use super::*;

    #[test]
    fn headers_are_told_from_output() {
        use Place::{Begin, Finish, Header, Output};
        let log = [
            ("Current runner version: '2.328.0'", Output),
            ("##[group]Run cargo test", Begin),
            ("\u{1b}[36;1mcargo test\u{1b}[0m", Header),
            ("shell: /usr/bin/bash -e {0}", Header),
            ("env:", Header),
            ("  ERROR: x", Header),
            ("##[endgroup]", Header),
            ("running 3 tests", Output),
            ("##[group]Run suite a", Begin),
            ("it fails", Output),
            ("##[endgroup]", Output),
            ("##[group]Run actions/checkout@v4", Begin),
            ("with:", Header),
            ("##[endgroup]", Header),
            ("Post job cleanup.", Finish),
        ];
        let mut steps = Steps::new();
        for (raw, place) in log {
            assert_eq!(
                steps.place(&Line::read(raw.as_bytes(), &mut Names::default())),
                place,
                "{raw}"
            );
        }
    }
}
