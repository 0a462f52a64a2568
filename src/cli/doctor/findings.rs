//! What was found, and how bad it is.

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Fine,
    Doubtful,
    Broken,
}

/// One thing that was looked at.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    pub(super) level: Level,
    pub(super) check: &'static str,
    pub(super) message: String,
    /// What to do; empty where nothing is to be done.
    pub(super) mend: String,
}

/// All that was looked at.
#[derive(Debug, Default)]
pub(super) struct Findings(pub(super) Vec<Finding>);

impl Findings {
    pub(super) fn fine(&mut self, check: &'static str, message: impl Into<String>) {
        self.add(Level::Fine, check, message, "");
    }

    pub(super) fn doubtful(
        &mut self,
        check: &'static str,
        message: impl Into<String>,
        mend: impl Into<String>,
    ) {
        self.add(Level::Doubtful, check, message, mend);
    }

    pub(super) fn broken(
        &mut self,
        check: &'static str,
        message: impl Into<String>,
        mend: impl Into<String>,
    ) {
        self.add(Level::Broken, check, message, mend);
    }

    fn add(
        &mut self,
        level: Level,
        check: &'static str,
        message: impl Into<String>,
        mend: impl Into<String>,
    ) {
        self.0.push(Finding { level, check, message: message.into(), mend: mend.into() });
    }

    pub(super) fn count(&self, level: Level) -> usize {
        self.0.iter().filter(|finding| finding.level == level).count()
    }
}
