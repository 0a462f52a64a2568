//! `nudged doctor`: what is wrong here, and how to mend it. Makes and changes nothing.

mod agents;
mod files;
mod findings;
mod github;
mod numbers;
mod server;
mod settings;
mod signers;
mod standing;

use serde_json::json;
use unicode_width::UnicodeWidthStr;

use super::output::{Outcome, Output, line};
use super::table::{Colour, Screen};
use crate::config::{Flags, inspect};
use crate::store::ServerLock;
use findings::{Finding, Findings, Level};
pub(super) use github::mend_delivery;

/// What `doctor` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Run it with the settings of the server: same folder, same environment. \
    Exit codes: 0 nothing is broken (there may be warnings), 1 something is")]
pub(super) struct Args {
    /// The server [env: NUDGED_URL] [default: the one that the settings describe]
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

pub(super) async fn run(args: Args) -> anyhow::Result<Outcome> {
    let out = Output { json: args.json };
    let screen = Screen::detect();
    let mut findings = Findings::default();
    let inspection = inspect(&args.flags);
    let settings = &inspection.settings;
    settings::look(&mut findings, &inspection);

    let holder = ServerLock::holder(&settings.db);
    let served = matches!(&holder, Ok(Some(_)));
    settings::secrets(&mut findings, settings, served);
    files::token(&mut findings, &inspection, args.token.is_some());
    files::database(&mut findings, &settings.db).await?;
    files::disk(&mut findings, &settings.db);
    files::open_files(&mut findings);
    agents::look(&mut findings, holder.as_ref().ok().and_then(|holder| holder.as_deref())).await;
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
    server::look(&mut findings, &inspection, args.url.as_deref(), token, served).await?;
    github::look(&mut findings, settings).await?;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("a https://long.example", 5), ["a", "https://long.example"]);
        assert!(wrap("", 5).is_empty());
    }
}
