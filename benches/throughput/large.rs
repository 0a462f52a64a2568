//! An empty database beside a large one: start, deliveries, and what people ask.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hyper::{Request, StatusCode};
use rusqlite::Connection;

use super::bodies::Delivery;
use super::build::Build;
use super::disk::{Syncs, copy, forget, load_average};
use super::load::{Load, Measured};
use super::process::{Client, Server};
use super::table::{HEADING, median};
use super::{Options, fill, folder, rows, say};

/// Each question is asked so often.
const ASKED: usize = 9;
/// Or until this time is over, if that has made so many.
const SLOW: Duration = Duration::from_secs(2);
const ASKED_SLOW: usize = 2;

/// No single delivery is waited for longer: GitHub has given up long before.
const PATIENCE: Duration = Duration::from_secs(30);

/// How large.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    pub(super) changes: u64,
    pub(super) pulls: u64,
}

impl FromStr for Size {
    type Err = String;

    /// `CHANGES,PULLS`
    fn from_str(text: &str) -> Result<Self, String> {
        let (changes, pulls) = text.split_once(',').ok_or("CHANGES,PULLS are wanted")?;
        let number = |text: &str| text.parse::<u64>().map_err(|error| format!("{text}: {error}"));
        let size = Self { changes: number(changes)?, pulls: number(pulls)? };
        let least = rows::LEAST_CHANGES;
        if size.pulls == 0 || size.changes < size.pulls * least {
            return Err(format!("a pull request makes {least} changes at least"));
        }
        Ok(size)
    }
}

/// A build, with all that was measured of it.
struct Subject {
    build: Build,
    large: PathBuf,
    /// So often it was served.
    starts: u64,
    /// What is measured with its unit, and the value of each round.
    values: Vec<(String, Vec<f64>)>,
}

pub(super) async fn measure(options: &Options, size: Size) -> Result<()> {
    let mut subjects = Vec::new();
    for build in options.builds() {
        let large = large(&build, size).await?;
        subjects.push(Subject { build, large, starts: 0, values: Vec::new() });
    }
    let connections = *options.connections.first().context("no connections")?;
    for round in 1..=options.rounds {
        let syncs = Syncs::measure(&folder())?;
        say(&format!("round {round} of {}: load {}; {syncs}", options.rounds, load_average()));
        for subject in &mut subjects {
            subject.round(&Arc::new(options.load(connections)?)).await?;
        }
    }
    say(&format!(
        "\n{} changes and {} pull requests beside none, {connections} connections, medians of {}",
        size.changes, size.pulls, options.rounds
    ));
    let names: String =
        subjects.iter().map(|subject| format!("{:>14}", subject.build.name)).collect();
    say(&format!("{:60}{names}", ""));
    let first = subjects.first().context("no build")?;
    for (what, _) in &first.values {
        let cells: String = subjects.iter().map(|subject| subject.cell(what)).collect();
        say(&format!("{what:<60}{cells}"));
    }
    Ok(())
}

impl Subject {
    /// The empty one, then the large one.
    async fn round(&mut self, load: &Arc<Load>) -> Result<()> {
        let home = tempfile::tempdir_in(folder())?;
        let db = home.path().join("empty.db");
        let server = self.start("empty", load, &db).await?;
        let empty = self.load("empty", load, &server).await?;
        server.stop().await?;

        let db = home.path().join("large.db");
        copy(&self.large, &db)?;
        let server = self.start("large", load, &db).await?;
        let large = self.load("large", load, &server).await?;
        self.add("kept of deliveries/s, %", large.figures.rate / empty.figures.rate * 100.0);
        self.add("kept while pull requests open, %", large.opening / empty.opening * 100.0);
        self.add("kept later, %", large.later / empty.later * 100.0);
        for question in QUESTIONS {
            self.ask(&server, question).await?;
        }
        // Killed, it leaves its log of writes for the next start.
        drop(server);
        self.start("large, after a kill", load, &db).await?.stop().await?;
        forget(&db)?;
        let server = self.start("large, nothing of it in memory", load, &db).await?;
        let took = deliver(load, &server, load.bodies.base_push(1)).await?;
        if took.is_none() {
            say(&format!("{}: no answer to a push within {PATIENCE:?}", self.build.name));
        }
        self.add(
            "large: a push to everybody's base branch, ms",
            took.map_or(f64::INFINITY, in_millis),
        );
        // It is killed if it is still at it.
        Ok(())
    }

