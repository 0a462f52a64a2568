//! Columns ↔ domain values.

use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

use crate::domain::{
    ActivitySource, ActivityState, Adopt, Audience, CheckStatus, CiState, CommentKind, CommitSha,
    DeliveryOutcome, FailureClass, HeldReason, Mergeability, NudgeId, NudgeKind, NudgeState,
    OperationKind, PrState, Priority, ProjectId, PullId, RepoId, RepoName, Rerun, ReviewDecision,
    ReviewState, RunStatus, SessionId, SessionKind, SessionState, TaskKind, TerminationReason,
    Text, TimerKind, Timestamp,
};

/// An instant as the database keeps it: RFC 3339 UTC with milliseconds, so that it sorts as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct At(pub Timestamp);

impl At {
    /// `2026-01-31T12:00:00.000Z`.
    pub fn text(self) -> String {
        static PRINTER: jiff::fmt::temporal::DateTimePrinter =
            jiff::fmt::temporal::DateTimePrinter::new().precision(Some(3));
        PRINTER.timestamp_to_string(&self.0)
    }
}

impl ToSql for At {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.text().into())
    }
}

impl FromSql for At {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str()?.parse().map(At).map_err(FromSqlError::other)
    }
}

/// The instant in a column that may be NULL.
pub(super) fn at(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<At>>(column)?.map(|At(at)| at))
}

macro_rules! spelled_columns {
    ($($name:ty),+ $(,)?) => {$(
        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(self.as_str().into())
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                value.as_str()?.parse().map_err(FromSqlError::other)
            }
        }
    )+};
}

spelled_columns!(
    ActivitySource,
    ActivityState,
    Adopt,
    Audience,
    CheckStatus,
    CiState,
    CommentKind,
    DeliveryOutcome,
    FailureClass,
    HeldReason,
    Mergeability,
    NudgeKind,
    NudgeState,
    OperationKind,
    PrState,
    Priority,
    Rerun,
    ReviewDecision,
    ReviewState,
    RunStatus,
    SessionKind,
    SessionState,
    TaskKind,
    TerminationReason,
    TimerKind,
);

macro_rules! wrapped_columns {
    ($($name:ident($inner:ty)),+ $(,)?) => {$(
        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                self.0.to_sql()
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                <$inner>::column_result(value).map($name)
            }
        }
    )+};
}

wrapped_columns!(NudgeId(i64), ProjectId(Text), PullId(i64), RepoId(i64), SessionId(Text));

macro_rules! parsed_columns {
    ($($name:ident),+ $(,)?) => {$(
        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(self.as_str().into())
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                Self::parse(value.as_str()?).ok_or(FromSqlError::InvalidType)
            }
        }
    )+};
}

parsed_columns!(CommitSha, RepoName);

/// A value kept as JSON text.
pub(super) struct Json<T>(pub(super) T);

impl<T: serde::Serialize> ToSql for Json<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let text = serde_json::to_string(&self.0)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        Ok(text.into())
    }
}

impl<T: serde::de::DeserializeOwned> FromSql for Json<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        serde_json::from_str(value.as_str()?).map(Json).map_err(FromSqlError::other)
    }
}
