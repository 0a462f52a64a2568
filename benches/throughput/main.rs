//! Acknowledged deliveries a second, beside what this machine can do at best: a bare hyper server that
//! only reads the body and checks the signature, and a bare loop that only writes the rows. All are
//! child processes, servers on loopback, in one run.
//!
//! `cargo bench --bench throughput -- --help`

mod bodies;
mod build;
mod compare;
mod disk;
mod fill;
mod large;
mod load;
mod process;
mod rows;
mod server;
mod table;
mod writer;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Parser;

use build::Build;
use large::Size;

const SECRET: &str = "throughput";
const TOKEN: &str = "throughput-token";

/// Acknowledged deliveries a second, beside a bare server and a bare writer.
#[derive(Debug, Clone, Parser)]
#[command(name = "throughput")]
struct Options {
    /// How many connections send at once; several numbers are measured one after another
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "64",
        value_parser = clap::value_parser!(u64).range(1..=1_000))]
    connections: Vec<u64>,
    /// Deliveries of a run
    #[arg(long, value_name = "N", default_value_t = 30_000,
        value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    deliveries: u64,
    /// Pull requests that they are about [default: 400; 8 with --checks-at-head]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=bodies::MOST_PULLS))]
    pulls: Option<u64>,
    /// Deliveries about one head of a pull request before it gets a new one
    #[arg(long, value_name = "N", default_value_t = 20,
        value_parser = clap::value_parser!(u64).range(1..))]
    a_head: u64,
    /// Status contexts that are there at each head before the run begins; heads stay then
    #[arg(long, value_name = "N", default_value_t = 0,
        value_parser = clap::value_parser!(u64).range(..=10_000))]
    checks_at_head: u64,
    /// Ids of deliveries as scattered as GitHub's, instead of rising ones
    #[arg(long)]
    scattered_ids: bool,
    /// Another build's binary, measured in turn with ours; may be repeated
    #[arg(long = "server", value_name = "[NAME=]PATH")]
    servers: Vec<Build>,
    /// Measure the builds of --server alone, not ours
    #[arg(long, requires = "servers")]
    instead: bool,
    /// How often all of it is measured; the table has the medians
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=100))]
    rounds: u64,
    /// The longest a run may take
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Deliveries that the bare writer commits at once; several numbers are measured one after another
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "32",
        value_parser = clap::value_parser!(u64).range(1..=1_000))]
    batch: Vec<u64>,
    /// Compare an empty database with one of so many changes and pull requests of one repository,
    /// which is made once and kept below the target folder
    #[arg(long, value_name = "CHANGES,PULLS", num_args = 0..=1,
        default_missing_value = "10000000,200000")]
    preload: Option<Size>,
    /// `cargo bench` says so to every bench
    #[arg(long, hide = true)]
    bench: bool,
    #[command(subcommand)]
    role: Option<Role>,
}

/// What a child process of this one does.
#[derive(Debug, Clone, clap::Subcommand)]
#[command(hide = true)]
enum Role {
    /// Reads bodies and checks signatures
    BareServer,
    /// Writes the rows of check-run deliveries
    BareWriter(writer::Args),
}

impl Options {
    fn pulls(&self) -> u64 {
        self.pulls.unwrap_or(if self.checks_at_head == 0 { 400 } else { 8 })
    }

    /// The longest a run may take.
    fn longest(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    /// The builds that are measured; the bare writer writes what the first of them writes.
    fn builds(&self) -> Vec<Build> {
        let ours = Build { name: "ours".into(), program: env!("CARGO_BIN_EXE_nudged").into() };
        let own = (!self.instead).then_some(ours);
        own.into_iter().chain(self.servers.iter().cloned()).collect()
    }
}

fn main() -> Result<()> {
    let options = Options::parse();
    let runtime = tokio::runtime::Runtime::new()?;
    match &options.role {
        Some(Role::BareServer) => runtime.block_on(server::serve(SECRET)),
        Some(Role::BareWriter(args)) => writer::write(args),
        None => {
            let mut names: Vec<String> =
                options.builds().into_iter().map(|build| build.name).collect();
            names.sort();
            names.dedup();
            ensure!(names.len() == options.builds().len(), "two builds bear one name: {names:?}");
            runtime.block_on(async {
                match options.preload {
                    Some(size) => large::measure(&options, size).await,
                    None => compare::measure(&options).await,
                }
            })
        }
    }
}

/// Where databases are made: on the disk that the build is on.
fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
}

#[allow(clippy::print_stdout, reason = "a benchmark's result is its output")]
fn say(line: &str) {
    println!("{line}");
}
