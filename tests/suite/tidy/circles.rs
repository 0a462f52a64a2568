//! Files of a room that know each other in a circle.
//!
//! The head of a folder (`mod.rs`, or the file beside the folder) and what lies below it may know each other:
//! the head hands out what its files share. What it only passes on (`pub use`) it does not know.

use std::collections::{BTreeMap, BTreeSet};

use super::{code, is_word, sources};

/// The path of a module: `["engine", "batch"]`.
type Module = Vec<String>;

/// What a file says of others.
#[derive(Default)]
struct Uses {
    /// Paths in `pub use`, and in `use`.
    passed_on: Vec<Vec<String>>,
    used: Vec<Vec<String>>,
}

/// Rooms whose circles are left for now.
const LEFT: &[&str] = &["http"];

fn module(file: &str) -> Module {
    let mut parts: Module = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if parts.last().is_some_and(|last| last == "mod") {
        parts.pop();
    }
    if parts == ["lib"] { Vec::new() } else { parts }
}

/// `a::{b, c::{d, e as f}}` as its paths.
fn expand(tree: &str) -> Vec<Vec<String>> {
    let tree = tree.trim();
    let segments = |path: &str| -> Vec<String> {
        let path = path.split(" as ").next().unwrap_or(path);
        path.split("::")
            .map(|part| part.trim().to_owned())
            .filter(|part| !part.is_empty())
            .collect()
    };
    let Some((before, inner)) = tree.split_once('{') else { return vec![segments(tree)] };
    let inner = inner.trim_end().strip_suffix('}').unwrap_or(inner);
    let (mut depth, mut from, mut items) = (0, 0, Vec::new());
    for (index, c) in inner.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(&inner[from..index]);
                from = index + 1;
            }
            _ => {}
        }
    }
    items.push(&inner[from..]);
    let paths = items.into_iter().filter(|item| !item.trim().is_empty()).flat_map(expand);
    paths.map(|path| [segments(before), path].concat()).collect()
}

/// Everything that a file names, product code alone.
fn uses(text: &str) -> Uses {
    let code = code(text);
    let code = code.split("#[cfg(test)]\nmod").next().unwrap_or_default();
    let mut uses = Uses::default();
    let mut rest = String::new();
    for statement in code.split_inclusive(';') {
        let begins = |at: &usize| {
            let before = statement[..*at].trim_end_matches(' ');
            before.is_empty() || before.ends_with(['\n', ')']) || before.ends_with("pub")
        };
        let at = statement.match_indices("use ").map(|(at, _)| at).filter(begins).last();
        match at {
            Some(at) if statement.ends_with(';') => {
                let line = statement[..at].rsplit('\n').next().unwrap_or_default();
                let paths = expand(&statement[at + 4..statement.len() - 1]);
                if line.trim_start().starts_with("pub") {
                    uses.passed_on.extend(paths);
                } else {
                    uses.used.extend(paths);
                }
                rest.push_str(&statement[..at]);
            }
            _ => rest.push_str(statement),
        }
    }
    // Paths in the code itself.
    let words = rest.split(|c: char| !is_word(c) && c != ':');
    let paths = words.filter(|word| word.contains("::") && !word.starts_with(':'));
    uses.used.extend(paths.map(|path| path.split("::").map(str::to_owned).collect()));
    uses
}

struct Crate {
    uses: BTreeMap<Module, Uses>,
}

impl Crate {
    fn of(sources: impl IntoIterator<Item = (String, String)>) -> Self {
        let files = sources.into_iter().filter(|(file, _)| file != "main.rs");
        Self { uses: files.map(|(file, text)| (module(&file), uses(&text))).collect() }
    }

