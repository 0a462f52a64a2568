//! Taste, checked by machine: what may know what, how a file looks, and that citations lead somewhere.

mod circles;
mod citations;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::stories::root;

/// The rooms of the crate in the order of their floors, and those that each of them may look into beside
/// itself.
///
/// `github/webhook` hands its reading over as the domain's `Verdict`; of `lifecycle` it uses pure functions. It
/// knows neither engine nor store. `github/api` is a room of its own, above the engine.
const ROOMS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("clock", &["domain"]),
    ("fake_github", &[]),
    ("config", &["domain"]),
    ("excerpt", &["domain"]),
    ("lifecycle", &["domain", "excerpt"]),
    ("github/webhook", &["domain", "excerpt", "lifecycle"]),
    ("store", &["domain", "lifecycle", "clock"]),
    ("engine", &["domain", "lifecycle", "store", "clock"]),
    ("api", &["domain", "excerpt", "lifecycle", "github/webhook", "store", "engine", "clock"]),
    (
        "github/api",
        &["domain", "excerpt", "lifecycle", "github/webhook", "store", "engine", "api", "clock"],
    ),
    ("session", &["domain", "excerpt", "lifecycle", "store", "engine", "api", "clock"]),
    (
        "outbox",
        &["domain", "lifecycle", "store", "engine", "api", "github/api", "session", "clock"],
    ),
    ("http", &["domain", "lifecycle", "github/webhook", "store", "engine", "api", "clock"]),
    (
        "app",
        &[
            "domain",
            "clock",
            "config",
            "lifecycle",
            "github/webhook",
            "store",
            "engine",
            "api",
            "github/api",
            "session",
            "outbox",
            "http",
        ],
    ),
    (
        "cli",
        &[
            "domain",
            "clock",
            "fake_github",
            "config",
            "excerpt",
            "github/webhook",
            "github/api",
            "store",
            "api",
            "session",
            "outbox",
            "http",
            "app",
        ],
    ),
];

/// No file is longer: beyond some 400 lines, look for the second room.
const MOST_LINES: usize = 450;

