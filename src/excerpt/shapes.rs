//! What a line is: the marks found in it, and the shapes that tools' reports have in common.

use std::sync::LazyLock;

use super::automaton::Automaton;
use super::failures::{EXITS, FAILURES};
use super::frame::is_frame;
use super::judge::JUDGES;
use super::marks::{At, Group, Rank, Role, Weight};
use super::noise::NOISE;
use super::place::{place, says_error};
use crate::domain::FailureClass;

/// What is known of a line by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sign {
    pub rank: Option<Rank>,
    pub noise: bool,
    pub pass: bool,
    pub exit: bool,
    /// A frame of a stack trace; `Some(true)` of the project's own code.
    pub frame: Option<bool>,
    pub judge: Option<(FailureClass, Weight)>,
    pub remains: bool,
    /// It begins with a place: `file:line`.
    pub located: bool,
    /// A linter's row, whose file stands in a heading above.
    pub row: bool,
    /// Names a file and nothing else.
    pub heading: bool,
    /// A place that belongs to the message above it (` --> src/a.rs:1:2`).
    pub arrow: bool,
    /// News or a warning.
    pub mild: bool,
    /// As [`Role::Aside`].
    pub aside: Option<bool>,
}

struct Needle {
    text: &'static str,
    at: At,
    role: Role,
    exact: bool,
}

struct Table {
    needles: Vec<Needle>,
    automaton: Automaton,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let groups = [NOISE, EXITS, JUDGES, FAILURES];
    let needles: Vec<Needle> = groups.into_iter().flatten().flat_map(compile).collect();
    let automaton = Automaton::new(needles.iter().map(|needle| needle.text));
    Table { needles, automaton }
});

fn compile(&(role, at, texts): &'static Group) -> impl Iterator<Item = Needle> {
    texts.iter().map(move |&text| Needle {
        text,
        at,
        role,
        exact: text.bytes().any(|b| b.is_ascii_uppercase()),
    })
}

/// Reads a line (clean text) by its marks and its shape.
pub fn read(text: &str) -> Sign {
    let mut sign = Sign::default();
    let bytes = text.as_bytes();
    let inner = unprefixed(text);
    let start = text.len() - inner.len();
    if inner.is_empty() {
        return sign;
    }
    let mut mild = false;
    let mut library = false;
    let mut best: Option<Rank> = None;
    let table = &*TABLE;
    table.automaton.find(bytes, |index, end| {
        let needle = &table.needles[index];
        let from = end - needle.text.len();
        let found = &bytes[from..end];
        if needle.exact && found != needle.text.as_bytes() {
            return;
        }
        let stands = match needle.at {
            At::Any => {
                from == 0
                    || !bytes[from].is_ascii_alphanumeric()
                    || !bytes[from - 1].is_ascii_alphanumeric() && bytes[from - 1] != b'_'
            }
            At::Inside => true,
            At::Line => from == 0 || from == start && start > 0 && bytes[0] == b'#',
            At::Start => from == start,
            At::End => end == bytes.len(),
            At::Word => is_word(bytes, from, end),
            At::First => {
                from >= start
                    && (end == bytes.len() || bytes[end] == b' ')
                    && !bytes[start..from].iter().any(|b| matches!(b, b' ' | b'\t' | b'/' | b'('))
                    && (needle.text.ends_with(':') || from > start)
            }
        };
        if !stands {
            return;
        }
        match needle.role {
            Role::Hit(rank) => best = Some(best.map_or(rank, |best| best.min(rank))),
            Role::Count(rank) => {
                if !counted_zero(bytes, from, end)
                    && (rank != Rank::Summary || counted(bytes, from, end))
                {
                    best = Some(best.map_or(rank, |best| best.min(rank)));
                }
            }
            Role::Pass => sign.pass = true,
            Role::Noise => sign.noise = true,
            Role::Mild => mild = true,
            Role::Exit => sign.exit = true,
            Role::Judge(class, weight) => {
                if sign.judge.is_none_or(|(_, was)| was < weight) {
                    sign.judge = Some((class, weight));
                }
            }
            Role::Aside(short) => sign.aside = Some(short),
            Role::Library => library = true,
            Role::Remains => sign.remains = true,
        }
    });
    sign.mild = mild;
    if sign.aside.is_some() {
        return sign;
    }
    if sign.noise {
        return Sign { noise: true, remains: sign.remains, judge: sign.judge, ..Sign::default() };
    }
    if is_frame(text, inner) {
        sign.frame = Some(!library);
        sign.rank = None;
        return sign;
    }
    let shape = shape(text, inner, &mut sign);
    best = match (best, shape) {
        (Some(best), Some(shape)) => Some(best.min(shape)),
        (best, shape) => best.or(shape),
    };
    // A list of what ran, with how long it took: the details come elsewhere.
    if best == Some(Rank::Test) && inner.starts_with(['✘', '✗', '✕', '×']) && inner.ends_with("s)")
    {
        best = Some(Rank::Name);
    }
    if best == Some(Rank::Name) || best == Some(Rank::Test) {
        mild = false;
    }
    if mild && best.is_some_and(|best| best >= Rank::Content) && sign.judge.is_none() {
        best = Some(Rank::Bare);
    }
    sign.rank = best;
    if sign.pass && sign.judge.is_none_or(|(_, weight)| weight == Weight::Usual) {
        sign.rank = None;
        sign.judge = None;
    }
    sign
}