    /// A path as seen from the crate's root; `None` where it leads out of the crate.
    fn absolute(&self, from: &[String], path: &[String]) -> Option<Module> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => Some(rest.to_vec()),
            "self" => Some([from, rest].concat()),
            "super" => {
                let ups = path.iter().take_while(|part| *part == "super").count();
                Some([&from[..from.len().checked_sub(ups)?], &path[ups..]].concat())
            }
            _ => {
                let below = [from, std::slice::from_ref(first)].concat();
                self.uses.contains_key(&below).then(|| [from, path].concat())
            }
        }
    }

    /// The file that has what a path names, past those that only pass it on.
    fn owner(&self, path: &[String], depth: usize) -> Module {
        let known = (0..=path.len()).rev().find(|end| self.uses.contains_key(&path[..*end]));
        let (at, rest) = path.split_at(known.unwrap_or(0));
        let (Some(name), Some(uses)) = (rest.first(), self.uses.get(at)) else {
            return at.to_vec();
        };
        let mut brought =
            uses.passed_on.iter().chain(&uses.used).filter(|it| it.last() == Some(name));
        let further = brought.find_map(|it| {
            let from = self.absolute(at, it)?;
            (from != path && depth < 8).then(|| [&from, &rest[1..]].concat())
        });
        further.map_or_else(|| at.to_vec(), |path| self.owner(&path, depth + 1))
    }

    /// Which files of its own room each file knows, but for the heads that it is below of.
    fn edges(&self) -> BTreeMap<&Module, BTreeSet<Module>> {
        let mut edges: BTreeMap<&Module, BTreeSet<Module>> = BTreeMap::new();
        for (module, uses) in &self.uses {
            let owners = uses.used.iter().filter_map(|path| self.absolute(module, path));
            let owners = owners.map(|path| self.owner(&path, 0));
            let known = owners
                .filter(|owner| owner.first() == module.first() && !module.starts_with(owner));
            edges.insert(module, known.collect());
        }
        edges
    }

    /// The files that can be come back to from themselves.
    fn in_circles(&self) -> Vec<String> {
        let edges = self.edges();
        let comes_back = |start: &&Module| {
            let (mut ahead, mut seen) = (vec![*start], BTreeSet::new());
            while let Some(at) = ahead.pop() {
                for next in edges.get(at).into_iter().flatten() {
                    if next == *start {
                        return true;
                    }
                    if seen.insert(next) {
                        ahead.push(next);
                    }
                }
            }
            false
        };
        let files = edges.keys().copied().filter(comes_back);
        files.map(|module| module.join("/")).collect()
    }
}

#[test]
fn the_files_of_a_room_know_each_other_in_no_circle() {
    let known = Crate::of(sources());
    let edges: usize = known.edges().values().map(BTreeSet::len).sum();
    assert!(edges > 150, "only {edges} uses were found");
    let mut circles = known.in_circles();
    circles.retain(|file| !LEFT.iter().any(|room| file.starts_with(room)));
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn a_circle_is_seen_through_what_is_passed_on() {
    let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let circles = |files: &[(&str, &str)]| {
        Crate::of(files.iter().map(|(name, text)| file(name, text))).in_circles()
    };
    let head = ("a/mod.rs", "mod b;\nmod c;\npub use b::{B, Other};\npub use c::C;\n");
    let c = ("a/c.rs", "pub struct C;\nfn c() { super::b::make() }\n");
    let through_head = ("a/b.rs", "use super::C;\npub struct B(C);\n");
    assert_eq!(circles(&[head, through_head, c]), ["a/b", "a/c"]);
    assert_eq!(circles(&[head, ("a/b.rs", "pub struct B;\n"), c]), Vec::<String>::new());
    let absolute = ("a/b.rs", "use crate::{\n    a::c::C,\n    d,\n};\n");
    assert_eq!(circles(&[head, absolute, c]), ["a/b", "a/c"]);
    let in_tests = ("a/b.rs", "pub struct B;\n#[cfg(test)]\nmod tests { use super::super::C; }\n");
    assert_eq!(circles(&[head, in_tests, c]), Vec::<String>::new());
}
