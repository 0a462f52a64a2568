//! The log of this process.

use tracing_subscriber::EnvFilter;

use super::output::{Misuse, stderr_is_terminal};
use crate::config::{LogFormat, Settings};

/// Logs go to stderr, so that stdout stays what was asked for.
pub(super) fn start_logging(settings: &Settings) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&settings.log).map_err(|error| {
        let wants = "wants a level or a filter, as info or nudged=debug";
        Misuse(format!("log filter {:?}: {wants}: {error}", settings.log))
    })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match settings.log_format {
        LogFormat::Text => builder.with_ansi(stderr_is_terminal()).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("cannot start logging: {error}"))
}
