//! What a terminal shows, as lines of text; dim text is told apart, for agents show their suggestions so.

use std::fmt;

/// The visible lines of a terminal, from the top.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Screen {
    lines: Vec<Line>,
}

/// One line, without the spaces at its end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    /// All that is to be seen.
    pub text: String,
    /// The same without what is dim.
    pub bright: String,
}

impl Screen {
    /// Reads text with escape sequences, as `capture-pane -e` gives it. Of them only those that set dim text
    /// matter (SGR 2, 22 and 0, and shades of grey); all are taken out.
    pub fn parse(text: &str) -> Self {
        let mut is_dim = false;
        let mut lines: Vec<Line> = text.lines().map(|line| parse_line(line, &mut is_dim)).collect();
        while lines.last().is_some_and(|line| line.text.is_empty()) {
            lines.pop();
        }
        Self { lines }
    }

    /// The lines down to the last that is not empty.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The last lines that say something, at most so many, for a person to read.
    pub fn last(&self, most: usize) -> Vec<&str> {
        let said = self.lines.iter().map(|line| line.text.as_str());
        let mut said: Vec<&str> =
            said.rev().filter(|line| !line.trim().is_empty()).take(most).collect();
        said.reverse();
        said
    }

    /// Whether a text is to be seen anywhere, also where the terminal has broken it into lines.
    pub fn shows(&self, text: &str) -> bool {
        let squeeze = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        let all: String = self.lines.iter().map(|line| squeeze(&line.text)).collect();
        all.contains(&squeeze(text))
    }
}

impl fmt::Display for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            writeln!(f, "{}", line.text)?;
        }
        Ok(())
    }
}

fn parse_line(line: &str, is_dim: &mut bool) -> Line {
    let (mut text, mut bright) = (String::new(), String::new());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => {
                if let Some(sgr) = escape(&mut chars) {
                    read_sgr(&sgr, is_dim);
                }
            }
            c if c.is_control() => {}
            c => {
                text.push(c);
                bright.push(if *is_dim { ' ' } else { c });
            }
        }
    }
    let end = |text: &str| text.trim_end_matches([' ', '\u{a0}']).to_owned();
    Line { text: end(&text), bright: end(&bright) }
}

/// Reads an escape sequence to its end; the parameters of one that sets attributes.
fn escape(chars: &mut std::str::Chars<'_>) -> Option<String> {
    match chars.next()? {
        '[' => {
            let mut parameters = String::new();
            for c in chars.by_ref() {
                match c {
                    '\u{40}'..='\u{7e}' => return (c == 'm').then_some(parameters),
                    c => parameters.push(c),
                }
            }
            None
        }
        // Links: to the end of the string.
        ']' => {
            let mut before = ' ';
            for c in chars.by_ref() {
                if c == '\u{7}' || (before == '\u{1b}' && c == '\\') {
                    break;
                }
                before = c;
            }
            None
        }
        '(' | ')' => {
            chars.next();
            None
        }
        _ => None,
    }
}

fn read_sgr(parameters: &str, is_dim: &mut bool) {
    let mut numbers = parameters.split([';', ':']).map(|number| number.parse::<u16>().unwrap_or(0));
    while let Some(number) = numbers.next() {
        match number {
            0 | 22 => *is_dim = false,
            2 => *is_dim = true,
            // A colour by number or by its parts: these are no attributes.
            38 | 48 | 58 => match numbers.next() {
                Some(5) => drop(numbers.next()),
                Some(2) => drop(numbers.by_ref().take(3).count()),
                _ => {}
            },
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dim_text_is_told_apart() {
        let screen = Screen::parse(
            "\u{1b}[1m❯\u{1b}[0m \u{1b}[2mTry \"fix\"\u{1b}[22m x  \n\n\u{1b}[38;5;2mok\u{1b}[39m\n\n",
        );
        assert_eq!(screen.lines().len(), 3);
        assert_eq!(screen.lines()[0].text, "❯ Try \"fix\" x");
        assert_eq!(screen.lines()[0].bright, "❯           x");
        assert_eq!(screen.lines()[2].bright, "ok");
        assert_eq!(screen.last(1), ["ok"]);
    }

    #[test]
    fn broken_lines_are_read_as_one() {
        let screen = Screen::parse("> [nudge 17] CI fai\n  led\n");
        assert!(screen.shows("[nudge 17] CI failed") && !screen.shows("[nudge 18]"));
        let link = Screen::parse("\u{1b}]8;;http://x\u{1b}\\here\u{1b}]8;;\u{1b}\\ \u{1b}(B.");
        assert_eq!(link.lines()[0].text, "here .");
    }
}
