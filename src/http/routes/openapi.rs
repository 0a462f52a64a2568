//! The description of the API: made from the handlers and the structs they answer with, and
//! completed with what holds for all of them alike.

use std::sync::Arc;

use axum::Extension;
use axum::http::header;
use axum::response::IntoResponse;
use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

use crate::store::reads::CHANGE_TYPES;

/// What the routes are about.
const TAGS: &[(&str, &str)] = &[
    ("webhooks", "What GitHub sends."),
    ("changes", "The log of changes, to be polled or followed."),
    ("projects", "Repositories that are watched."),
    ("sessions", "Agents at work, each on one task."),
    ("pulls", "Pull requests with their checks."),
    ("nudges", "What agents and people are told."),
    ("deliveries", "What came in from GitHub and what became of it."),
    ("server", "How the server is."),
];

/// The finished document.
#[derive(Clone)]
pub(in crate::http) struct Document(Arc<str>);

/// This document.
#[utoipa::path(get, path = "/openapi.json", operation_id = "getDocument", tag = "server", responses((status = 200, description = "OpenAPI 3.1", body = Object)))]
pub(in crate::http) async fn document(
    Extension(Document(text)): Extension<Document>,
) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], text.as_ref().to_owned())
}

impl Document {
    /// Completes what the handlers say of themselves.
    pub(in crate::http) fn new(api: &OpenApi) -> Self {
        let mut document = serde_json::to_value(api).unwrap_or_default();
        document["info"] = json!({
            "title": "nudged",
            "version": env!("CARGO_PKG_VERSION"),
            "description": env!("CARGO_PKG_DESCRIPTION"),
            "license": {"name": env!("CARGO_PKG_LICENSE")},
        });
        document["tags"] = TAGS
            .iter()
            .map(|(name, description)| json!({"name": name, "description": description}))
            .collect();
        document["components"]["securitySchemes"] =
            json!({"bearer": {"type": "http", "scheme": "bearer"}});
        document["components"]["schemas"]["Error"] = json!({
            "type": "object",
            "required": ["error"],
            "properties": {
                "error": {
                    "type": "object",
                    "required": ["code", "message"],
                    "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
                },
                "floor": {"type": "integer"},
                "head": {"type": "integer"},
                "epoch": {"type": "string"},
            },
        });
        if let Some(paths) = document["paths"].as_object_mut() {
            for (path, item) in paths {
                for (method, operation) in item.as_object_mut().into_iter().flatten() {
                    complete(path, method, operation);
                }
            }
        }
        Self(document.to_string().into())
    }
}

/// Adds what a route has in common with others.
fn complete(path: &str, method: &str, operation: &mut Value) {
    let mut errors: Vec<u16> = Vec::new();
    let mut parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
    if path.starts_with("/v1/") {
        operation["security"] = json!([{"bearer": []}]);
        errors.extend([400, 401, 403, 500, 503]);
        if path.contains('{') {
            errors.push(404);
        }
        if method != "get" {
            errors.extend([408, 409, 413, 415]);
            parameters.push(json!({
                "name": "Idempotency-Key", "in": "header", "required": false,
                "description": "the same request under the same key is carried out once within 24 \
                                hours; the answer is given again with Idempotent-Replayed: true",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
            }));
        }
    }
    match path {
        "/v1/changes" => errors.push(410),
        "/webhooks/github" => errors.extend([400, 401, 408, 413, 415, 500, 503]),
        "/readyz" => errors.push(503),
        _ => {}
    }
    let shown = &operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"];
    if shown.as_str().is_some_and(|shown| shown.contains("/List_")) {
        let limit = json!({"type": "integer", "minimum": 1, "maximum": 1_000, "default": 100});
        parameters.push(json!({"name": "limit", "in": "query", "schema": limit}));
        let list = path.rsplit('/').next().unwrap_or_default();
        parameters.push(json!({
            "name": "cursor", "in": "query",
            "schema": {"type": "string", "pattern": format!("^{list}-[0-9]{{1,18}}$")},
            "description": "`next` of an earlier answer of this list",
        }));
    }
    parameters.iter_mut().for_each(sharpen);
    if !parameters.is_empty() {
        operation["parameters"] = Value::Array(parameters);
    }
    for status in errors {
        add_error(&mut operation["responses"], status);
    }
}

/// What holds for every parameter: `null` is no more than a word there, and one in the query that is
/// there has a value, since an empty one is refused.
fn sharpen(parameter: &mut Value) {
    let types = (parameter["name"] == "type").then_some(CHANGE_TYPES);
    let asked = parameter["in"] == "query";
    let schema = &mut parameter["schema"];
    if let Some(kinds) = schema["type"].as_array() {
        schema["type"] = kinds.iter().find(|kind| *kind != "null").cloned().unwrap_or_default();
    }
    if let Some(one) =
        schema["oneOf"].as_array().and_then(|all| all.iter().find(|it| it["type"] != "null"))
    {
        *schema = one.clone();
    }
    let value = if schema["type"] == "array" { &mut schema["items"] } else { schema };
    if asked && value["type"] == "string" && value["enum"].is_null() {
        value["minLength"] = json!(1);
    }
    if let Some(types) = types {
        value["enum"] = json!(types);
    }
}

fn add_error(responses: &mut Value, status: u16) {
    let what = match status {
        400 => "something in the request is not as it should be; the message says what",
        401 => "the token or the signature is missing or wrong",
        403 => {
            "the request comes from a web page of another origin, or the token is that of an agent and may not"
        }
        404 => "there is no such object",
        408 => "the body did not arrive in time",
        409 => "it does not go together with what is there",
        410 => "the cursor points to where nothing is any more",
        413 => "the body is too large",
        415 => "the body is of another type",
        503 => "not now; try again after Retry-After seconds",
        _ => "a fault of the server; its log says why",
    };
    let schema = json!({"$ref": "#/components/schemas/Error"});
    let answer = json!({"description": what, "content": {"application/json": {"schema": schema}}});
    if let Some(responses) = responses.as_object_mut() {
        let responses: &mut Map<String, Value> = responses;
        responses.entry(status.to_string()).or_insert(answer);
    }
}
