//! Pieces of work: what each does in a transaction, and to whom its own kind of answer goes.

use tokio::sync::oneshot;

use super::EngineError;
use super::transaction::Transaction;
use crate::domain::{Delivery, Observation};
use crate::lifecycle::WorkingSet;
use crate::lifecycle::{Key, needs};
use crate::store::Fault;

/// Something to be done in a transaction, perhaps more than once: what was undone is done again.
pub(super) trait Piece: Send {
    /// What came of it.
    type Done: Send;

    /// Does it.
    fn run(&self, on: &mut Transaction<'_>) -> Result<Self::Done, Fault>;

    /// What is left to do where it cannot be done. By default it is refused.
    fn rescue(&self, _on: &mut Transaction<'_>, reason: &str) -> Result<Self::Done, Fault> {
        Err(Fault::Piece(reason.to_owned()))
    }

    /// The observation that is known beforehand, so that its rows can be fetched with those of others.
    fn observation(&self) -> Option<&Observation> {
        None
    }

    /// The delivery that it enters into the ledger.
    fn delivery(&self) -> Option<&Delivery> {
        None
    }
}

/// A piece with whoever waits for its answer.
struct Job<P: Piece> {
    piece: P,
    done: Option<P::Done>,
    reply: oneshot::Sender<Result<P::Done, EngineError>>,
}

/// A piece of work whatever its answer.
pub(super) trait Work: Send {
    fn run(&mut self, on: &mut Transaction<'_>) -> Result<(), Fault>;
    fn rescue(&mut self, on: &mut Transaction<'_>, reason: &str) -> Result<(), Fault>;
    /// The rows it wants, as far as that is known beforehand.
    fn needs(&self, known: &WorkingSet) -> Vec<Key>;
    /// The delivery that it enters into the ledger.
    fn delivery(&self) -> Option<&Delivery>;
    /// Answers, after COMMIT or where it failed.
    fn answer(self: Box<Self>, failure: Option<EngineError>);
}

impl<P: Piece> Work for Job<P> {
    fn run(&mut self, on: &mut Transaction<'_>) -> Result<(), Fault> {
        self.done = Some(self.piece.run(on)?);
        Ok(())
    }

    fn rescue(&mut self, on: &mut Transaction<'_>, reason: &str) -> Result<(), Fault> {
        self.done = Some(self.piece.rescue(on, reason)?);
        Ok(())
    }

    fn needs(&self, known: &WorkingSet) -> Vec<Key> {
        self.piece.observation().map(|seen| needs(known, seen)).unwrap_or_default()
    }

    fn delivery(&self) -> Option<&Delivery> {
        self.piece.delivery()
    }

    fn answer(self: Box<Self>, failure: Option<EngineError>) {
        let answer = match (failure, self.done) {
            (None, Some(done)) => Ok(done),
            (Some(failure), _) => Err(failure),
            (None, None) => Err(EngineError::Store("it was not done".to_owned())),
        };
        // Nobody waits any more: the work stands all the same.
        let _ = self.reply.send(answer);
    }
}

/// Where an answer comes.
pub(super) type Answer<T> = oneshot::Receiver<Result<T, EngineError>>;

/// A piece as work, and where its answer comes.
pub(super) fn job<P: Piece + 'static>(piece: P) -> (Box<dyn Work>, Answer<P::Done>) {
    let (reply, answer) = oneshot::channel();
    (Box::new(Job { piece, done: None, reply }), answer)
}
