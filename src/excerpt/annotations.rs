//! What a check's annotations add to the excerpt of its log.

use super::lines::{clean, unsafe_to_show};
use super::reader::{EXCERPT_LIMIT, Verdict};
use super::text::truncate;

/// The most that annotations take of an excerpt.
const ANNOTATED: usize = 1_600;

/// An annotation of a check run, as GitHub's API gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Annotation<'a> {
    /// `.github` where it has no file.
    pub path: &'a str,
    /// 1-based; 0 for none.
    pub line: u64,
    /// `notice`, `warning` or `failure`.
    pub level: &'a str,
    pub title: &'a str,
    pub message: &'a str,
}

/// Puts the failures among the annotations first, where they say more than that a process exited
/// badly and than the excerpt says already. The whole keeps to [`EXCERPT_LIMIT`].
pub fn with_annotations(mut verdict: Verdict, annotations: &[Annotation<'_>]) -> Verdict {
    let said = flattened(&verdict.excerpt);
    let mut head = String::new();
    for annotation in annotations.iter().filter(|annotation| annotation.level == "failure") {
        let Some(text) = written(annotation) else { continue };
        let message = flattened(annotation.message);
        if said.contains(&message) || flattened(&head).contains(&message) {
            continue;
        }
        if head.len() + text.len() + 1 > ANNOTATED {
            verdict.truncated = true;
            break;
        }
        head.push_str(&text);
        head.push('\n');
    }
    if head.is_empty() {
        return verdict;
    }
    let room = EXCERPT_LIMIT - head.len();
    if verdict.excerpt.len() > room {
        verdict.truncated = true;
    }
    head.push_str(truncate(&verdict.excerpt, room));
    verdict.excerpt = head.trim_end().to_owned();
    verdict
}

/// `path:line: title: message`, or nothing where it has no content.
fn written(annotation: &Annotation<'_>) -> Option<String> {
    let message = annotation.message.trim();
    if message.is_empty() || super::shapes::read(message).exit {
        return None;
    }
    let place = match (annotation.path, annotation.line) {
        ("" | ".github", _) => String::new(),
        (path, 0) => format!("{path}: "),
        (path, line) => format!("{path}:{line}: "),
    };
    let title = match annotation.title.trim() {
        "" => String::new(),
        title => format!("{title}: "),
    };
    let text: Vec<String> =
        message.lines().take(12).map(|line| clean(line.as_bytes()).into_owned()).collect();
    let head: String = format!("{place}{title}").chars().filter(|c| !unsafe_to_show(*c)).collect();
    Some(truncate(&format!("{head}{}", text.join("\n")), 600).to_owned())
}

fn flattened(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