/// The text without its indent and what docker's builder (`#12 0.345 `) or ctest (`1: `) put
/// before each line.
pub fn unprefixed(text: &str) -> &str {
    let inner = text.trim_start();
    let Some(rest) = inner.strip_prefix('#') else {
        let after = text.trim_start_matches(|c: char| c.is_ascii_digit());
        return match after.strip_prefix(": ") {
            Some(rest) if after.len() < text.len() => rest.trim_start(),
            _ => inner,
        };
    };
    let Some((number, rest)) = rest.split_once(' ') else {
        return inner;
    };
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
        return inner;
    }
    let after = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    match after.strip_prefix('.') {
        Some(fraction) if after.len() < rest.len() => {
            fraction.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start()
        }
        _ => rest,
    }
}

fn is_word(bytes: &[u8], from: usize, end: usize) -> bool {
    let inside =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'/' | b'.' | b'\\');
    let before = from.checked_sub(1).map(|at| bytes[at]);
    let after = bytes.get(end).copied();
    let next = bytes.get(end + 1).copied();
    !before.is_some_and(inside)
        && match after {
            // A full stop ends a sentence, or begins a file's ending.
            Some(b'.') => next.is_none_or(|b| b == b' '),
            Some(b'(') => false,
            Some(b) => !inside(b),
            None => true,
        }
}

/// `0 failed`, `no errors`, `failures: 0`, `errors=0`.
fn counted_zero(bytes: &[u8], from: usize, end: usize) -> bool {
    let before = bytes[..from].trim_ascii_end();
    let number = before.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    if number > 0 && before[before.len() - number..].iter().all(|&b| b == b'0') {
        return before.len() < number + 1 || before[before.len() - number - 1] != b'.';
    }
    if before.to_ascii_lowercase().ends_with(b"no") || before.ends_with(b"without") {
        return true;
    }
    let after = bytes[end..].trim_ascii_start();
    let Some(after) = after.strip_prefix(b":").or_else(|| after.strip_prefix(b"=")) else {
        return false;
    };
    let after = after.trim_ascii_start();
    after.first() == Some(&b'0') && !after.get(1).is_some_and(u8::is_ascii_alphanumeric)
}

/// `3 failed`, `failures: 2`, `errors=1`.
fn counted(bytes: &[u8], from: usize, end: usize) -> bool {
    let before = bytes[..from].trim_ascii_end();
    if before.last().is_some_and(u8::is_ascii_digit) {
        return true;
    }
    let after = bytes[end..].trim_ascii_start();
    let after = after.strip_prefix(b":").or_else(|| after.strip_prefix(b"="));
    after.is_some_and(|after| after.trim_ascii_start().first().is_some_and(u8::is_ascii_digit))
}