pub fn sources() -> Vec<(String, String)> {
    let (mut folders, mut files) = (vec![root().join("src")], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    assert!(files.len() > 50, "the sources were not found: {files:?}");
    files.iter().map(|path| (name(path), std::fs::read_to_string(path).expect("text"))).collect()
}

fn name(path: &Path) -> String {
    let inside: PathBuf = path.strip_prefix(root().join("src")).expect("inside src").to_owned();
    inside.display().to_string()
}

/// `store/mod.rs` and `config.rs` are in the rooms `store` and `config`; `github` has two.
pub fn room(file: &str) -> &str {
    let two = ["github/webhook", "github/api"].into_iter().find(|room| file.starts_with(room));
    two.unwrap_or_else(|| file.split('/').next().unwrap_or(file).trim_end_matches(".rs"))
}

/// The text without comments and string literals, so that only code is looked at.
pub fn code(text: &str) -> String {
    let lines = text.lines().map(|line| match line.split_once("//") {
        Some((code, _)) if !code.contains('"') => code,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The rooms named after `crate::` or `nudged::`, also in braces: `use crate::{store::X, engine}`.
fn known_rooms(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, stem) in text.match_indices("crate::").chain(text.match_indices("nudged::")) {
        let rest = &text[at + stem.len()..];
        let word = |text: &str| -> String {
            let text = text.trim_start();
            match text.strip_prefix("github") {
                Some(rest) if rest.starts_with("::api") => "github/api".to_owned(),
                Some(rest) if !rest.starts_with(is_word) => "github/webhook".to_owned(),
                _ => text.chars().take_while(|c| is_word(*c)).collect(),
            }
        };
        match rest.strip_prefix('{') {
            None => drop(found.insert(word(rest))),
            Some(group) => {
                let mut depth = 0;
                let mut first = true;
                for (index, c) in group.char_indices() {
                    if first && depth == 0 {
                        found.insert(word(&group[index..]));
                        first = false;
                    }
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => first = true,
                        _ => {}
                    }
                }
            }
        }
    }
    found
}

#[test]
fn imports_point_one_way() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        if ["lib.rs", "main.rs", "github/mod.rs"].contains(&file.as_str()) {
            continue;
        }
        let own = room(&file);
        let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == own) else {
            wrong.push(format!("src/{file} is in a room that the order of rooms does not have"));
            continue;
        };
        for other in known_rooms(&code(&text)) {
            let is_room = ROOMS.iter().any(|(name, _)| *name == other);
            if is_room && other != own && !allowed.contains(&other.as_str()) {
                wrong.push(format!("src/{file} ({own}) knows {other}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn one_room_knows_sqlite() {
    for (file, text) in sources() {
        let knows = ["rusqlite", "deadpool"].iter().any(|word| code(&text).contains(word));
        assert!(!knows || file.starts_with("store/sqlite/"), "src/{file} knows SQLite");
    }
}

#[test]
fn the_order_of_rooms_has_no_circle() {
    let at = |name: &str| ROOMS.iter().position(|(room, _)| *room == name);
    for (room, allowed) in ROOMS {
        for other in *allowed {
            assert!(at(other) < at(room), "{room} and {other}");
        }
    }
    let found =
        known_rooms("use crate::{store::{A, engine}, github};\nfn f() { crate::http::g() }");
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["github/webhook", "http", "store"]);
    assert!(known_rooms("use crate::github::api::Client;").contains("github/api"));
}

#[test]
fn the_pure_part_stays_pure() {
    let impure = [
        "rusqlite", "tokio", "async ", "hyper", "axum", "reqwest", "std::fs", "std::net", " rand::",
    ];
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        if !["domain", "lifecycle"].contains(&room(&file)) {
            continue;
        }
        let code = code(&text);
        wrong.extend(
            impure.iter().filter(|it| code.contains(*it)).map(|it| format!("{file}: {it}")),
        );
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_config_reads_the_environment_and_only_clock_the_time() {
    let rules: [(&str, &[&str]); 2] = [
        ("config", &["env::var", "env::vars"]),
        ("clock", &["SystemTime", "Timestamp::now()", "Zoned::now()", "UtcDateTime::now"]),
    ];
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let code = code(&text);
        for (owner, words) in rules {
            let hits = words.iter().filter(|word| code.contains(**word));
            wrong.extend(
                hits.filter(|_| room(&file) != owner).map(|word| format!("{file}: {word}")),
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // The rule would see what it is about.
    let text = |name: &str| sources().into_iter().find(|(file, _)| file == name).expect(name).1;
    assert!(
        text("config.rs").contains("env::var") && text("clock.rs").contains("Timestamp::now()")
    );
}

#[test]
fn every_file_says_what_it_is_for_and_none_is_too_long() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        if !text.starts_with("//! ") {
            wrong.push(format!("src/{file} does not begin with what it is for (`//!`)"));
        }
        let lines = text.lines().count();
        if lines > MOST_LINES {
            wrong.push(format!("src/{file} has {lines} lines; {MOST_LINES} is the most"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What is asked and ordered is the same over HTTP, on the command line and elsewhere.
#[test]
fn the_api_knows_no_http() {
    let words = ["axum", "hyper", "StatusCode", "HeaderMap"];
    let mut wrong = Vec::new();
    for (file, text) in sources().iter().filter(|(file, _)| room(file) == "api") {
        let code = code(text);
        wrong
            .extend(words.iter().filter(|it| code.contains(*it)).map(|it| format!("{file}: {it}")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(sources().iter().any(|(file, text)| room(file) == "http" && text.contains("axum")));
}

/// Rooms that still hold the store's connection; the list only shrinks.
const STILL_WITH_SQLITE: &[&str] = &["engine"];

#[test]
fn only_the_store_names_sqlite() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let may = room(&file) == "store" || STILL_WITH_SQLITE.contains(&room(&file));
        if !may && code(&text).contains("rusqlite") {
            wrong.push(file);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The log is the truth about changes because nothing but the triggers writes it.
#[test]
fn no_statement_of_ours_writes_the_change_log() {
    for (file, text) in sources() {
        let (product, _) = text.split_once("#[cfg(test)]").unwrap_or((&text, ""));
        for write in ["INTO change_log", "UPDATE change_log"] {
            assert!(!product.contains(write), "src/{file} has {write}");
        }
    }
}

/// SQLite prepares a statement anew whenever its LIMIT is a parameter that is bound again; an
/// expression around the parameter keeps it from looking.
#[test]
fn a_limit_that_is_bound_is_written_as_an_expression() {
    for (file, text) in sources() {
        for bare in ["LIMIT ?", "LIMIT :"] {
            assert!(!text.contains(bare), "{file}: write {bare:?} as \"LIMIT +{}\"", &bare[6..]);
        }
    }
}
