//! What the server allows.

use std::time::Duration;

/// What the server allows.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Open connections; further ones wait in the system's backlog.
    pub connections: usize,
    /// Readers of the event stream; further ones are refused, so that there are always connections
    /// left for webhooks.
    pub live_readers: usize,
    /// How long an event stream is silent before it says that it lives.
    pub heartbeat: Duration,
    /// How long a reader of the event stream may take nothing of what waits for it. A connection on
    /// which nothing at all is taken ends after twice that time.
    pub stalled_within: Duration,
    /// From the first byte of a request (or the opening of the connection) to the end of its headers.
    pub headers_within: Duration,
    /// From the end of the headers to the end of the body.
    pub body_within: Duration,
    /// Bytes of a webhook's body that come each second at least, measured over two.
    pub body_bytes_per_second: usize,
    /// Bytes of webhook bodies that may be in memory at once. A quarter is kept for bodies of at most 64 KiB.
    pub bodies: usize,
    /// How long accepted requests may take to finish after shutdown began.
    pub finish_within: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4_096,
            live_readers: 2_048,
            heartbeat: Duration::from_secs(15),
            stalled_within: Duration::from_secs(30),
            headers_within: Duration::from_secs(10),
            // GitHub gives up a delivery after this time, by its documentation of webhooks.
            body_within: Duration::from_secs(10),
            body_bytes_per_second: 8 * 1024,
            bodies: 256 * 1024 * 1024,
            finish_within: Duration::from_secs(20),
        }
    }
}

/// [`Limits::body_within`], for those who read bodies.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct BodyPatience(pub(in crate::http) Duration);
