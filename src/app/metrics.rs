//! What `/metrics` shows: the recorder, what each metric means, and the histograms' buckets.

use std::sync::LazyLock;
use std::time::Duration;

use metrics::{describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::sync::watch;

/// The recorder keeps each value that a histogram was given until it is put into its bucket: on
/// every scrape, and so often where nobody scrapes.
const UPKEEP: Duration = Duration::from_secs(5);

const COMMIT_SECONDS: &str = "nudged_commit_seconds";
const PROBE_SECONDS: &str = "nudged_probe_seconds";
const BATCH_SIZE: &str = "nudged_commit_batch_size";

/// Upper bounds. A commit takes some 0.1 ms in memory, 1 to 20 ms on a disk, more on a busy one.
const SECONDS: &[f64] =
    &[0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// At most 256 pieces of work go into one commit.
const SIZES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// One recorder a process, since the metrics of all its parts come together in one place.
pub(super) static METRICS: LazyLock<PrometheusHandle> = LazyLock::new(|| {
    let builder = [(COMMIT_SECONDS, SECONDS), (PROBE_SECONDS, SECONDS), (BATCH_SIZE, SIZES)]
        .into_iter()
        .try_fold(PrometheusBuilder::new(), |builder, (name, bounds)| {
            builder.set_buckets_for_metric(Matcher::Full(name.to_owned()), bounds)
        });
    let recorder = builder.unwrap_or_default().build_recorder();
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_err() {
        tracing::warn!("another recorder has the metrics: /metrics stays empty");
    }
    describe();
    handle
});

/// Puts values into their buckets until the server ends.
pub(super) async fn keep_up(handle: PrometheusHandle, mut shutdown: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(UPKEEP) => handle.run_upkeep(),
            _ = shutdown.wait_for(|down| *down) => return,
        }
    }
}

fn describe() {
    describe_counter!(
        "nudged_deliveries_total",
        "Webhooks that were taken, by event and what became of them."
    );
    describe_counter!("nudged_webhooks_refused_total", "Webhooks that were refused, by reason.");
    describe_gauge!(
        "nudged_webhooks_refused_last_hour",
        "Webhooks without a signature of ours that came within the last hour."
    );
    describe_counter!(
        "nudged_webhooks_signed_total",
        "Webhooks by the secret that signed them, by its place in the settings."
    );
    describe_gauge!(
        "nudged_webhooks_signed_last_hour",
        "Webhooks of the last hour by the secret that signed them."
    );
    describe_counter!("nudged_nudges_total", "Nudges by kind and the state they came into.");
    describe_counter!(
        "nudged_notifications_total",
        "Attempts to send a nudge to the human, by outcome."
    );
    describe_counter!("nudged_commit_failures_total", "Commits that failed; nothing was stored.");
    describe_histogram!(COMMIT_SECONDS, "Seconds that a commit of waiting work took.");
    describe_histogram!(BATCH_SIZE, "Pieces of work that one commit held.");
    describe_gauge!("nudged_engine_queue_length", "Pieces of work that wait for the writer.");
    describe_gauge!("nudged_engine_queue_capacity", "Pieces of work that may wait; then 503.");
    describe_gauge!("nudged_change_log_head", "The newest seq of the change log.");
    describe_gauge!("nudged_feed_readers", "Readers of the event stream.");
    describe_gauge!("nudged_feed_lag_changes", "Changes that the slowest reader is behind.");
    describe_counter!(
        "nudged_feed_readers_refused_total",
        "Readers of the event stream that found no place."
    );
    describe_counter!(
        "nudged_feed_readers_cut_off_total",
        "Readers of the event stream that were too slow."
    );
    describe_histogram!(PROBE_SECONDS, "Seconds that one look at all agents took.");
    describe_gauge!("nudged_agents", "Agents that run here.");
    describe_counter!(
        "nudged_github_requests_total",
        "Requests to GitHub, by kind and status; 304 is free, `none` was not answered."
    );
    describe_counter!("nudged_github_graphql_points_total", "What queries to GitHub cost.");
    describe_gauge!(
        "nudged_github_quota_left",
        "What GitHub lets an installation ask until the hour is over."
    );
    describe_gauge!(
        "nudged_github_waited_seconds_total",
        "Seconds that requests to GitHub waited for their turn, by priority."
    );
    describe_counter!(
        "nudged_github_held_back_total",
        "Requests to GitHub that were not sent, because of a limit or since nobody answers."
    );
    describe_gauge!(
        "nudged_github_troubles",
        "What does not go well at GitHub, by reason; /v1/github names it."
    );
    describe_gauge!(
        "nudged_github_clock_skew_seconds",
        "By how much GitHub's clock is ahead of ours."
    );
    describe_gauge!("nudged_outbox_pending", "Nudges to the human that wait to be sent.");
    describe_gauge!("nudged_timers_due", "Timers that are due and have not fired yet.");
}
