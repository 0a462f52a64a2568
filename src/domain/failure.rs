//! Why an attempt at something outside failed.

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// For people: free of addresses and secrets.
    pub error: String,
    /// The seconds that the other side asked to be left alone.
    pub retry_after: Option<u32>,
    /// The other side wants it never again.
    pub for_good: bool,
    /// A number below 1,000, drawn at random, that spreads attempts in time.
    pub jitter: u16,
}
