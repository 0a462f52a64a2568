//! A change as it goes out, rendered once for all who read it.

use bytes::Bytes;
use serde_json::value::{RawValue, to_raw_value};

use crate::api::{ApiError, ChangeJson};
use crate::store::reads::ChangeFilter;
use crate::store::views::Change;

/// A change as it goes out.
pub(super) struct Entry {
    seq: i64,
    project_id: Option<String>,
    session_id: Option<String>,
    event_type: String,
    json: Box<RawValue>,
    frame: Bytes,
}

impl Entry {
    /// Renders a change of the epoch given.
    pub(super) fn new(epoch: &str, change: Change) -> Result<Self, ApiError> {
        let (seq, event_type) = (change.seq, change.event_type.clone());
        let (project_id, session_id) = (change.project_id.clone(), change.session_id.clone());
        let json = to_raw_value(&ChangeJson::try_from(change)?)
            .map_err(|error| ApiError::internal(&error))?;
        // JSON has line ends only between its tokens, never inside a string.
        let data = json.get().replace(['\n', '\r'], " ");
        let frame = format!("id: {epoch}.{seq}\nevent: {event_type}\ndata: {data}\n\n").into();
        Ok(Self { seq, project_id, session_id, event_type, json, frame })
    }

    /// The change as polling shows it.
    pub(super) fn json(&self) -> &RawValue {
        &self.json
    }

    /// The change as an event of the stream.
    pub(super) fn frame(&self) -> Bytes {
        self.frame.clone()
    }

    pub(super) fn seq(&self) -> i64 {
        self.seq
    }

    /// What it costs to keep, in bytes.
    pub(super) fn size(&self) -> usize {
        size_of::<Self>() + self.json.get().len() + self.frame.len()
    }

    pub(super) fn passes(&self, filter: &ChangeFilter) -> bool {
        let named = |wanted: &[String], name: Option<&String>| {
            wanted.is_empty() || name.is_some_and(|name| wanted.contains(name))
        };
        named(&filter.projects, self.project_id.as_ref())
            && named(&filter.sessions, self.session_id.as_ref())
            && named(&filter.types, Some(&self.event_type))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::http::feed) fn entry(seq: i64, kind: &str, payload: &str) -> Entry {
        let change = Change {
            seq,
            project_id: Some("p".into()),
            session_id: None,
            event_type: kind.into(),
            payload: payload.into(),
            cause: "probe".into(),
            created_at: "t".into(),
        };
        Entry::new("e1", change).unwrap()
    }

    #[test]
    fn an_event_has_one_line_of_data() {
        let frame = entry(7, "pr_updated", "{\n\"a\": \"b\\nc\"\r\n}").frame();
        let text = std::str::from_utf8(&frame).unwrap();
        assert_eq!(text.lines().count(), 4, "{text}");
        assert!(text.starts_with("id: e1.7\nevent: pr_updated\ndata: {\"seq\":7,"), "{text}");
        assert!(text.ends_with("}\n\n"), "{text}");
    }
}
