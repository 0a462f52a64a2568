//! The parts of a step's output that may come into the excerpt, kept within a bound while the step
//! goes by: a window behind each line that speaks of a failure, and the step's end.

use std::collections::VecDeque;

use super::fold::{Frames, Repeat, Repeats, shortened};
use super::judge::{Findings, Sureness};
use super::lines::Marker;
use super::marks::{RANKS, Rank};
use super::shapes::Sign;

/// What one step's windows may hold, in bytes.
const HELD: usize = 16 * 1_024;
/// The step's end.
const TAIL: usize = 1_400;
/// Lines shown before one that speaks of a failure, at most; and their bytes.
const BEFORE_LINES: usize = 8;
const BEFORE_BYTES: usize = 600;
/// Lines told once are remembered so far.
const TOLD: usize = 512;

/// A line that is kept.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Counts the step's lines, noise left out.
    pub number: u64,
    pub text: String,
    /// If it speaks of a failure.
    pub rank: Option<Rank>,
}

/// A line that speaks of a failure with what stands around it.
#[derive(Debug)]
pub struct Window {
    pub rank: Rank,
    pub lines: Vec<Kept>,
    bytes: usize,
    limit: usize,
    /// So many more lines belong to it.
    left: usize,
}

/// What is kept of one step.
#[derive(Default)]
pub struct Collector {
    pub name: Option<String>,
    pub windows: Vec<Window>,
    pub tail: VecDeque<Kept>,
    pub findings: Findings,
    /// Something that belongs into the excerpt had no room here.
    pub overflowed: bool,
    open: bool,
    before: VecDeque<Kept>,
    heading: Option<Kept>,
    told: Vec<u64>,
    counts: [usize; RANKS.len()],
    held: usize,
    tail_bytes: usize,
    frames: Frames,
    repeats: Repeats,
    number: u64,
    blank: bool,
    exited: bool,
    /// The last line was news or a warning.
    mild: bool,
    /// So many more lines are what a program printed meanwhile.
    aside: usize,
    /// That ends at the next empty line.
    aside_short: bool,
    /// The runner's last error line, and how many there were.
    last_error: Option<u64>,
}

/// How much a window of `rank` holds: lines behind the hit, bytes of the first, of the next two and
/// of later ones, and how many windows.
fn shape(rank: Rank) -> (usize, [usize; 3], usize) {
    match rank {
        Rank::Test => (30, [1_500, 900, 500], 30),
        Rank::Content => (16, [1_300, 800, 360], 24),
        Rank::Located => (5, [1_000, 700, 400], 24),
        Rank::Tool => (8, [1_000, 500, 300], 12),
        Rank::Name => (0, [160, 160, 160], 40),
        Rank::Summary => (2, [300, 300, 200], 10),
        Rank::Generic => (4, [500, 400, 300], 8),
        Rank::Bare => (2, [300, 300, 200], 4),
    }
}

/// How many of the lines before a hit of `rank` come along.
fn lead(rank: Rank, text: &str) -> usize {
    if text.starts_with("--- FAIL") || text.trim_start().starts_with("--- FAIL") {
        return BEFORE_LINES;
    }
    match rank {
        Rank::Test | Rank::Name | Rank::Summary | Rank::Bare => 0,
        Rank::Content if text.starts_with("E ") => 4,
        Rank::Content => 2,
        Rank::Located | Rank::Tool | Rank::Generic => 1,
    }
}

impl Collector {
    /// For a step of this name.
    pub fn of(name: Option<String>) -> Self {
        Self { name, ..Self::default() }
    }

    /// Takes a line of the step's output.
    pub fn push(&mut self, marker: Marker, text: &str, sign: &Sign) {
        if sign.noise {
            return;
        }
        if text.is_empty() {
            self.frames.end();
            if self.aside_short {
                self.aside = 0;
            }
            if !std::mem::replace(&mut self.blank, true) {
                self.context(text, None);
            }
            return;
        }
        let error = marker == Marker::Error;
        if sign.pass && !error {
            self.open = false;
            self.before.clear();
            return;
        }
        let loosely = !error && sign.rank.is_none_or(|rank| rank >= Rank::Generic);
        match self.repeats.see(text, loosely) {
            Repeat::Again => return,
            Repeat::New(0) => {}
            Repeat::New(times) => self.mark_repeats(times),
        }
        self.blank = false;
        self.number += 1;
        if self.frames.hides(sign, text) {
            return;
        }
        if let Some(short) = sign.aside {
            self.aside = if short { 6 } else { 400 };
            self.aside_short = short;
            self.open = false;
            self.context(text, None);
            return;
        }
        let sign = &self.tempered(sign, error);
        self.judge(error, text, sign);
        if error {
            self.exited |= sign.exit;
            self.last_error = Some(self.number);
        }
        let mut rank = match sign.rank {
            _ if sign.exit => None,
            rank if error => Some(rank.map_or(Rank::Content, |rank| rank.min(Rank::Content))),
            rank if sign.judge.is_some() => {
                Some(rank.map_or(Rank::Tool, |rank| rank.min(Rank::Tool)))
            }
            rank => rank,
        };
        // A compiler's message may come twice for different places; what only counts up may not.
        if let Some(found) = rank
            && !(found == Rank::Content && text.starts_with(['e', 'E']))
            && !sign.arrow
            && self.was_told(text, found >= Rank::Tool)
        {
            rank = None;
        }
        match rank {
            Some(rank) => self.hit(rank, text, sign),
            None => self.context(text, None),
        }
        if sign.heading {
            self.heading = Some(Kept { number: self.number, text: shortened(text), rank: None });
        }
    }

