//! Why something could not be read or written.

/// Why something could not be read or written, by what it means for the transaction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The store itself refuses: nothing of the transaction can be kept.
    #[error("{0}")]
    Store(String),
    /// This piece of work alone is at fault.
    #[error("{0}")]
    Piece(String),
}
