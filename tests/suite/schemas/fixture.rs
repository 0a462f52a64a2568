//! GitHub's own webhook schemas: `fixtures/schemas`, where their format is described.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use crate::stories;

/// All kinds of payload that GitHub's hosts send.
#[derive(Deserialize)]
pub struct Schemas {
    pub hosts: Vec<String>,
    pub nodes: Vec<Node>,
    pub payloads: Vec<PayloadKind>,
}

/// An event's payload with one action, in one shape.
#[derive(Deserialize)]
pub struct PayloadKind {
    pub event: String,
    pub action: Option<String>,
    /// The hosts that send it in this shape, as indices.
    hosts: Vec<usize>,
    pub schema: usize,
}

impl PayloadKind {
    /// How many hosts send it.
    pub fn hosts(&self) -> usize {
        self.hosts.len()
    }
}

/// A schema. One inside another is an index.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Node {
    /// Empty: all of them.
    #[serde(rename = "type")]
    pub types: Vec<Type>,
    #[serde(rename = "enum")]
    pub values: Option<Vec<Value>>,
    pub format: Option<String>,
    pub minimum: Option<i64>,
    pub maximum: Option<i64>,
    #[serde(rename = "minItems")]
    pub min_items: usize,
    #[serde(rename = "maxItems")]
    pub max_items: Option<usize>,
    pub required: BTreeSet<String>,
    pub properties: BTreeMap<String, usize>,
    pub items: Option<usize>,
    #[serde(rename = "additionalProperties")]
    pub additional: Option<Additional>,
    #[serde(rename = "anyOf")]
    pub branches: Vec<usize>,
}

/// What an object may hold that has no name in its schema. Where nothing is said, it is anything.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Additional {
    Allowed(bool),
    Of(usize),
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    Null,
    Boolean,
    Integer,
    Number,
    String,
    Array,
    Object,
}

impl Schemas {
    pub fn read() -> Self {
        let file = stories::root().join("fixtures/schemas/webhooks.json.zst");
        let file = std::fs::File::open(file).expect("the schemas");
        let text = zstd::decode_all(file).expect("a compressed file");
        serde_json::from_slice(&text).expect("schemas")
    }
}