    /// Whether the step itself failed, as far as is seen: it exited badly, or the runner's error
    /// line is its last.
    pub fn failed(&self) -> bool {
        self.exited || self.last_error.is_some_and(|number| number + 3 > self.number)
    }

    /// Whether the runner's error line stands anywhere in it.
    pub fn complained(&self) -> bool {
        self.exited || self.last_error.is_some()
    }

    /// The surest that was found.
    pub fn best(&self) -> Option<Rank> {
        self.windows.iter().map(|window| window.rank).min()
    }

    /// Whether anything was said at all.
    pub fn is_empty(&self) -> bool {
        self.windows.is_empty() && self.tail.iter().all(|line| line.text.is_empty())
    }

    /// What is held of the log, in bytes.
    pub fn bytes(&self) -> usize {
        let lines =
            |lines: &VecDeque<Kept>| lines.iter().map(|line| line.text.len()).sum::<usize>();
        self.held
            + lines(&self.tail)
            + lines(&self.before)
            + self.heading.as_ref().map_or(0, |line| line.text.len())
            + self.findings.bytes()
            + 8 * self.told.len()
    }

    /// The sign of a line in view of those before it.
    fn tempered(&mut self, sign: &Sign, error: bool) -> Sign {
        let mut sign = *sign;
        let warned = std::mem::replace(&mut self.mild, sign.mild);
        if sign.rank == Some(Rank::Test) || error {
            self.aside = 0;
        }
        if self.aside > 0 {
            self.aside -= 1;
            if !sign.located && !matches!(sign.rank, None | Some(Rank::Located | Rank::Name)) {
                sign.rank = Some(Rank::Bare);
            }
            sign.judge = None;
        }
        if sign.arrow && (warned || self.open) {
            sign.rank = None;
        }
        sign
    }

    /// What the line says about whose failure it is.
    fn judge(&mut self, error: bool, text: &str, sign: &Sign) {
        let short = || shortened(text);
        let judged = sign.judge.is_some_and(|(class, weight)| {
            self.findings.judge(class, weight, error && !sign.located, &short())
        });
        let compiled =
            sign.located || text.starts_with("E ") || text.trim_start().starts_with("error[");
        let sureness = match sign.rank {
            Some(Rank::Test | Rank::Located | Rank::Name) => Sureness::Sure,
            Some(Rank::Content) if compiled => Sureness::Sure,
            Some(Rank::Content | Rank::Tool) => Sureness::Told,
            Some(Rank::Summary | Rank::Generic) => Sureness::Hint,
            Some(Rank::Bare) | None if error && !sign.exit => Sureness::Told,
            Some(Rank::Bare) | None => return,
        };
        if sureness == Sureness::Sure || !judged {
            self.findings.code(sureness, &short());
        }
    }

    /// A line that speaks of a failure opens a window, or goes on with one of its kind.
    fn hit(&mut self, rank: Rank, text: &str, sign: &Sign) {
        let (after, _, _) = shape(rank);
        let limit = self.limit(rank);
        if self.open
            && let Some(window) = self.windows.last_mut()
        {
            let young = window.lines.iter().filter(|line| !line.text.is_empty()).count() <= 3;
            let roomy = window.bytes * 5 < window.limit * 3;
            let joins = if rank < window.rank {
                young
            } else if rank == window.rank {
                roomy && (rank != Rank::Test || young)
            } else {
                true
            };
            if joins {
                if rank < window.rank {
                    window.rank = rank;
                    window.limit = window.limit.max(limit);
                    self.counts[rank as usize] += 1;
                }
                window.left = window.left.max(after + 1);
                self.context(text, Some(rank));
                return;
            }
        }
        self.open_window(rank, text, sign);
    }

