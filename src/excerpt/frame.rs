//! Frames of stack traces.

/// A frame of a stack trace, as Java, JavaScript, .NET, Rust, Python, Ruby, PHP and Go print it.
pub fn is_frame(text: &str, inner: &str) -> bool {
    let indented = text.len() > inner.len();
    if let Some(rest) = inner.strip_prefix("at ") {
        return indented && (rest.contains(':') || rest.contains('(') || rest.contains('.'));
    }
    if let Some(rest) = inner.strip_prefix("File \"") {
        return indented && rest.contains("\", line ");
    }
    if let Some(rest) = inner.strip_prefix("from ") {
        return indented && rest.contains(":in ");
    }
    if let Some(rest) = inner.strip_prefix("# ") {
        return indented && rest.contains(".rb:") || rest.contains(":in ");
    }
    if let Some(rest) = inner.strip_prefix('#') {
        let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        return rest.starts_with(" 0x") || (rest.starts_with(" /") && rest.contains("): "));
    }
    // rust: `  12: path::to::function`
    let after = inner.trim_start_matches(|c: char| c.is_ascii_digit());
    if indented && after.len() < inner.len() {
        return after
            .strip_prefix(": ")
            .is_some_and(|rest| rest.contains("::") && !rest.contains(' '));
    }
    // go: `	/path/file.go:12 +0x1d`
    text.starts_with('\t') && inner.contains(".go:") && inner.contains(" +0x")
}