/// The shapes that are no fixed texts.
fn shape(text: &str, inner: &str, sign: &mut Sign) -> Option<Rank> {
    let indent = text.len() - inner.len();
    let first = inner.as_bytes()[0];
    // pytest: `____ test_x ____`, `E   message`, `>   code`
    if first == b'_' && inner.starts_with("___") && inner.ends_with("__") && inner.contains(' ') {
        return Some(Rank::Test);
    }
    if text == "E" || text.starts_with("E  ") {
        return Some(Rank::Content);
    }
    if first.is_ascii_digit() {
        let after = inner.trim_start_matches(|c: char| c.is_ascii_digit());
        let digits = inner.len() - after.len();
        // rspec, mocha, playwright, minitest, phpunit: `  1) name`
        if let Some(name) = after.strip_prefix(") ").filter(|_| digits < 4) {
            let real = indent >= 2 || name.contains("::") || name.contains(" › ");
            return (real && name.len() > 2).then_some(Rank::Test);
        }
        // eslint, stylelint, yamllint: `  1:7  error  message  rule`
        if let Some(rest) = after.strip_prefix(':') {
            let column = rest.trim_start_matches(|c: char| c.is_ascii_digit());
            if column.len() < rest.len() && indent > 0 && column.starts_with(' ') {
                let word = column.trim_start();
                if word.starts_with("error") || word.starts_with("✖") || word.starts_with("×") {
                    sign.row = true;
                    return Some(Rank::Located);
                }
                return None;
            }
        }
    }
    // shellcheck: `In a.sh line 3:`
    if inner.starts_with("In ") && inner.ends_with(':') && inner.contains(" line ") {
        return Some(Rank::Test);
    }
    if inner.starts_with("FILE: ") {
        sign.heading = true;
        return None;
    }
    sign.arrow = inner.starts_with("--> ");
    if let Some(place) = place(inner) {
        sign.located = true;
        if sign.arrow {
            return place.rest.is_empty().then_some(Rank::Located);
        }
        let rest = place.rest.trim_start_matches([':', ' ', '-', '>']);
        let mild = [
            "warning",
            "note",
            "info",
            "Warning",
            "INFO",
            "DEBUG",
            "WARN",
            "remark",
            "required from",
            "In function",
            "In file",
        ];
        if mild.iter().any(|word| rest.starts_with(word)) || rest.contains("Warning: ") {
            return None;
        }
        if says_error(rest) {
            return Some(Rank::Located);
        }
        if rest.is_empty() {
            sign.heading = !place.column;
            return None;
        }
        if place.column && indent == 0 {
            return Some(Rank::Located);
        }
        // `file:line: message` is how go reports, but also how programs log.
        return Some(if place.directed { Rank::Generic } else { Rank::Bare });
    }
    sign.heading = indent == 0
        && !inner.contains(' ')
        && inner.contains('.')
        && (inner.contains('/') || inner.contains('\\'))
        && !inner.contains("://");
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_fits() {
        let bytes: usize = TABLE.needles.iter().map(|needle| needle.text.len()).sum();
        assert!(bytes < 1 << 15, "{bytes}");
    }

    #[test]
    fn failures_are_known() {
        let cases = [
            ("--- FAIL: TestPopKeepsOrder (0.00s)", Rank::Test),
            (
                "_____________________ ERROR collecting tests/test_cli.py ______________________",
                Rank::Test,
            ),
            ("  1) queue keeps order:", Rank::Test),
            ("1) FooTest::testBar", Rank::Test),
            ("error[E0425]: cannot find value `x` in this scope", Rank::Content),
            ("thread 'tests::a' panicked at src/lib.rs:9:9:", Rank::Content),
            ("E   TypeError: 'type' object is not subscriptable", Rank::Content),
            ("java.lang.NumberFormatException: For input string: \"BALC\"", Rank::Content),
            ("src/a.c:3:5: error: 'x' undeclared", Rank::Located),
            ("src/main.ts(15,1): error TS2345: Argument", Rank::Located),
            ("./x.go:5:2: undefined: foo", Rank::Located),
            (
                "  1:7   error  'os' is assigned a value but never used  no-unused-vars",
                Rank::Located,
            ),
            ("D:\\a\\x\\y.cpp(12): error C2065: 'x': undeclared identifier", Rank::Located),
            ("test a::b ... FAILED", Rank::Name),
            ("=== 1 failed, 2 passed in 0.10s ===", Rank::Summary),
        ];
        for (text, rank) in cases {
            let found = read(text).rank;
            assert!(found.is_some_and(|found| found <= rank), "{text}: {found:?}");
        }
    }

    #[test]
    fn what_passes_is_no_failure() {
        for text in [
            "tests/test_x.py::test_x_failure PASSED                    [ 10%]",
            "-- Performing Test HAVE_STRERROR - Failed",
            "test result: ok. 3 passed; 0 failed; 0 ignored",
            "[INFO] Tests run: 6, Failures: 0, Errors: 0, Skipped: 0",
            "Finished with 0 errors",
            "   Compiling thiserror v1.0.69",
            "test errors::fails_loudly ... ok",
            "    ✓ should fail verification if video ID does not match (1 ms)",
            "ok  \texample.com/pkg/errors\t0.005s",
            "gcc -Werror -c error.c -o error.o",
        ] {
            let sign = read(text);
            assert!(sign.rank.is_none_or(|rank| rank >= Rank::Bare), "{text}: {sign:?}");
        }
    }

    #[test]
    fn frames_are_known_by_whose_they_are() {
        assert_eq!(read("\tat org.junit.Assert.fail(Assert.java:89)").frame, Some(false));
        assert_eq!(read("\tat dev.acme.RowTest.a(RowTest.java:28)").frame, Some(true));
        assert_eq!(
            read("      at new A (../../node_modules/undici/a.js:20:17)").frame,
            Some(false)
        );
        assert_eq!(read("  File \"/home/x/app.py\", line 3, in f").frame, Some(true));
    }
}
