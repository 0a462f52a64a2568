//! `nudged deliveries recover`: what never arrived is fetched from GitHub now.

use serde_json::Value;

use super::output::{Outcome, Output};
use super::target::Target;
use crate::api::Recovery;

/// What `deliveries recover` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print what came of it as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

pub(super) async fn run(args: Args) -> anyhow::Result<Outcome> {
    let client = args.target.client()?;
    let answer: Value = client.post("/v1/deliveries/recover").await?;
    let out = Output { json: args.json };
    out.object(&answer)?;
    let Recovery { looked_at, recovered, failed } = serde_json::from_value(answer)?;
    out.text(format_args!(
        "{looked_at} attempts looked at, {recovered} missed deliveries processed, {failed} lost"
    ))?;
    Ok(if failed == 0 { Outcome::Done } else { Outcome::Failed })
}
