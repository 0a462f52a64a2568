//! Places in files as tools write them.

/// `error: …`, `error C2065: …`, `fatal error: …`, but not `error 3 was handled`.
pub fn says_error(text: &str) -> bool {
    let text = text.strip_prefix("fatal ").unwrap_or(text);
    if text == "Failure" {
        return true;
    }
    let Some(rest) = text.strip_prefix("error").or_else(|| text.strip_prefix("Error")) else {
        return false;
    };
    rest.starts_with([':', '['])
        || rest
            .strip_prefix(' ')
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
}

/// A place in a file at a line's beginning.
pub struct Place<'a> {
    /// With a column.
    pub column: bool,
    /// A colon follows the place.
    pub directed: bool,
    /// What follows it.
    pub rest: &'a str,
}

/// Reads `a/b.c:1:2`, `a/b.c:1`, `a\b.cs(1,2)`, `/a/B.java:[1,2]` at the beginning of `text`, after
/// words such as `ERROR:`.
pub fn place(text: &str) -> Option<Place<'_>> {
    let text = [
        "[ERROR] ",
        "ERROR: ",
        "ERROR ",
        "error: ",
        "Error: ",
        "e: file://",
        "e: ",
        "-> ",
        "--> ",
        "❯ ",
    ]
    .iter()
    .find_map(|word| text.strip_prefix(word))
    .unwrap_or(text)
    .trim_start();
    let bytes = text.as_bytes();
    let window = &bytes[..bytes.len().min(240)];
    let mut from = 0;
    // A drive's letter.
    if window.len() > 2
        && window[0].is_ascii_alphabetic()
        && window[1] == b':'
        && matches!(window[2], b'\\' | b'/')
    {
        from = 2;
    }
    let at = from
        + window[from..].iter().position(|b| matches!(b, b':' | b'(' | b' ' | b'\t' | b'"'))?;
    let ending = window[..at].iter().rev().take_while(|b| b.is_ascii_alphanumeric()).count();
    if !(1..=8).contains(&ending) || at <= ending || window[at - ending - 1] != b'.' {
        return None;
    }
    if window[at - ending..at].iter().all(u8::is_ascii_digit) {
        return None;
    }
    let (open, mut numbers) = match window[at] {
        b'(' => (true, &text[at + 1..]),
        b':' => match text[at + 1..].strip_prefix('[') {
            Some(rest) => (true, rest),
            None => (false, &text[at + 1..]),
        },
        _ => return None,
    };
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let line = digits(numbers);
    if line == 0 || line > 7 {
        return None;
    }
    numbers = &numbers[line..];
    let mut column = false;
    let separator = if open { ',' } else { ':' };
    if let Some(rest) = numbers.strip_prefix(separator)
        && digits(rest) > 0
    {
        column = true;
        numbers = &rest[digits(rest)..];
    }
    if open {
        numbers = numbers.strip_prefix(')').or_else(|| numbers.strip_prefix(']'))?;
    }
    let directed = numbers.starts_with(':');
    if !(directed || numbers.is_empty() || numbers.starts_with([' ', '-'])) {
        return None;
    }
    Some(Place { column, directed, rest: numbers })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read() {
        for (text, column, rest) in [
            ("src/a.c:3:5: error: x", true, ": error: x"),
            ("src/main.ts(15,1): error TS1", true, ": error TS1"),
            ("/a/B.java:[31,17] cannot find symbol", true, " cannot find symbol"),
            ("D:\\a\\b.cpp(12): error C2065", false, ": error C2065"),
            ("a_test.go:24: no", false, ": no"),
            ("--> src/lib.rs:9:9", true, ""),
        ] {
            let found = place(text).map(|place| (place.column, place.rest));
            assert_eq!(found, Some((column, rest)), "{text}");
        }
        for text in
            ["10.0.0.1:80: up", "12:30:01 now", "https://a.b:80/c", "see a.c:3:5", "v1.2.3:4"]
        {
            assert!(place(text).is_none(), "{text}");
        }
        assert!(
            says_error("error: x")
                && says_error("fatal error C1")
                && !says_error("error 3 was handled")
        );
    }
}
