//! A payload that conforms to its schema, from a seed: what is optional is there or not, what may be
//! `null` is at random, and every value of an enumeration comes up.
//!
//! A schema calls a commit hash and a title the same, a string; [`Form`] says what GitHub means by a
//! name. Ids, commits and times come from small pools, so that payloads are about the same things.

use std::fmt::Write as _;

use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};
use serde_json::Value;

use super::fixture::{Additional, Node, Schemas, Type};
use crate::payloads::{at, sha};

/// Makes payloads, each with its own taste for what may be left out.
pub struct Generator<'a> {
    schemas: &'a Schemas,
    rng: TestRng,
    /// How many of 100 optional fields are there.
    there: u64,
    /// How many of 100 values are `null` where that is allowed.
    null: u64,
    /// The repository that was named last.
    repository: &'static str,
    text: String,
}

/// What a text or a number is, by the field's name.
enum Form {
    Commit,
    RepositoryName,
    Reference,
    Time,
    Address,
    /// One of the words that GitHub is known to say there.
    Word(&'static [&'static str]),
    /// The id of something, or a number that counts from 1.
    Id,
    Anything,
}

impl Form {
    fn of(name: &str, format: Option<&str>) -> Self {
        match (name, format) {
            (_, Some("date-time" | "date")) => Self::Time,
            (_, Some("uri" | "uri-template")) => Self::Address,
            ("before" | "after" | "sha" | "commit_id" | "original_commit_id" | "tree_id", _) => {
                Self::Commit
            }
            ("full_name", _) => Self::RepositoryName,
            ("ref", _) => Self::Reference,
            ("number" | "id", _) => Self::Id,
            ("timestamp" | "date", _) => Self::Time,
            ("conclusion", _) => {
                Self::Word(&["success", "failure", "skipped", "cancelled", "action_required"])
            }
            ("state", _) => {
                Self::Word(&["approved", "changes_requested", "commented", "dismissed"])
            }
            ("mergeable_state", _) => Self::Word(&["clean", "dirty", "blocked", "new_state"]),
            ("head_ref", _) => {
                Self::Word(&["refs/heads/gh-readonly-queue/main/pr-1-8bb4f07", "refs/heads/main"])
            }
            _ if name.ends_with("_sha") => Self::Commit,
            _ if name.ends_with("_at") || name.ends_with("_on") => Self::Time,
            _ if name.ends_with("_id") => Self::Id,
            _ => Self::Anything,
        }
    }
}

