//! What GitHub answered before, by path, so that it need only say that nothing has changed: such an answer
//! costs nothing (`docs/github-rules.md` 24). Bounded in bytes; what was not asked for longest goes first.
//!
//! It is in memory: the first comparison after a start is answered in full.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;

/// Bytes that are held, packed.
pub(super) const MOST_HELD: usize = 64 << 20;
/// zstd's fastest ordinary level: JSON shrinks to a tenth or less.
const LEVEL: i32 = 1;
/// What an entry weighs beside its texts.
const OVERHEAD: usize = 160;

/// An answer that is held.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) etag: String,
    packed: Arc<[u8]>,
    /// Of the body.
    length: usize,
    /// The path of the next page.
    pub(super) next: Option<String>,
    used: u64,
}

impl Held {
    /// The body, as it came.
    pub(super) fn body(&self) -> Option<Bytes> {
        zstd::bulk::decompress(&self.packed, self.length).ok().map(Bytes::from)
    }

    fn weight(&self, path: &str) -> usize {
        OVERHEAD
            + path.len()
            + self.etag.len()
            + self.packed.len()
            + self.next.as_ref().map_or(0, String::len)
    }
}

/// The answers that are held.
#[derive(Debug)]
pub(super) struct Etags {
    most: usize,
    weight: usize,
    uses: u64,
    held: HashMap<String, Held>,
    /// Paths by their last use.
    order: BTreeMap<u64, String>,
}

impl Etags {
    /// Nothing yet; at most so many bytes.
    pub(super) fn new(most: usize) -> Self {
        Self { most, weight: 0, uses: 0, held: HashMap::new(), order: BTreeMap::new() }
    }

    /// What is held for a path. Looking makes it the last to go.
    pub(super) fn get(&mut self, path: &str) -> Option<Held> {
        let held = self.held.get_mut(path)?;
        self.order.remove(&held.used);
        self.uses += 1;
        held.used = self.uses;
        self.order.insert(self.uses, path.to_owned());
        Some(held.clone())
    }

    /// Holds an answer in place of the one before.
    pub(super) fn put(&mut self, path: &str, etag: &str, body: &[u8], next: Option<String>) {
        self.forget(path);
        let Ok(packed) = zstd::bulk::compress(body, LEVEL) else { return };
        self.uses += 1;
        let (etag, length) = (etag.to_owned(), body.len());
        let held = Held { etag, packed: packed.into(), length, next, used: self.uses };
        self.weight += held.weight(path);
        self.held.insert(path.to_owned(), held);
        self.order.insert(self.uses, path.to_owned());
        while self.weight > self.most {
            let Some((_, oldest)) = self.order.pop_first() else { break };
            self.forget(&oldest);
        }
    }

    /// Holds nothing for the path any more.
    pub(super) fn forget(&mut self, path: &str) {
        if let Some(held) = self.held.remove(path) {
            self.weight = self.weight.saturating_sub(held.weight(path));
            self.order.remove(&held.used);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_asked_for_longest_goes_first() {
        // Random bytes do not shrink.
        let body: Vec<u8> = (0..1_000).map(|_| rand::random()).collect();
        let mut etags = Etags::new(4_000);
        for path in ["/a", "/b", "/c"] {
            etags.put(path, "\"1\"", &body, None);
        }
        assert!(etags.get("/a").is_some());
        etags.put("/d", "\"1\"", &body, Some("/d?page=2".to_owned()));
        assert!(etags.get("/b").is_none(), "it was used longest ago");
        let held = etags.get("/a").unwrap();
        assert_eq!(held.body().unwrap(), body);
        assert_eq!(etags.get("/d").unwrap().next.as_deref(), Some("/d?page=2"));
        etags.put("/a", "\"2\"", b"new", None);
        assert_eq!(etags.get("/a").unwrap().etag, "\"2\"");
        for path in ["/a", "/c", "/d"] {
            etags.forget(path);
        }
        assert_eq!((etags.weight, etags.order.len()), (0, 0));
    }
}
