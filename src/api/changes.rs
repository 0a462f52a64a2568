//! The log of changes, page by page.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::Api;
use super::errors::{ApiError, Code};
use crate::store::reads::{
    Bounds, CHANGE_TYPES, ChangeFilter, Cursor, CursorFault, Found, HEAVIEST_ANSWER, Look,
};
use crate::store::views::Change;

/// A change of the log.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangeJson {
    pub seq: i64,
    pub project_id: Option<String>,
    pub session_id: Option<String>,
    #[serde(rename = "type")]
    pub event_type: String,
    #[schema(value_type = Object)]
    pub payload: Box<RawValue>,
    pub cause: String,
    pub created_at: String,
}

impl TryFrom<Change> for ChangeJson {
    type Error = ApiError;
    fn try_from(change: Change) -> Result<Self, ApiError> {
        Ok(Self {
            seq: change.seq,
            project_id: change.project_id,
            session_id: change.session_id,
            event_type: change.event_type,
            payload: RawValue::from_string(change.payload).map_err(|e| ApiError::internal(&e))?,
            cause: change.cause,
            created_at: change.created_at,
        })
    }
}

/// A page of the change feed.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ChangesJson {
    pub changes: Vec<ChangeJson>,
    /// The cursor to go on from: everything up to it was looked at, shown or not.
    pub next: String,
    pub head: i64,
    pub floor: i64,
    pub epoch: String,
}

/// A page as it was read: what follows a cursor, and up to where the log was looked at.
#[derive(Debug, Clone)]
pub struct ChangePage {
    pub changes: Vec<ChangeJson>,
    pub reached: i64,
    pub at: Bounds,
}

impl ChangePage {
    /// The bytes of its payloads.
    fn weight(&self) -> usize {
        self.changes.iter().map(|change| change.payload.get().len()).sum()
    }
}

impl From<ChangePage> for ChangesJson {
    fn from(ChangePage { changes, reached, at }: ChangePage) -> Self {
        let next = format!("{}.{reached}", at.epoch);
        Self { changes, next, head: at.head, floor: at.floor, epoch: at.epoch }
    }
}

/// Which changes are wanted; what is empty does not restrict.
///
/// # Errors
/// There is no such type.
pub fn change_filter(
    projects: Vec<String>,
    sessions: Vec<String>,
    types: Vec<String>,
) -> Result<ChangeFilter, ApiError> {
    if let Some(unknown) = types.iter().find(|name| !CHANGE_TYPES.contains(&name.as_str())) {
        let known = CHANGE_TYPES.join(", ");
        let what = format!("`{unknown}` is unknown; it is one of {known}");
        return Err(ApiError::parameter("type", what));
    }
    Ok(ChangeFilter { projects, sessions, types })
}

/// Reads a cursor: `0`, a bare `seq`, `EPOCH.SEQ` or `head`.
pub fn read_cursor(text: &str) -> Option<Cursor> {
    let number = |digits: &str| {
        digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse::<i64>().ok())?
    };
    match text.split_once('.') {
        None if text == "head" => Some(Cursor::Newest(0)),
        None => number(text).map(Cursor::Seq),
        Some(("", _)) => None,
        Some((epoch, seq)) => number(seq).map(|seq| Cursor::Of { epoch: epoch.to_owned(), seq }),
    }
}

/// Why a reader cannot go on, and how it can.
pub fn refusal(fault: CursorFault, at: &Bounds) -> ApiError {
    match fault {
        CursorFault::Pruned => ApiError::gone(
            "changes after this cursor have been pruned; read the lists afresh, then go on from \
             `head` or `floor`",
            at,
        ),
        CursorFault::OtherEpoch => ApiError::gone(
            "the database was restored from a copy since this cursor was given out; read the \
             lists afresh, then go on from `head`",
            at,
        ),
        CursorFault::AboveHead => ApiError::parameter(
            "after",
            format!("beyond the newest change, {}; use `next` of an earlier answer", at.head),
        ),
    }
}

/// How many times one request looks at the log, each time at a portion of bounded size: a filter that
/// hides nearly everything would otherwise have all of it read. `next` goes on from there.
const LOOKS: usize = 5;

impl Api {
    /// Reads until the page is full, or heavy, or the end is reached, or enough was looked at, in short transactions.
    ///
    /// # Errors
    /// The cursor cannot be gone on from, or the store cannot be read.
    pub async fn changes(
        &self,
        cursor: Cursor,
        limit: usize,
        filter: &ChangeFilter,
    ) -> Result<ChangePage, ApiError> {
        let (mut page, mut heavy) = self.look(cursor, limit, filter).await?;
        for _ in 1..LOOKS {
            let is_full =
                heavy || page.changes.len() >= limit || page.weight() > HEAVIEST_ANSWER / 2;
            if is_full || page.reached >= page.at.head {
                break;
            }
            let cursor = Cursor::Of { epoch: page.at.epoch.clone(), seq: page.reached };
            match self.look(cursor, limit - page.changes.len(), filter).await {
                Ok((ChangePage { changes, reached, at }, is_heavy)) => {
                    page.changes.extend(changes);
                    (page.reached, page.at, heavy) = (reached, at, is_heavy);
                }
                // The log was cut off under our feet: the next request will be told.
                Err(ApiError { code: Code::CursorGone, .. }) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(page)
    }

    /// One look at the log, and whether it ended for its weight.
    async fn look(
        &self,
        cursor: Cursor,
        limit: usize,
        filter: &ChangeFilter,
    ) -> Result<(ChangePage, bool), ApiError> {
        let Look { at, found } = self.store.changes(cursor, limit, filter.clone()).await?;
        let Found { changes, reached, heavy } = found.map_err(|fault| refusal(fault, &at))?;
        let changes = changes.into_iter().map(ChangeJson::try_from).collect::<Result<_, _>>()?;
        Ok((ChangePage { changes, reached, at }, heavy))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_come_in_four_forms() {
        let of = |epoch: &str, seq| Some(Cursor::Of { epoch: epoch.into(), seq });
        for (text, cursor) in [
            ("0", Some(Cursor::Seq(0))),
            ("17", Some(Cursor::Seq(17))),
            ("head", Some(Cursor::Newest(0))),
            ("e1.17", of("e1", 17)),
            ("123.17", of("123", 17)),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("1e3", None),
            (".1", None),
            ("e1.", None),
            ("e1.x", None),
            ("e1.1.2", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(read_cursor(text), cursor, "{text}");
        }
    }
}
