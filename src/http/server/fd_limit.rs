//! Open files: every connection is one, and so is every file of the database.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::limits::Limits;

/// For the database, the log, and connections of our own to others.
const SPARE: u64 = 128;

/// How many files this process may have open; no number means any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Files {
    pub now: Option<u64>,
    /// Up to where it may raise that by itself.
    pub most: Option<u64>,
}

impl Files {
    pub fn look() -> Self {
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        Self { now: current, most: maximum }
    }

    /// Takes all that may be had: the usual limit of 1,024 is for programs that use `select`.
    pub fn raise() -> Self {
        let Self { now, most } = Self::look();
        if now != most {
            let all = Rlimit { current: most, maximum: most };
            if let Err(error) = setrlimit(Resource::Nofile, all) {
                tracing::debug!(%error, "the limit of open files stays as it is");
            }
        }
        Self::look()
    }
}

impl Limits {
    /// The files that all this takes.
    pub fn files(&self) -> u64 {
        u64::try_from(self.connections).unwrap_or(u64::MAX).saturating_add(SPARE)
    }

    /// The same with as many connections as there may be files, so that the database always gets its
    /// own. Never none.
    #[must_use]
    pub fn fitting(mut self, files: Option<u64>) -> Self {
        let Some(files) = files else { return self };
        let room = usize::try_from(files.saturating_sub(SPARE)).unwrap_or(usize::MAX).max(16);
        self.connections = self.connections.min(room);
        self.live_readers = self.live_readers.min(self.connections / 2);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_for_the_database() {
        let full = Limits::default();
        let of = |files| {
            let limits = Limits::default().fitting(files);
            (limits.connections, limits.live_readers)
        };
        assert_eq!(of(None), (full.connections, full.live_readers));
        assert_eq!(of(Some(full.files())), (full.connections, full.live_readers));
        assert_eq!(of(Some(1_024)), (896, 448));
        assert_eq!(of(Some(10)), (16, 8));
    }

    #[test]
    fn all_that_may_be_had_is_taken() {
        let raised = Files::raise();
        assert_eq!(raised.now, raised.most);
    }
}
