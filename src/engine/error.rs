//! Why the engine did not take something.

/// Why the engine did not take something; nothing of it was stored.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EngineError {
    /// The queue is full; try again in a moment.
    #[error("the queue is full; try again in a second")]
    Busy,
    /// The engine has shut down.
    #[error("the server is shutting down")]
    Closed,
    /// The transaction failed.
    #[error("the store cannot take it: {0}")]
    Store(String),
}
