//! What the disk and SQLite can do at best: a loop that writes the rows of check-run deliveries, as they
//! stand in a database that a server has left, with all its triggers; no server, no rules, no reads.
//!
//! A delivery is: its cause, a check run, the check's row, its pull request, the ledger's row, and what
//! the triggers add to the log of changes.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use rusqlite::types::Value;
use rusqlite::{Connection, Statement, params_from_iter};

use super::process::Usage;
use super::table::{Figures, percentile};

/// Every so manieth delivery changes what the log shows. Of 20 about one head, as [`super::bodies`] makes
/// them, the first brings the head, two bring a check, and two move what all checks come to.
const A_CHANGE: u64 = 4;

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    /// A database that a server has left; it is written to
    #[arg(long)]
    pub(super) db: PathBuf,
    #[arg(long)]
    pub(super) deliveries: u64,
    /// Deliveries of a transaction
    #[arg(long)]
    pub(super) batch: u64,
    /// Each delivery within a savepoint of its own
    #[arg(long)]
    pub(super) savepoints: bool,
}

/// Writes, and prints its [`Figures`] as one line of JSON.
pub(super) fn write(args: &Args) -> Result<()> {
    let connection = open(&args.db)?;
    let mut targets = Target::all(&connection)?;

    let run = |sql: &str| connection.prepare(sql);
    let (mut begin, mut commit) = (run("BEGIN IMMEDIATE")?, run("COMMIT")?);
    let (mut savepoint, mut release) = (run("SAVEPOINT piece")?, run("RELEASE piece")?);
    let mut cause = run("UPDATE cause SET cause = ?1, at = ?2 WHERE id = 1")?;
    let first = targets.first().context("no check at a head")?;
    let mut check_run = run(&first.check_run.insert("check_runs"))?;
    let mut check = run(&first.check.upsert("pr_checks", Target::CHECK_KEY))?;
    let mut pull = run(&first.pull.update("pr"))?;
    let mut delivery = run(&first.delivery.insert("deliveries"))?;

    let at_rest = Usage::of("self")?;
    let mut times = Vec::new();
    let (begun, mut number) = (Instant::now(), 0);
    while number < args.deliveries {
        let batch_begun = Instant::now();
        begin.execute(())?;
        let now = format!("{:.3}", nudged::clock::now());
        for _ in 0..args.batch.min(args.deliveries - number) {
            number += 1;
            if args.savepoints {
                savepoint.execute(())?;
            }
            let id = format!("00000000-0000-4000-9000-{number:012}");
            cause.execute((format!("delivery:{id}"), &now))?;
            let at = usize::try_from(number)? % targets.len();
            let target = &mut targets[at];
            target.next(number, id);
            target.check_run.execute(&mut check_run)?;
            target.check.execute(&mut check)?;
            target.pull.execute(&mut pull)?;
            target.delivery.execute(&mut delivery)?;
            if args.savepoints {
                release.execute(())?;
            }
        }
        commit.execute(())?;
        times.push(batch_begun.elapsed());
    }
    let (took, after) = (begun.elapsed(), Usage::of("self")?);
    times.sort_unstable();
    let figures = Figures {
        rate: args.deliveries as f64 / took.as_secs_f64(),
        p50: percentile(&times, 50),
        p99: percentile(&times, 99),
        cpu: (after.cpu - at_rest.cpu).as_secs_f64() * 1e6 / args.deliveries as f64,
        at_rest: at_rest.resident,
        peak: after.peak,
    };
    super::say(&serde_json::to_string(&figures)?);
    Ok(())
}

/// With the settings of the server's own writer.
fn open(db: &std::path::Path) -> Result<Connection> {
    let connection = Connection::open(db)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cache_size", -16 * 1024)?;
    connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
    Ok(connection)
}

/// A check at the head of a pull request, with all rows that a run of it writes.
struct Target {
    check_run: Cells,
    check: Cells,
    pull: Cells,
    delivery: Cells,
    /// Where in the rows stands what differs from delivery to delivery.
    run_id: usize,
    check_run_id: usize,
    guid: usize,
    status: usize,
    statuses: [Value; 2],
}

