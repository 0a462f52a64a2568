//! Reads a log once: what is kept of the failing step, and what is made of it.

use super::class::audience_of;
use super::lines::{Line, LineSplitter, Marker, Names};
use super::marks::Rank;
use super::steps::{Place, Steps};
use super::windows::Collector;
use super::{compose, judge, shapes};
use crate::domain::{Audience, FailureClass};

/// The most bytes that an excerpt takes.
pub const EXCERPT_LIMIT: usize = 4_096;
/// What a failing step behind the first may add, and how many are looked at.
const OTHER_STEP: usize = 500;
const OTHER_STEPS: usize = 3;

/// What a log says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// At most [`EXCERPT_LIMIT`] bytes of clean lines, in the log's order; `[…]` stands where lines
    /// were left out. Empty if the log says nothing.
    pub excerpt: String,
    pub class: FailureClass,
    /// One short sentence, with the line that shows the class.
    pub evidence: String,
    /// Something about the failure had no room.
    pub truncated: bool,
    /// The failing step, as the log names it: `Run cargo test`.
    pub step: Option<String>,
}

impl Verdict {
    /// Who is told by the log alone: as [`audience_of`], but a log in which nothing is said of
    /// a failure is a human's.
    pub fn audience(&self) -> Audience {
        if self.class == FailureClass::Unknown && self.excerpt.is_empty() {
            return Audience::Human;
        }
        audience_of(self.class)
    }
}

/// Reads a log once, as it comes, and holds at most 64 KiB of it.
pub struct LogReader {
    splitter: LineSplitter,
    job: Job,
    limit: usize,
}

impl Default for LogReader {
    fn default() -> Self {
        Self::new()
    }
}

impl LogReader {
    pub fn new() -> Self {
        Self::with_limit(EXCERPT_LIMIT)
    }

    /// A reader whose excerpt has at most `limit` bytes.
    pub fn with_limit(limit: usize) -> Self {
        Self { splitter: LineSplitter::default(), job: Job::new(), limit }
    }

    /// The next bytes of the log, cut anywhere.
    pub fn push(&mut self, bytes: &[u8]) {
        let job = &mut self.job;
        self.splitter.push(bytes, |line| job.line(line));
    }

    /// The bytes of the log that are held now (tests assert the bound).
    pub fn held(&self) -> usize {
        self.splitter.held() + self.job.bytes()
    }

    /// The log has ended.
    pub fn finish(mut self) -> Verdict {
        let job = &mut self.job;
        self.splitter.finish(|line| job.line(line));
        self.job.verdict(self.limit)
    }
}

/// What is kept of a job while its log goes by.
struct Job {
    names: Names,
    steps: Steps,
    current: Collector,
    /// The first step that failed; until there is one, the last step that said something.
    main: Option<Collector>,
    others: Vec<String>,
    other_steps: usize,
    cleaning: bool,
}

impl Job {
    fn new() -> Self {
        Self {
            names: Names::default(),
            steps: Steps::new(),
            current: Collector::default(),
            main: None,
            others: Vec::new(),
            other_steps: 0,
            cleaning: false,
        }
    }

    fn line(&mut self, raw: &[u8]) {
        let line = Line::read(raw, &mut self.names);
        match self.steps.place(&line) {
            Place::Begin => self.begin(false),
            Place::Finish => self.begin(true),
            Place::Header => {}
            Place::Output => self.output(&line),
        }
    }

    fn output(&mut self, line: &Line<'_>) {
        match line.marker {
            Marker::EndGroup | Marker::Command | Marker::Debug => return,
            Marker::Plain | Marker::Error | Marker::Warning | Marker::Group => {}
        }
        let mut sign = shapes::read(&line.text);
        if sign.remains {
            let text = Line::without_remains(&line.text);
            let text = text.trim_end();
            sign = shapes::read(text);
            self.current.push(line.marker, text, &sign);
            return;
        }
        if line.marker == Marker::Warning {
            sign.rank = sign.rank.map(|_| Rank::Bare);
        }
        self.current.push(line.marker, &line.text, &sign);
    }

    /// A new step begins, or the clean-up.
    fn begin(&mut self, cleaning: bool) {
        let name = self.steps.name().map(str::to_owned);
        let next = Collector::of(name);
        let done = std::mem::replace(&mut self.current, next);
        let cleaned = std::mem::replace(&mut self.cleaning, cleaning);
        self.retire(done, cleaned);
    }

    fn retire(&mut self, done: Collector, cleaned: bool) {
        let Some(main) = &self.main else {
            if !done.is_empty() && (!cleaned || done.complained()) {
                self.main = Some(done);
            }
            return;
        };
        if main.failed() || (main.complained() && !done.failed()) {
            if done.complained() {
                self.mention(&done);
            }
        } else if done.complained() {
            let before = self.main.replace(done);
            if let Some(before) = before.filter(Collector::complained) {
                self.mention(&before);
            }
        } else if !cleaned && !main.complained() && !done.is_empty() {
            // Nothing failed yet: the last word counts, if it is one.
            if done.best().is_some_and(|best| best < Rank::Generic)
                || main.best().is_none_or(|best| best >= Rank::Generic)
            {
                self.main = Some(done);
            }
        }
    }

    fn mention(&mut self, step: &Collector) {
        self.other_steps += 1;
        if self.other_steps <= OTHER_STEPS {
            self.others.extend(compose::brief(step, OTHER_STEP));
        }
    }

    fn bytes(&self) -> usize {
        self.current.bytes()
            + self.main.as_ref().map_or(0, Collector::bytes)
            + self.others.iter().map(String::len).sum::<usize>()
    }

    fn verdict(mut self, limit: usize) -> Verdict {
        let last = std::mem::take(&mut self.current);
        self.retire(last, self.cleaning);
        let Some(main) = self.main else {
            return Verdict {
                excerpt: String::new(),
                class: FailureClass::Unknown,
                evidence: judge::sentence(FailureClass::Unknown, None),
                truncated: false,
                step: None,
            };
        };
        let (excerpt, cut) = compose::compose(&main, &self.others, limit);
        let (class, line) = main.findings.verdict();
        Verdict {
            excerpt,
            class,
            evidence: judge::sentence(class, line),
            truncated: cut || self.other_steps > OTHER_STEPS,
            step: main.name,
        }
    }
}
