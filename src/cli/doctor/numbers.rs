//! What the server's metrics say.

/// A whole number that metrics show.
pub(super) fn number(metrics: &str, name: &str, label: &str, value: &str) -> Option<u64> {
    let series = format!("{name}{{{label}=\"{value}\"}} ");
    metrics.lines().find_map(|line| line.strip_prefix(&series)?.trim().parse().ok())
}