    fn limit(&self, rank: Rank) -> usize {
        let (_, limits, _) = shape(rank);
        limits[self.counts[rank as usize].min(4).div_ceil(2)]
    }

    fn open_window(&mut self, rank: Rank, text: &str, sign: &Sign) {
        let (after, _, most) = shape(rank);
        if self.kept(rank).count() >= most {
            self.drop_middle(rank);
        }
        self.counts[rank as usize] += 1;
        let mut window =
            Window { rank, lines: Vec::new(), bytes: 0, limit: self.limit(rank), left: after + 1 };
        let last = self.windows.last().and_then(|window| window.lines.last());
        let seen = last.map_or(0, |line| line.number);
        if sign.row
            && let Some(heading) = &self.heading
            && heading.number > seen
        {
            window.push(heading.clone());
        }
        let seen = window.lines.last().map_or(seen, |line| line.number);
        let lead = lead(rank, text);
        let from = self.before.len().saturating_sub(lead);
        let lines = self.before.range(from..).filter(|line| line.number > seen);
        lines.for_each(|line| window.push(line.clone()));
        self.held += window.bytes;
        self.windows.push(window);
        self.open = true;
        self.context(text, Some(rank));
        while self.held > HELD && self.evict() {}
    }

    /// Makes room where the weakest kind stands, but never drops the window that is open.
    fn evict(&mut self) -> bool {
        let older = self.windows.len().saturating_sub(1);
        let weakest = self.windows[..older].iter().map(|window| window.rank).max();
        weakest.is_some_and(|rank| self.drop_middle(rank))
    }

    fn kept(&self, rank: Rank) -> impl Iterator<Item = usize> {
        let older = self.windows.len().saturating_sub(usize::from(self.open));
        (0..older).filter(move |&at| self.windows[at].rank == rank)
    }

    /// The first of a kind tell how it began and the last what came of it.
    fn drop_middle(&mut self, rank: Rank) -> bool {
        let middle = self.kept(rank).count() / 2;
        let at = self.kept(rank).nth(middle);
        if let Some(at) = at {
            self.held -= self.windows.remove(at).bytes;
            self.overflowed = true;
        }
        at.is_some()
    }

    /// A line into what is open, into the step's end and into what stands before the next hit.
    fn context(&mut self, text: &str, rank: Option<Rank>) {
        let line = Kept { number: self.number, text: shortened(text), rank };
        if self.open
            && let Some(window) = self.windows.last_mut()
        {
            let size = line.text.len() + 1;
            if window.left == 0
                || (window.bytes + size > window.limit
                    && !window.lines.is_empty()
                    && rank != Some(window.rank))
            {
                self.overflowed |= window.left > 0;
                self.open = false;
            } else {
                window.left -= usize::from(!text.is_empty());
                window.push(line.clone());
                self.held += size;
            }
        }
        if !text.is_empty() {
            self.before.push_back(line.clone());
            let mut bytes: usize = self.before.iter().map(|line| line.text.len()).sum();
            while self.before.len() > BEFORE_LINES || bytes > BEFORE_BYTES {
                bytes -= self.before.pop_front().map_or(bytes, |line| line.text.len());
            }
        }
        self.tail_bytes += line.text.len() + 1;
        self.tail.push_back(line);
        while self.tail_bytes > TAIL && self.tail.len() > 1 {
            self.tail_bytes -= self.tail.pop_front().map_or(0, |line| line.text.len() + 1);
        }
    }

    fn was_told(&mut self, text: &str, loosely: bool) -> bool {
        let bytes = text.trim().bytes().filter(|byte| !loosely || !byte.is_ascii_digit());
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let told = self.told.contains(&hash);
        if !told && self.told.len() < TOLD {
            self.told.push(hash);
        }
        told
    }

    fn mark_repeats(&mut self, times: u32) {
        let note = format!(" (×{})", times + 1);
        let number = self.number;
        let marked = |line: &mut Kept| {
            let marks = line.number == number && !line.text.is_empty();
            if marks {
                line.text.push_str(&note);
            }
            if marks { note.len() } else { 0 }
        };
        if let Some(window) = self.windows.last_mut() {
            let more = window.lines.last_mut().map_or(0, marked);
            window.bytes += more;
            self.held += more;
        }
        self.tail_bytes += self.tail.back_mut().map_or(0, marked);
    }
}

impl Window {
    fn push(&mut self, line: Kept) {
        self.bytes += line.text.len() + 1;
        self.lines.push(line);
    }
}