impl<'a> Generator<'a> {
    pub fn new(schemas: &'a Schemas, seed: u64) -> Self {
        let mut seeded = [0; 32];
        seeded[..8].copy_from_slice(&seed.to_le_bytes());
        let mut rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seeded);
        let mut share = || [0, 20, 50, 80, 100][(rng.next_u64() % 5) as usize];
        let (there, null) = (share(), share());
        Self { schemas, rng, there, null, repository: "", text: String::new() }
    }

    /// A payload of this schema, as the bytes GitHub would send.
    pub fn payload(mut self, schema: usize) -> Vec<u8> {
        self.value(schema, "");
        self.text.into_bytes()
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.rng.next_u64() % bound
    }

    fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }

    fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }

    fn value(&mut self, schema: usize, name: &str) {
        let schemas = self.schemas;
        let node = &schemas.nodes[schema];
        if self.may_be_null(node) && self.percent(self.null) {
            self.text.push_str("null");
        } else if !node.branches.is_empty() {
            let branch = self.one_of(&node.branches);
            self.value(branch, name);
        } else if let Some(values) = &node.values {
            let value = &values[self.below(values.len() as u64) as usize];
            self.known(value);
        } else {
            self.of_type(node, name);
        }
    }

    fn may_be_null(&self, node: &Node) -> bool {
        match &node.values {
            Some(values) => values.contains(&Value::Null),
            None => {
                node.types.contains(&Type::Null)
                    || node.branches.iter().any(|it| self.may_be_null(&self.schemas.nodes[*it]))
            }
        }
    }

    fn known(&mut self, value: &Value) {
        write!(self.text, "{value}").expect("room");
    }

    fn of_type(&mut self, node: &Node, name: &str) {
        const SCALARS: &[Type] = &[Type::Null, Type::Boolean, Type::Integer, Type::String];
        let types = node.types.iter().copied().filter(|it| *it != Type::Null).collect::<Vec<_>>();
        let kind = match (&types[..], &node.types[..]) {
            ([], []) => self.one_of(SCALARS),
            ([], _) => Type::Null,
            (types, _) => self.one_of(types),
        };
        match kind {
            Type::Null => self.text.push_str("null"),
            Type::Boolean => {
                let word = self.one_of(&["true", "false"]);
                self.text.push_str(word);
            }
            Type::Integer | Type::Number => self.number(node, name),
            Type::String => self.string(name, node.format.as_deref()),
            Type::Array => self.array(node, name),
            Type::Object => self.object(node),
        }
    }

    fn object(&mut self, node: &Node) {
        self.text.push('{');
        let mut is_first = true;
        for (name, part) in &node.properties {
            if node.required.contains(name) || self.percent(self.there) {
                self.key(name, &mut is_first);
                if name == "html_url" && node.required.contains("full_name") {
                    // Its address is its name's: no two repositories share one.
                    write!(self.text, "\"https://github.com/{}\"", self.repository).expect("room");
                } else {
                    self.value(*part, name);
                }
            }
        }
        match node.additional {
            Some(Additional::Allowed(false)) => {}
            Some(Additional::Of(schema)) => {
                for name in ["one", "another"].into_iter().take(self.below(3) as usize) {
                    self.key(name, &mut is_first);
                    self.value(schema, name);
                }
            }
            // GitHub adds fields without notice.
            Some(Additional::Allowed(true)) | None => {
                if self.percent(5) {
                    self.key("added_lately", &mut is_first);
                    self.text.push_str(r#"{"id":null,"of":[1,"two",{}]}"#);
                }
            }
        }
        self.text.push('}');
    }

    fn key(&mut self, name: &str, is_first: &mut bool) {
        if !std::mem::take(is_first) {
            self.text.push(',');
        }
        write!(self.text, "\"{name}\":").expect("room");
    }

    fn array(&mut self, node: &Node, name: &str) {
        let length = node.min_items + self.one_of(&[0, 1, 1, 2, 3]);
        self.text.push('[');
        for index in 0..length.min(node.max_items.unwrap_or(length)) {
            if index > 0 {
                self.text.push(',');
            }
            match node.items {
                Some(items) => self.value(items, name),
                None => self.string(name, None),
            }
        }
        self.text.push(']');
    }

    fn number(&mut self, node: &Node, name: &str) {
        let number = match Form::of(name, None) {
            // Of all sizes that an id has; few of them, so that payloads meet.
            Form::Id if self.percent(95) => 1 + self.below(4) as i64,
            Form::Id => self.one_of(&[4_294_967_296, 9_007_199_254_740_993, i64::MAX]),
            Form::Time => 1_777_622_400 + self.below(60) as i64,
            Form::Commit
            | Form::RepositoryName
            | Form::Reference
            | Form::Address
            | Form::Word(_)
            | Form::Anything => self.one_of(&[0, 1, 2, 7, 86_400, -1]),
        };
        let number = number.max(node.minimum.unwrap_or(i64::MIN));
        write!(self.text, "{}", number.min(node.maximum.unwrap_or(i64::MAX))).expect("room");
    }

    fn string(&mut self, name: &str, format: Option<&str>) {
        let text = match Form::of(name, format) {
            Form::Commit => self.commit(),
            Form::RepositoryName => {
                let names = ["acme/rocket", "acme/Rocket", "acme/a.b_c-d", "ünï/cödé"];
                self.repository = self.one_of(&names);
                self.repository.to_owned()
            }
            Form::Reference => {
                let name = ["main", "refs/heads/main", "refs/heads/a/b ü", "refs/tags/v1", "HEAD"];
                self.one_of(&name).to_owned()
            }
            Form::Time => self.time(),
            Form::Address => {
                let page = ["", "/acme/rocket/actions/runs/17/job/4", "/acme/rocket{/sha}", "//?#"];
                format!("https://github.com{}", self.one_of(&page))
            }
            Form::Word(words) => self.one_of(words).to_owned(),
            Form::Id | Form::Anything => self.text(),
        };
        self.known(&Value::String(text));
    }

    fn commit(&mut self) -> String {
        let number = self.below(5);
        match self.below(20) {
            0 => sha(0),
            1 => format!("{number:064x}"),
            2 => format!("ABCDEF{number:034X}"),
            _ => sha(1 + number),
        }
    }

    fn time(&mut self) -> String {
        let instant = at(self.below(60) as i64);
        match self.below(10) {
            0 => instant.replace('Z', ".123Z"),
            1 => instant.replace('Z', "+00:00"),
            2 => instant.replace("T08", "T10").replace('Z', "+02:00"),
            _ => instant,
        }
    }

    fn text(&mut self) -> String {
        let texts = [
            "main",
            "build",
            "",
            "null",
            "a \"quoted\" \\ one",
            "line\r\nline\ttab",
            "\u{1b}[31mred\u{9b}\0\u{202e}",
            "🚀 é ö",
        ];
        match self.below(200) {
            0 => "long ".repeat(4_000),
            _ => self.one_of(&texts).to_owned(),
        }
    }
}
