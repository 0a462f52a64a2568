//! `nudged excerpt`: what a nudge would carry of a CI log.

use std::fs::File;
use std::io::{Read, stdin};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::json;

use super::output::{Outcome, Output};
use crate::excerpt::{LogReader, Verdict};

/// Bytes that are read at once.
const CHUNK: usize = 64 * 1024;

/// What `excerpt` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A CI job's log, or - for standard input
    file: PathBuf,
    /// Print excerpt, class, evidence and whether something had no room as one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let verdict = if args.file == Path::new("-") {
        read(stdin().lock())
    } else {
        File::open(&args.file).and_then(read)
    };
    let Verdict { excerpt, class, evidence, truncated, .. } =
        verdict.with_context(|| format!("cannot read {}", args.file.display()))?;
    let out = Output { json: args.json };
    out.text(format_args!("{excerpt}\n\n{}: {evidence}", class.as_str()))?;
    out.object(&json!({
        "excerpt": excerpt,
        "class": class.as_str(),
        "evidence": evidence,
        "truncated": truncated,
    }))?;
    Ok(Outcome::Done)
}

/// Reads a log of any size once; at most 64 KiB of it are held.
fn read(mut log: impl Read) -> std::io::Result<Verdict> {
    let (mut reader, mut chunk) = (LogReader::new(), vec![0; CHUNK]);
    loop {
        match log.read(&mut chunk) {
            Ok(0) => return Ok(reader.finish()),
            Ok(count) => reader.push(&chunk[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
