//! The fixture stories, as deliveries.

use std::path::{Path, PathBuf};

use bytes::Bytes;

/// The repository's own folder.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// One webhook POST of a story.
#[derive(Debug, Clone)]
pub struct RecordedDelivery {
    pub file: String,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

impl RecordedDelivery {
    /// A header's value, or nothing.
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }

    pub fn event(&self) -> &str {
        self.header("X-GitHub-Event")
    }
}

/// The names of all stories.
pub fn names() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(root().join("fixtures/webhooks"))
        .expect("fixtures/webhooks is there")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().expect("named").to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// The deliveries of a story in their true order.
pub fn story(name: &str) -> Vec<RecordedDelivery> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(root().join("fixtures/webhooks").join(name))
        .unwrap_or_else(|error| panic!("story {name}: {error}"))
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "story {name} is empty");
    files.iter().map(|file| recorded(file)).collect()
}

fn recorded(file: &Path) -> RecordedDelivery {
    let headers = std::fs::read_to_string(file.with_extension("headers")).expect("headers");
    let split = |line: &str| {
        let (name, value) = line.split_once(':').expect("a header line has a colon");
        (name.trim().to_owned(), value.trim().to_owned())
    };
    RecordedDelivery {
        file: file.file_name().expect("named").to_string_lossy().into_owned(),
        headers: headers.lines().filter(|line| !line.is_empty()).map(split).collect(),
        body: std::fs::read(file).expect("body").into(),
    }
}
