//! Citations that lead somewhere: rules by their number, pages, files, and names of the code.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::sources;
use crate::stories::root;

const RULES: &str = "docs/github-rules.md";

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The numbers of the rules: `12. A name …` at the beginning of a line.
fn rules() -> BTreeSet<u32> {
    let page = text(RULES);
    let numbers = page.lines().filter_map(|line| line.split_once(". ")?.0.parse().ok());
    numbers.collect()
}

/// The files below a folder that have this ending.
fn below(folder: &str, ending: &str) -> Vec<PathBuf> {
    let (mut folders, mut files) = (vec![root().join(folder)], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                files.push(path);
            }
        }
    }
    files
}

/// All that may cite: code, tests and pages, by name.
fn citing() -> Vec<(String, String)> {
    let mut files = [below("src", ".rs"), below("tests", ".rs"), below("benches", ".rs")].concat();
    files.extend(pages());
    let read = |path: PathBuf| {
        let name = path.strip_prefix(root()).expect("inside").display().to_string();
        (name, std::fs::read_to_string(path).expect("text"))
    };
    // This file speaks of citations without citing.
    files.into_iter().map(read).filter(|(name, _)| !name.ends_with("citations.rs")).collect()
}

fn pages() -> Vec<PathBuf> {
    [below("docs", ".md"), vec![root().join("README.md")]].concat()
}

/// The numbers that a citation gives: `5`, `5 to 8`, `2 and 3`, `10, 11, 17 and 18`.
fn numbers(after: &str) -> Vec<u32> {
    let mut numbers: Vec<u32> = Vec::new();
    let mut range = false;
    for word in after.split_whitespace() {
        let digits: String = word.chars().take_while(char::is_ascii_digit).collect();
        match (digits.parse(), word) {
            (Ok(number), _) => {
                let from =
                    if range { numbers.last().map_or(number, |last| last + 1) } else { number };
                numbers.extend(from..=number);
                range = false;
                if !word[digits.len()..].is_empty() && !word.ends_with(',') {
                    break;
                }
            }
            (_, "to") => range = true,
            (_, "and") => {}
            _ => break,
        }
    }
    numbers
}

#[test]
fn rules_are_cited_by_numbers_that_exist() {
    let known = rules();
    assert!(known.len() >= 26, "{known:?}");
    let (mut wrong, mut found) = (Vec::new(), 0);
    for (file, text) in citing() {
        for (at, name) in text.match_indices("github-rules") {
            let after = &text[at + name.len()..];
            if !text[..at].ends_with("docs/") && !file.starts_with("docs/") {
                wrong.push(format!("{file}: write {RULES}"));
            }
            let after = after.trim_start_matches(".md").trim_start_matches('`');
            let cited = numbers(after);
            found += cited.len();
            let missing = cited.into_iter().filter(|number| !known.contains(number));
            wrong.extend(missing.map(|number| format!("{file}: there is no rule {number}")));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(found >= 20, "only {found} citations");
    assert_eq!(numbers(" 5 to 8): what"), [5, 6, 7, 8]);
    assert_eq!(numbers(" 10, 11, 17 and 18)."), [10, 11, 17, 18]);
}

#[test]
fn pages_and_files_that_are_cited_exist() {
    let mut wrong = Vec::new();
    let mut check = |file: &str, base: &Path, cited: &str| {
        let path = cited.split('#').next().unwrap_or_default();
        if !path.is_empty() && !base.join(path).exists() {
            wrong.push(format!("{file}: there is no {cited}"));
        }
    };
    for (file, text) in citing() {
        for (at, _) in text.match_indices("docs/") {
            let path = |c: &char| c.is_alphanumeric() || "/-_.".contains(*c);
            let cited: String = text[at..].chars().take_while(path).collect();
            if text[..at].ends_with(['`', ' ', '(']) {
                check(&file, &root(), cited.trim_end_matches('.'));
            }
        }
    }
    for page in pages() {
        let name = page.display().to_string();
        let text = std::fs::read_to_string(&page).expect("a page");
        let folder = page.parent().expect("a folder");
        for (at, _) in text.match_indices("](") {
            let link = text[at + 2..].split(')').next().unwrap_or_default();
            if !link.contains("://") {
                check(&name, folder, link);
            }
        }
        for quoted in quoted(&text) {
            let starts = ["src/", "tests/", "migrations/", "fixtures/", "benches/", "deploy/"];
            let whole = !quoted.contains(['{', '*', ' ', '<', 'X', 'N']);
            if whole && starts.iter().any(|start| quoted.starts_with(start)) {
                check(&name, &root(), quoted);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What stands in backticks, outside of blocks.
fn quoted(text: &str) -> Vec<&str> {
    let plain = text.split("```").step_by(2);
    plain.flat_map(|plain| plain.split('`').skip(1).step_by(2)).collect()
}

/// Whether the code has what `a::b` names: a file that defines `b` and is, or has, `a`.
fn exists(name: &str, sources: &[(String, String)]) -> bool {
    let name = name.split('(').next().unwrap_or(name);
    let parts: Vec<&str> = name.split("::").collect();
    let [.., owner, last] = parts[..] else { return false };
    let words = |text: &str, word: &str, before: &[&str]| {
        text.match_indices(word).any(|(at, _)| {
            let ends =
                !text[at + word.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_');
            ends && before.iter().any(|before| text[..at].ends_with(before))
        })
    };
    let defines = [
        "fn ",
        "struct ",
        "enum ",
        "trait ",
        "const ",
        "type ",
        "mod ",
        "static ",
        "macro_rules! ",
    ];
    let variant = [defines.as_slice(), &["    "]].concat();
    sources.iter().any(|(file, text)| {
        let is = file.trim_end_matches(".rs").split('/').any(|part| part == owner);
        let has = words(text, owner, &["struct ", "enum ", "trait ", "type "])
            || text.contains(&format!("for {owner}"))
            || text.contains(&format!("impl {owner}"));
        (is || has) && words(text, last, if has { &variant } else { &defines })
    })
}

#[test]
fn names_of_the_code_that_pages_cite_exist() {
    let sources = sources();
    let (mut wrong, mut found) = (Vec::new(), 0);
    for page in below("docs", ".md") {
        let text = std::fs::read_to_string(&page).expect("a page");
        let is_name = |it: &&str| {
            it.contains("::") && it.chars().all(|c| c.is_alphanumeric() || "_:()".contains(c))
        };
        for name in quoted(&text).into_iter().filter(is_name) {
            found += 1;
            if !exists(name, &sources) {
                wrong.push(format!("{}: {name}", page.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(found >= 20, "only {found} names");
    assert!(exists("Engine::receive", &sources) && exists("batch::commit", &sources));
    assert!(!exists("Engine::recieve", &sources) && !exists("pull::receive", &sources));
}
