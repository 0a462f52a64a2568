//! The ledger of deliveries: what came in, and what became of it.

use rusqlite::{OptionalExtension, Result};

use super::codec::At;
use super::writer::Writer;
use crate::domain::{DeliveryOutcome, Timestamp};
use crate::store::{Fault, LedgerEntry, Receipt};

impl Writer {
    /// Enters a delivery, unless it has been received before: the row's uniqueness tells.
    ///
    /// # Errors
    /// The row cannot be written.
    pub fn receive(&self, entry: LedgerEntry<'_>, now: Timestamp) -> Result<Receipt, Fault> {
        let delivery = entry.delivery;
        let body = entry.keeps_body.then(|| pack(&delivery.body)).transpose()?;
        let made = self
            .connection
            .prepare_cached(
                "INSERT INTO deliveries (hook, guid, event, action, repo, outcome, reason,
                    observation, body, received_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
                 ON CONFLICT (hook, guid) DO NOTHING",
            )?
            .execute((
                &delivery.hook,
                &delivery.guid,
                &delivery.event,
                &delivery.action,
                &delivery.repo,
                entry.outcome,
                entry.reason,
                entry.observation,
                body,
                At(now),
            ))?;
        if made == 1 {
            return Ok(Receipt { id: self.connection.last_insert_rowid(), before: None });
        }
        Ok(self
            .connection
            .prepare_cached("SELECT id, outcome FROM deliveries WHERE hook = ?1 AND guid = ?2")?
            .query_row((&delivery.hook, &delivery.guid), |row| {
                Ok(Receipt { id: row.get(0)?, before: Some(row.get(1)?) })
            })?)
    }

    /// The outcome of a row of the ledger.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn outcome_of(&self, id: i64) -> Result<Option<DeliveryOutcome>, Fault> {
        Ok(self
            .connection
            .prepare_cached("SELECT outcome FROM deliveries WHERE id = ?1")?
            .query_row([id], |row| row.get(0))
            .optional()?)
    }

    /// Takes down what became of a delivery after all. Its body is let go once it is applied.
    ///
    /// # Errors
    /// The row cannot be written.
    pub fn amend(
        &self,
        id: i64,
        outcome: DeliveryOutcome,
        reason: Option<&str>,
        observation: Option<&str>,
    ) -> Result<(), Fault> {
        self.connection
            .prepare_cached(
                "UPDATE deliveries SET outcome = ?2, reason = ?3,
                    observation = coalesce(?4, observation), body = iif(?2 = 'applied', NULL, body)
                 WHERE id = ?1",
            )?
            .execute((id, outcome, reason, observation))?;
        Ok(())
    }
}

fn pack(body: &[u8]) -> Result<Vec<u8>> {
    zstd::bulk::compress(body, 3)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}
