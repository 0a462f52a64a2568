//! The log of this process. Where it is JSON, all of stderr is: also why a command failed, and panics.

use std::io::stderr;
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicBool, Ordering};

use tracing_subscriber::EnvFilter;

use super::output::{Misuse, complain, stderr_is_terminal};
use crate::config::{LogFormat, Settings};

/// Whether the log has begun, as JSON.
static JSON: AtomicBool = AtomicBool::new(false);

/// Logs go to stderr, so that stdout stays what was asked for.
pub(super) fn start_logging(settings: &Settings) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&settings.log).map_err(|error| {
        let wants = "wants a level or a filter, as info or nudged=debug";
        Misuse(format!("log filter {:?}: {wants}: {error}", settings.log))
    });
    // Why it cannot be used is told in the form that is set.
    let (filter, wrong) = match filter {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new("info"), Some(error)),
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    let started = match settings.log_format {
        LogFormat::Text => builder.with_ansi(stderr_is_terminal()).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("cannot start logging: {error}"))?;
    JSON.store(settings.log_format == LogFormat::Json, Ordering::Relaxed);
    std::panic::set_hook(Box::new(log_panic));
    wrong.map_or(Ok(()), |wrong| Err(wrong.into()))
}

/// Tells why the command failed.
pub(super) fn tell_failure(reason: &str) {
    if JSON.load(Ordering::Relaxed) && tracing::enabled!(tracing::Level::ERROR) {
        tracing::error!(error = reason, "failed");
    } else {
        complain(&format!("error: {reason}"));
    }
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let payload = panic.payload();
    let text = payload.downcast_ref::<&str>().copied();
    let reason = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let place = panic.location().map(|at| format!("{}:{}", source(at.file()), at.line()));
    let thread = std::thread::current();
    tracing::error!(reason, place, thread = thread.name(), "a thread panicked");
}

/// A source file's name without the folders of whoever built the program: `src/app.rs` of ours,
/// `hyper-1.12.0/src/lib.rs` of another crate, `library/core/src/option.rs` of Rust's own.
fn source(file: &str) -> &str {
    for root in ["/registry/src/", "/git/checkouts/", "/rustc/"] {
        if let Some((_, inside)) = file.split_once(root) {
            return inside.split_once('/').map_or(inside, |(_, path)| path);
        }
    }
    match file.rfind("/src/") {
        Some(at) if file.starts_with('/') => &file[at + 1..],
        _ => file,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_named_without_the_builder_s_folders() {
        for (file, shown) in [
            ("src/app.rs", "src/app.rs"),
            ("/home/me/nudged/src/engine/writer.rs", "src/engine/writer.rs"),
            (
                "/home/me/.cargo/registry/src/index-0f/hyper-1.12.0/src/lib.rs",
                "hyper-1.12.0/src/lib.rs",
            ),
            ("/rustc/4d91de4e48/library/core/src/option.rs", "library/core/src/option.rs"),
        ] {
            assert_eq!(source(file), shown);
        }
    }
}
