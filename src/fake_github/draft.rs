//! An answer before it becomes bytes on a wire.

use bytes::Bytes;
use serde_json::{Value, json};

/// A status, headers and a body.
pub(super) struct Draft {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Bytes,
    /// What it cost in GraphQL.
    pub(super) points: u32,
}

impl Draft {
    pub(super) fn json(status: u16, value: &Value) -> Self {
        let headers = vec![("content-type", "application/json; charset=utf-8".to_owned())];
        Self { status, headers, body: value.to_string().into(), points: 0 }
    }

    pub(super) fn html(status: u16, text: &str) -> Self {
        let headers = vec![("content-type", "text/html; charset=utf-8".to_owned())];
        Self { status, headers, body: text.to_owned().into(), points: 0 }
    }

    pub(super) fn redirect(status: u16, to: &str) -> Self {
        let mut draft = Self::html(status, "");
        draft.headers.push(("location", to.to_owned()));
        draft
    }

    /// GitHub's JSON for what went wrong.
    pub(super) fn message(status: u16, message: &str) -> Self {
        Self::json(
            status,
            &json!({"message": message, "status": status.to_string(),
                "documentation_url": "https://docs.github.com/rest"}),
        )
    }
}
