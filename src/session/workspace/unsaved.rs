//! Work that exists in a worktree alone.

use std::fmt;

/// Paths that an error names.
pub(super) const NAMED: usize = 5;

/// Work that exists in a worktree alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unsaved {
    /// Changed, new and deleted files, and conflicts, as many as there are.
    pub files: usize,
    /// The first of them.
    pub named: Vec<String>,
    /// Commits that no remote has, as far as there are remotes; without any, those that no branch has.
    pub commits: usize,
    /// A merge, rebase or the like was begun and not ended.
    pub operation: Option<&'static str>,
}

impl Unsaved {
    /// There is none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Unsaved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if self.files > 0 {
            let more = if self.files > self.named.len() { ", …" } else { "" };
            parts.push(format!(
                "{} uncommitted files ({}{more})",
                self.files,
                self.named.join(", ")
            ));
        }
        if self.commits > 0 {
            parts.push(format!("{} commits that are nowhere else", self.commits));
        }
        if let Some(operation) = self.operation {
            parts.push(format!("a {operation} that has not ended"));
        }
        f.write_str(&parts.join(", "))
    }
}