    /// Serves until the first delivery is acknowledged, which waits for whatever a start makes the writer do.
    async fn start(&mut self, what: &str, load: &Load, db: &Path) -> Result<Server> {
        let (server, ready) = self.build.serve(db).await?;
        self.starts += 1;
        let first = deliver(load, &server, load.bodies.stray(self.starts)).await?;
        let first = first.map_or(f64::INFINITY, |first| in_millis(ready + first));
        self.add(&format!("{what}: start to ready, ms"), in_millis(ready));
        self.add(&format!("{what}: start to first delivery, ms"), first);
        Ok(server)
    }

    async fn load(&mut self, size: &str, load: &Arc<Load>, server: &Server) -> Result<Measured> {
        load.prepare(server).await?;
        let measured = load.measure(server).await?;
        let name = format!("{}, {size}", self.build.name);
        say(&format!("{name:<28}{HEADING}"));
        say(&format!("{:<28}{}  {}", "", measured.figures, measured.remarks));
        self.add(&format!("{size}: deliveries/s"), measured.figures.rate);
        self.add(&format!("{size}: deliveries/s while pull requests open"), measured.opening);
        self.add(&format!("{size}: deliveries/s later"), measured.later);
        Ok(measured)
    }

    /// Asks until the time of an answer is known, and says what it was.
    async fn ask(&mut self, server: &Server, question: &str) -> Result<()> {
        let path =
            question.replace("{branch}", &fill::failing_branch()).replace("{repo}", fill::REPO);
        let mut client = Client::open(server.addr).await?;
        let (mut times, begun) = (Vec::new(), Instant::now());
        while times.len() < ASKED && (times.len() < ASKED_SLOW || begun.elapsed() < SLOW) {
            let asked = Instant::now();
            let (status, answer) = client.get(&path).await?;
            times.push(in_millis(asked.elapsed()));
            if status != StatusCode::OK {
                say(&format!("{}: GET {path}: {status}", self.build.name));
                self.add(&format!("large: GET {path}, ms"), f64::NAN);
                return Ok(());
            }
            if times.len() == 1 {
                let answer: serde_json::Value = serde_json::from_slice(&answer)?;
                let items = answer["items"].as_array().or(answer["changes"].as_array());
                let more = if answer["next"].is_null() { "" } else { ", and a next page" };
                let count = items.context("no list")?.len();
                say(&format!("{}: GET {path}: {count} items{more}", self.build.name));
            }
        }
        self.add(&format!("large: GET {path}, ms"), median(times));
        Ok(())
    }

    fn add(&mut self, what: &str, value: f64) {
        match self.values.iter_mut().find(|(known, _)| known == what) {
            Some((_, values)) => values.push(value),
            None => self.values.push((what.to_owned(), vec![value])),
        }
    }

    fn cell(&self, what: &str) -> String {
        let found = self.values.iter().find(|(known, _)| known == what);
        let value = found.map_or(f64::NAN, |(_, values)| median(values.clone()));
        let digits = if value < 100.0 { 2 } else { 0 };
        match value {
            _ if value.is_nan() => format!("{:>14}", "-"),
            _ if value.is_infinite() => format!("{:>14}", "no answer"),
            _ => format!("{value:>14.digits$}"),
        }
    }
}

