//! A command line from a harness's words: each value one argument, never through a shell.

use std::ffi::OsString;

use super::Harness;

/// What the words in braces stand for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Values<'a> {
    pub(super) prompt: Option<&'a str>,
    pub(super) session_id: &'a str,
    pub(super) agent_session_id: Option<&'a str>,
    pub(super) workspace: &'a std::path::Path,
}

/// A command line, and whether the prompt is in it.
pub(super) struct Line {
    pub(super) words: Vec<OsString>,
    pub(super) has_prompt: bool,
}

/// Fills in the words of `template`. `added` are arguments of our own; they and the harness's `args` stand where
/// `{args}` is, else right after the program. Where there is no prompt its argument is left out, with a `--`
/// before it.
pub(super) fn line(
    harness: &Harness,
    template: &[String],
    added: &[OsString],
    values: Values<'_>,
) -> Line {
    let mut words: Vec<OsString> = Vec::new();
    let further = || harness.args.iter().map(OsString::from).chain(added.iter().cloned());
    let names_args = template.iter().any(|word| word == "{args}");
    let mut has_prompt = false;
    for (at, word) in template.iter().enumerate() {
        if at == 0 {
            words.push(harness.program.as_ref().unwrap_or(word).into());
            if !names_args {
                words.extend(further());
            }
        } else if word == "{args}" {
            words.extend(further());
        } else if word.contains("{prompt}") && values.prompt.is_none() {
            if words.len() > 1 && words.last().is_some_and(|word| word == "--") {
                words.pop();
            }
        } else {
            has_prompt |= word.contains("{prompt}");
            words.push(filled(word, values));
        }
    }
    Line { words, has_prompt }
}

/// Replaces each known name once, from the left: a value is never looked through again.
fn filled(word: &str, values: Values<'_>) -> OsString {
    let mut filled = OsString::new();
    let mut rest = word;
    while let Some(at) = rest.find('{') {
        filled.push(&rest[..at]);
        rest = &rest[at..];
        let end = rest.find('}').map_or(rest.len(), |end| end + 1);
        let value: Option<std::borrow::Cow<'_, std::ffi::OsStr>> = match &rest[..end] {
            "{prompt}" => values.prompt.map(|it| std::ffi::OsStr::new(it).into()),
            "{sessionId}" => Some(std::ffi::OsStr::new(values.session_id).into()),
            "{agentSessionId}" => values.agent_session_id.map(|it| std::ffi::OsStr::new(it).into()),
            "{workspace}" => Some(values.workspace.as_os_str().into()),
            _ => None,
        };
        match value {
            Some(value) => {
                filled.push(value);
                rest = &rest[end..];
            }
            None => {
                filled.push("{");
                rest = &rest[1..];
            }
        }
    }
    filled.push(rest);
    filled
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::builtin;
    use super::*;

    fn values(prompt: Option<&'static str>) -> Values<'static> {
        let workspace = Path::new("/w/mer 1");
        Values { prompt, session_id: "mer-1", agent_session_id: Some("u-1"), workspace }
    }

    fn text(line: Line) -> String {
        line.words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn each_value_is_one_argument() {
        let mut claude = builtin::all().remove(0);
        claude.args = vec!["--model".to_owned(), "a b".to_owned()];
        claude.program = Some("/opt/c".to_owned());
        let start = line(
            &claude,
            &claude.start,
            &["-x".into()],
            values(Some("$(id) {workspace}; 'q'\n-x")),
        );
        assert!(start.has_prompt);
        assert_eq!(
            text(start),
            "/opt/c|--model|a b|-x|--session-id|u-1|--|$(id) {workspace}; 'q'\n-x"
        );
        let resume = line(&claude, &claude.resume, &[], values(None));
        assert!(!resume.has_prompt);
        assert_eq!(text(resume), "/opt/c|--model|a b|--resume|u-1");
    }

    #[test]
    fn words_of_ones_own_are_kept() {
        let mut mine = builtin::all().remove(3);
        mine.args = vec!["-q".to_owned()];
        mine.start = ["sh", "{workspace}/a.sh", "--id={sessionId}", "{unknown}", "{", "a{prompt}"]
            .map(str::to_owned)
            .to_vec();
        let start = line(&mine, &mine.start, &[], values(Some("p")));
        assert_eq!(text(start), "sh|-q|/w/mer 1/a.sh|--id=mer-1|{unknown}|{|ap");
        let without = line(&mine, &mine.start, &[], values(None));
        assert_eq!(text(without), "sh|-q|/w/mer 1/a.sh|--id=mer-1|{unknown}|{");
    }
}
