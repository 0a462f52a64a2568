//! Places in files, as tools write them.

/// A place in a file at a line's beginning.
pub struct Place<'a> {
    pub column: bool,
    /// A colon follows the place.
    pub directed: bool,
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