fn in_millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// What people and agents ask; `{branch}` is the branch of a pull request whose checks fail.
const QUESTIONS: &[&str] = &[
    "/v1/sessions?status=working",
    "/v1/sessions?status=ci_failed",
    "/v1/sessions?status=stuck",
    "/v1/sessions?status=done",
    "/v1/nudges?branch={branch}&repo={repo}",
    "/v1/nudges?branch={branch}",
    "/v1/pulls?state=open",
    "/v1/changes?after=head",
];

/// How long the answer to a single delivery takes, if there is one.
async fn deliver(load: &Load, server: &Server, delivery: Delivery) -> Result<Option<Duration>> {
    let Delivery { event, id, body } = delivery;
    let request = Request::post("/webhooks/github")
        .header("content-type", "application/json")
        .header("x-github-event", event)
        .header("x-github-delivery", id)
        .header("x-hub-signature-256", load.bodies.sign(&body));
    let mut client = Client::open(server.addr).await?;
    let asked = Instant::now();
    let answer = tokio::time::timeout(PATIENCE, client.send(request, body)).await;
    let Ok(answer) = answer else { return Ok(None) };
    let (status, answer) = answer?;
    ensure!(status.is_success(), "a delivery is answered {status}: {answer:?}");
    Ok(Some(asked.elapsed()))
}

/// The large database with the schema of that build, made where it is not kept yet.
async fn large(build: &Build, size: Size) -> Result<PathBuf> {
    let home = tempfile::tempdir_in(folder())?;
    let empty = home.path().join("empty.db");
    build.serve(&empty).await?.0.stop().await?;
    let wanted = schema(&empty)?;
    let hash = |texts: &[&str]| {
        let mut hasher = DefaultHasher::new();
        texts.hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    };
    let stem = format!("preload-{}-{}-", size.changes, size.pulls);
    let maker = format!("{stem}{}", hash(&[fill::SOURCE, rows::SOURCE]));
    let kept = |schema: &str| folder().join(format!("{maker}-{}.db", hash(&[schema])));
    let db = kept(&wanted);
    if db.exists() {
        return Ok(db);
    }
    // Made under another name first: what has the name is whole.
    let making = home.path().join("making.db");
    let begun = Instant::now();
    let first = home.path().join("first.db");
    fill::schema(&first)?;
    let base = kept(&schema(&first)?);
    if !base.exists() {
        clear(&stem, &maker)?;
        say(&format!("making {} changes and {} pull requests …", size.changes, size.pulls));
        fill::fill(&making, size)?;
        std::fs::File::open(&making)?.sync_all()?;
        std::fs::rename(&making, &base)?;
        let bytes = std::fs::metadata(&base)?.len() as f64 / f64::from(1 << 30);
        say(&format!("made in {:.0?}, {bytes:.1} GiB: {}", begun.elapsed(), base.display()));
    }
    if db != base {
        copy(&base, &making)?;
        let (server, took) = build.serve(&making).await?;
        server.stop().await?;
        say(&format!("{} brought it to its schema in {took:.1?}", build.name));
        if schema(&making)? != wanted {
            bail!("{} leaves an old database with another schema than a new one", build.name);
        }
        std::fs::rename(&making, &db)?;
    }
    match build.complaint(&db)? {
        None => say(&format!("{}'s doctor finds it whole", build.name)),
        Some(complaint) => {
            std::fs::remove_file(&db)?;
            bail!("{}'s doctor: {complaint}", build.name);
        }
    }
    Ok(db)
}

/// Removes databases of this size that another text of the program has made.
fn clear(stem: &str, maker: &str) -> Result<()> {
    for entry in std::fs::read_dir(folder())? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(stem) && !name.starts_with(maker) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// All statements that make the schema.
fn schema(db: &Path) -> Result<String> {
    let connection = Connection::open(db)?;
    let sql = "SELECT coalesce(group_concat(sql, ';'), '') FROM (SELECT sql FROM sqlite_schema
        WHERE sql IS NOT NULL ORDER BY type, name)";
    Ok(connection.query_row(sql, (), |row| row.get(0))?)
}