impl Target {
    const CHECK_KEY: &'static [&'static str] =
        &["pr_id", "commit_hash", "source", "workflow", "name"];
    /// What finds a pull request's row, and what a check can change of it.
    const PULL: &'static [&'static str] = &["id", "ci_state", "memory", "updated_at"];

    /// The check runs at the heads of all pull requests.
    fn all(connection: &Connection) -> Result<Vec<Self>> {
        let checks =
            "SELECT pr_checks.* FROM pr_checks JOIN pr ON pr.id = pr_id AND head_sha = commit_hash
            WHERE source <> 'status' ORDER BY name, pr_id";
        let ledger = "SELECT * FROM deliveries WHERE event = 'check_run' AND outcome = 'applied'";
        let ledger = all(connection, ledger, ())?;
        let mut targets = Vec::new();
        for check in all(connection, checks, ())? {
            let pull = check.get("pr_id")?.clone();
            let run_id = check.get("run_id")?.clone();
            let Value::Integer(run) = run_id else { bail!("a run's id is {run_id:?}") };
            let mut delivery = None;
            for entry in &ledger {
                if matches!(entry.get("observation")?, Value::Text(it) if it.contains(&run.to_string()))
                {
                    delivery = Some(entry.without("id")?);
                }
            }
            let delivery = delivery.context("a run that no delivery brought")?;
            let pulls = format!("SELECT {} FROM pr WHERE id = ?1", Self::PULL.join(", "));
            let pull = one(connection, &pulls, [pull])?;
            let runs = "SELECT * FROM check_runs WHERE run_id = ?1";
            let check_run = one(connection, runs, [run_id])?.context("a check without a run")?;
            targets.push(Self {
                run_id: check.at("run_id")?,
                check_run_id: check_run.at("run_id")?,
                guid: delivery.at("guid")?,
                status: check.at("status")?,
                statuses: [Value::Text("in_progress".into()), check.get("status")?.clone()],
                check_run,
                check,
                pull: pull.context("a check without a pull request")?,
                delivery,
            });
        }
        Ok(targets)
    }

    /// The rows of another run of the check, which the delivery of that id tells of.
    fn next(&mut self, number: u64, id: String) {
        let run_id = Value::Integer(80_000_000_000 + number.cast_signed());
        self.check_run.values[self.check_run_id] = run_id.clone();
        self.check.values[self.run_id] = run_id;
        self.delivery.values[self.guid] = Value::Text(id);
        if number.is_multiple_of(A_CHANGE) {
            self.statuses.swap(0, 1);
        }
        self.check.values[self.status].clone_from(&self.statuses[1]);
    }
}

/// A row with the names of its columns.
#[derive(Clone)]
struct Cells {
    columns: Vec<String>,
    values: Vec<Value>,
}

impl Cells {
    fn at(&self, column: &str) -> Result<usize> {
        let at = self.columns.iter().position(|name| name == column);
        at.with_context(|| format!("there is no column {column}"))
    }

    fn get(&self, column: &str) -> Result<&Value> {
        Ok(&self.values[self.at(column)?])
    }

    fn without(&self, column: &str) -> Result<Self> {
        let (at, mut rest) = (self.at(column)?, self.clone());
        rest.columns.remove(at);
        rest.values.remove(at);
        Ok(rest)
    }

    fn insert(&self, table: &str) -> String {
        let marks: Vec<String> = (1..=self.columns.len()).map(|at| format!("?{at}")).collect();
        format!("INSERT INTO {table} ({}) VALUES ({})", self.columns.join(", "), marks.join(", "))
    }

    /// An insert that overwrites the row of that key.
    fn upsert(&self, table: &str, key: &[&str]) -> String {
        let others = self.columns.iter().filter(|name| !key.contains(&name.as_str()));
        let set: Vec<String> = others.map(|name| format!("{name} = excluded.{name}")).collect();
        format!("{} ON CONFLICT DO UPDATE SET {}", self.insert(table), set.join(", "))
    }

    /// An update by the first column of all others.
    fn update(&self, table: &str) -> String {
        let columns = self.columns.iter().enumerate();
        let named: Vec<String> =
            columns.map(|(at, name)| format!("{name} = ?{}", at + 1)).collect();
        format!("UPDATE {table} SET {} WHERE {}", named[1..].join(", "), named[0])
    }

    fn execute(&self, statement: &mut Statement<'_>) -> Result<()> {
        ensure!(statement.execute(params_from_iter(&self.values))? == 1, "a row was not written");
        Ok(())
    }
}

fn all<P: rusqlite::Params>(connection: &Connection, sql: &str, params: P) -> Result<Vec<Cells>> {
    let mut statement = connection.prepare(sql)?;
    let columns: Vec<String> =
        statement.column_names().into_iter().map(ToOwned::to_owned).collect();
    let rows = statement.query_map(params, |row| {
        let values = (0..columns.len()).map(|at| row.get(at)).collect::<rusqlite::Result<_>>()?;
        Ok(Cells { columns: columns.clone(), values })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn one<P: rusqlite::Params>(
    connection: &Connection,
    sql: &str,
    params: P,
) -> Result<Option<Cells>> {
    Ok(all(connection, sql, params)?.into_iter().next())
}
