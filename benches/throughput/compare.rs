//! Builds beside a bare server and a bare writer, round after round.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use rusqlite::Connection;

use super::bodies::{Bodies, Plan};
use super::build::Build;
use super::disk::{Syncs, copy, load_average};
use super::load::Load;
use super::process::Server;
use super::table::{Figures, HEADING};
use super::{Options, SECRET, folder, say};

const BARE_SERVER: &str = "bare server";

/// All runs of one line of the table.
struct Line {
    name: String,
    runs: Vec<Figures>,
}

/// The lines in the order in which they were first measured.
#[derive(Default)]
struct Lines(Vec<Line>);

impl Lines {
    fn add(&mut self, name: &str, figures: Figures, remarks: &str) {
        say(&format!("{name:<28}{figures}  {remarks}"));
        match self.0.iter_mut().find(|line| line.name == name) {
            Some(line) => line.runs.push(figures),
            None => self.0.push(Line { name: name.to_owned(), runs: vec![figures] }),
        }
    }
}

pub(super) async fn measure(options: &Options) -> Result<()> {
    let builds = options.builds();
    let temporary = tempfile::tempdir_in(folder())?;
    let cores = std::thread::available_parallelism()?;
    let seed = seed(options, builds.first().context("no build")?, temporary.path()).await?;
    let mut bare = Lines::default();
    let mut served: Vec<Lines> = options.connections.iter().map(|_| Lines::default()).collect();
    for round in 1..=options.rounds {
        let (load, syncs) = (load_average(), Syncs::measure(temporary.path())?);
        say(&format!("round {round} of {}: {cores} cores, load {load}; {syncs}", options.rounds));
        say(&format!("{:28}{HEADING}", ""));
        for &batch in &options.batch {
            for savepoints in [false, true] {
                let with = if savepoints { ", savepoints" } else { "" };
                let name = format!("bare writer, {batch}{with}");
                let (figures, made) = bare_writer(options, &seed, batch, savepoints)?;
                let remarks = format!("{made:.2} changes each; times are of a batch");
                bare.add(&name, figures, &remarks);
            }
        }
        for (&connections, lines) in options.connections.iter().zip(&mut served) {
            let load = Arc::new(options.load(connections)?);
            let remark = |remarks: String| format!("{connections} connections, {remarks}");
            let server = Server::start(Command::new(std::env::current_exe()?).arg("bare-server"))?;
            let measured = load.measure(&server).await?;
            lines.add(BARE_SERVER, measured.figures, &remark(measured.remarks));
            drop(server);
            for build in &builds {
                let home = tempfile::tempdir_in(temporary.path())?;
                let db = home.path().join("nudged.db");
                let (server, _) = build.serve(&db).await?;
                load.prepare(&server).await?;
                let before = changes(&db)?;
                let measured = load.measure(&server).await?;
                server.stop().await?;
                let made = (changes(&db)? - before) / measured.acknowledged as f64;
                let remarks = format!("{}, {made:.2} changes each", measured.remarks);
                lines.add(&build.name, measured.figures, &remark(remarks));
            }
        }
    }
    for (connections, lines) in options.connections.iter().zip(&served) {
        say("");
        summary(options, *connections, &bare, lines);
    }
    Ok(())
}

/// The medians, and how they compare with the bare ones.
fn summary(options: &Options, connections: u64, bare: &Lines, served: &Lines) {
    say(&format!(
        "{connections} connections, {} pull requests, {} contexts at each head, medians of {}",
        options.pulls(),
        options.checks_at_head,
        options.rounds,
    ));
    let median = |line: &Line| Figures::median(&line.runs);
    let server = served.0.iter().find(|line| line.name == BARE_SERVER).map(median);
    let writer = bare.0.first().map(median);
    let header = bare.0.first().map(|line| line.name.as_str()).unwrap_or_default();
    say(&format!("{:28}{HEADING}  of bare server  of {header}", ""));
    for line in served.0.iter().take(1).chain(&bare.0).chain(served.0.iter().skip(1)) {
        let figures = median(line);
        let ratio = |to: Option<Figures>| to.map_or(0.0, |to| figures.rate / to.rate);
        say(&format!(
            "{:<28}{figures}  {:>14.2}  {:>width$.2}",
            line.name,
            ratio(server),
            ratio(writer),
            width = header.len() + 3,
        ));
    }
}

/// A database as a server leaves it once each pull request was seen and each of its checks has run.
async fn seed(options: &Options, build: &Build, folder: &Path) -> Result<PathBuf> {
    let plan = Plan { checks_at_head: 0, ..options.plan() };
    let load = Arc::new(Load {
        bodies: Bodies::new(SECRET, plan)?,
        connections: 64,
        deliveries: 3 * plan.pulls,
        longest: options.longest(),
    });
    let db = folder.join("seed.db");
    let (server, _) = build.serve(&db).await?;
    load.measure(&server).await?;
    server.stop().await?;
    Ok(db)
}

/// Runs the bare writer, alone, on a copy of the seed. Beside its figures: changes a delivery.
fn bare_writer(
    options: &Options,
    seed: &Path,
    batch: u64,
    savepoints: bool,
) -> Result<(Figures, f64)> {
    let home = tempfile::tempdir_in(folder())?;
    let db = home.path().join("bare.db");
    copy(seed, &db)?;
    let before = changes(&db)?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("bare-writer").arg("--db").arg(&db);
    command.args(["--batch", &batch.to_string()]);
    command.args(["--deliveries", &options.deliveries.to_string()]);
    command.args(savepoints.then_some("--savepoints"));
    let out = command.output()?;
    let said = String::from_utf8_lossy(&out.stderr);
    ensure!(out.status.success(), "the bare writer failed: {said}");
    let figures = serde_json::from_slice(&out.stdout).context("the bare writer's figures")?;
    Ok((figures, (changes(&db)? - before) / options.deliveries as f64))
}

/// How many changes the log has been given so far.
fn changes(db: &Path) -> Result<f64> {
    let sql = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'change_log'";
    let seq: i64 = Connection::open(db)?.query_row(sql, (), |row| row.get(0))?;
    Ok(seq as f64)
}

impl Options {
    pub(super) fn plan(&self) -> Plan {
        Plan {
            pulls: self.pulls(),
            a_head: self.a_head,
            checks_at_head: self.checks_at_head,
            scattered_ids: self.scattered_ids,
        }
    }

    pub(super) fn load(&self, connections: u64) -> Result<Load> {
        Ok(Load {
            bodies: Bodies::new(SECRET, self.plan())?,
            connections,
            deliveries: self.deliveries,
            longest: self.longest(),
        })
    }
}
