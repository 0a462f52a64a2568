//! `nudged doctor`: what is wrong here, and how to mend it. Makes and changes nothing.

mod files;
mod server;
mod settings;

use serde_json::json;
use unicode_width::UnicodeWidthStr;

use super::output::line;
use super::table::{Colour, Screen};
use super::{Outcome, Output};
use crate::config::{Flags, inspect};
use crate::store::ServerLock;

/// What `doctor` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Run it with the settings of the server: same folder, same environment. \
    Exit codes: 0 nothing is broken (there may be warnings), 1 something is")]
pub(super) struct Args {
    /// The server [default: the one that the settings describe, http://127.0.0.1:8787]
    #[arg(long)]
    url: Option<String>,
    /// API token [env: NUDGED_API_TOKEN] [default: the one kept beside the database]
    #[arg(long)]
    token: Option<String>,
    /// Print one JSON object a check
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    flags: Flags,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Fine,
    Doubtful,
    Broken,
}

/// One thing that was looked at.
#[derive(Debug, Clone)]
struct Finding {
    level: Level,
    check: &'static str,
    message: String,
    /// What to do; empty where nothing is to be done.
    mend: String,
}

/// All that was looked at.
#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn fine(&mut self, check: &'static str, message: impl Into<String>) {
        self.add(Level::Fine, check, message, "");
    }

    fn doubtful(
        &mut self,
        check: &'static str,
        message: impl Into<String>,
        mend: impl Into<String>,
    ) {
        self.add(Level::Doubtful, check, message, mend);
    }

    fn broken(&mut self, check: &'static str, message: impl Into<String>, mend: impl Into<String>) {
        self.add(Level::Broken, check, message, mend);
    }

    fn add(
        &mut self,
        level: Level,
        check: &'static str,
        message: impl Into<String>,
        mend: impl Into<String>,
    ) {
        self.0.push(Finding { level, check, message: message.into(), mend: mend.into() });
    }

    fn count(&self, level: Level) -> usize {
        self.0.iter().filter(|finding| finding.level == level).count()
    }
}

pub(super) async fn run(args: Args) -> anyhow::Result<Outcome> {
    let out = Output { json: args.json };
    let screen = Screen::detect();
    let mut findings = Findings::default();
    let (settings, inspected, problems) = inspect(&args.flags);
    settings::look(&mut findings, &settings, &inspected, &problems);

    let holder = ServerLock::holder(&settings.db);
    let served = matches!(&holder, Ok(Some(_)));
    settings::secrets(&mut findings, &settings, served);
    files::token(&mut findings, &settings, args.token.is_some());
    files::database(&mut findings, &settings.db).await?;
    files::disk(&mut findings, &settings.db);
    files::open_files(&mut findings);
    match holder {
        Ok(Some(holder)) => findings.fine("lock", format!("the database is served by {holder}")),
        Ok(None) => findings.fine("lock", "nobody serves the database"),
        Err(error) => findings.broken(
            "lock",
            format!("the lock file beside the database cannot be read: {error}"),
            "run doctor as the user that serves",
        ),
    }
    let token = args.token.as_deref();
    server::look(&mut findings, &settings, args.url.as_deref(), token, served).await?;

    for finding in &findings.0 {
        out.object(&json!({
            "check": finding.check,
            "level": match finding.level {
                Level::Fine => "ok",
                Level::Doubtful => "warning",
                Level::Broken => "broken",
            },
            "message": finding.message,
            "mend": finding.mend,
        }))?;
        show(out, screen, finding)?;
    }
    let (broken, doubtful) = (findings.count(Level::Broken), findings.count(Level::Doubtful));
    out.text("")?;
    out.text(match (broken, doubtful) {
        (0, 0) => "all is well".to_owned(),
        (0, _) => format!("nothing is broken; warnings: {doubtful}"),
        (_, _) => format!("broken: {broken}; warnings: {doubtful}"),
    })?;
    Ok(if broken == 0 { Outcome::Done } else { Outcome::Failed })
}

fn show(out: Output, screen: Screen, finding: &Finding) -> std::io::Result<()> {
    const INDENT: usize = 14;
    let (mark, colour) = match finding.level {
        Level::Fine => ("✓", Colour::Good),
        Level::Doubtful => ("!", Colour::Busy),
        Level::Broken => ("✗", Colour::Bad),
    };
    let room = screen.width.map_or(usize::MAX, |width| width.saturating_sub(INDENT).max(20));
    let mut head = format!("{} {:<11} ", screen.paint(mark, colour), finding.check);
    for text in wrap(&line(&finding.message), room) {
        out.text(format_args!("{head}{text}"))?;
        head = " ".repeat(INDENT);
    }
    let mut arrow = "→ ";
    for text in wrap(&line(&finding.mend), room.saturating_sub(2)) {
        out.text(format_args!("{head}{arrow}{text}"))?;
        arrow = "  ";
    }
    Ok(())
}

/// Lines of at most that width, broken between words. A longer word stays whole, to be copied.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// `512 B`, `3.4 MiB`.
pub(super) fn bytes(count: u64) -> String {
    let mut size = count as f64;
    let mut units = ["B", "KiB", "MiB", "GiB", "TiB"].into_iter().peekable();
    let mut unit = units.next().unwrap_or_default();
    while size >= 1024.0 && units.peek().is_some() {
        size /= 1024.0;
        unit = units.next().unwrap_or_default();
    }
    if unit == "B" { format!("{count} B") } else { format!("{size:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_lines_are_for_people() {
        let shown = [0, 1_023, 1_536, 5 << 30].map(bytes);
        assert_eq!(shown, ["0 B", "1023 B", "1.5 KiB", "5.0 GiB"]);
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("a https://long.example", 5), ["a", "https://long.example"]);
        assert!(wrap("", 5).is_empty());
    }
}
