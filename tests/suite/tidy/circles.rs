//! No circles between the files of a room: each can be read without those that build on it.
//!
//! A file knows the files in which the items are defined that it names; what a `mod.rs` only hands on
//! (`pub use`) is looked up where it comes from.

use std::collections::{BTreeMap, BTreeSet};

use super::{code, room, sources};

/// A path of modules, such as `http::feed::tail`.
type Modules = Vec<String>;

/// A file of the crate.
struct File {
    name: String,
    module: Modules,
    /// Its code without comments and tests.
    words: Vec<String>,
    /// What it hands on: the name there, and the path of what it stands for.
    handed_on: BTreeMap<String, Modules>,
}

impl File {
    fn new(name: &str, text: &str) -> Self {
        let stem = name.trim_end_matches(".rs").trim_end_matches("/mod");
        let product = text.split("\n#[cfg(test)]\n").next().unwrap_or_default();
        let words = words(&code(product));
        let handed_on = statements(&words)
            .into_iter()
            .filter(|(hands_on, _)| *hands_on)
            .flat_map(|(_, statement)| paths(statement))
            .filter_map(|path| Some((path.last()?.clone(), path)))
            .collect();
        Self {
            name: name.to_owned(),
            module: stem.split('/').filter(|it| *it != "lib").map(str::to_owned).collect(),
            words,
            handed_on,
        }
    }

    /// What it names apart from what it hands on; what it hands on and uses itself too.
    fn named(&self) -> Vec<Modules> {
        let own: Vec<&[String]> = statements(&self.words)
            .into_iter()
            .filter_map(|(hands_on, statement)| (!hands_on).then_some(statement))
            .collect();
        let mut named: Vec<Modules> = own.iter().copied().flat_map(paths).collect();
        for (name, path) in &self.handed_on {
            let is_used = |at: usize, words: &[String]| at == 0 || words[at - 1] != "mod";
            let uses = |words: &&[String]| {
                (0..words.len()).any(|at| words[at] == *name && is_used(at, words))
            };
            if own.iter().any(uses) {
                named.push(path.clone());
            }
        }
        named
    }
}

/// Names, `::`, and each other sign by itself.
fn words(code: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut open = false;
    for c in code.chars() {
        let in_name = c.is_alphanumeric() || c == '_';
        match words.last_mut() {
            Some(last) if open && in_name => last.push(c),
            Some(last) if c == ':' && last == ":" && !open => last.push(c),
            _ if c.is_whitespace() => {}
            _ => words.push(c.to_string()),
        }
        open = in_name;
    }
    words
}

/// Imports one by one, and what stands between them; `true`: the import hands on.
fn statements(words: &[String]) -> Vec<(bool, &[String])> {
    let (mut found, mut begun, mut at) = (Vec::new(), 0, 0);
    while at < words.len() {
        if words[at] != "use" {
            at += 1;
            continue;
        }
        let public = visibility(&words[begun..at]);
        found.push((false, &words[begun..at - public]));
        let end = words[at..].iter().position(|word| word == ";").map_or(words.len(), |n| at + n);
        found.push((public > 0, &words[at + 1..end]));
        (begun, at) = (end, end);
    }
    found.push((false, &words[begun..]));
    found
}

/// How many words `pub` or `pub(…)` take at the end.
fn visibility(before: &[String]) -> usize {
    match before.iter().rposition(|word| word == "pub") {
        Some(at) if at + 1 == before.len() => 1,
        Some(at) if before[at + 1] == "(" && before.ends_with(&[")".to_owned()]) => {
            let inside = &before[at + 2..before.len() - 1];
            if inside.iter().any(|word| word == ")") { 0 } else { before.len() - at }
        }
        _ => 0,
    }
}

/// The paths of two names and more, those in braces one by one.
fn paths(statement: &[String]) -> Vec<Modules> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < statement.len() {
        let starts = is_name(&statement[at])
            && statement.get(at + 1).is_some_and(|word| word == "::")
            // Neither the rest of a path nor `pub(in …)`.
            && (at == 0 || !["::", "in"].contains(&statement[at - 1].as_str()));
        at = if starts { tree(statement, at, &[], &mut found) } else { at + 1 };
    }
    found
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Reads `a::b`, `a::{b, c::d}` or `a as b` from `at` on, and says where it ends.
fn tree(words: &[String], mut at: usize, stem: &[String], found: &mut Vec<Modules>) -> usize {
    let mut path = stem.to_vec();
    while let Some(word) = words.get(at) {
        if is_name(word) {
            if word != "self" || path.is_empty() {
                path.push(word.clone());
            }
            at += 1;
            if words.get(at).is_some_and(|next| next == "::") {
                at += 1;
                continue;
            }
        } else if word == "{" && !path.is_empty() {
            at += 1;
            while words.get(at).is_some_and(|next| next != "}") {
                at = if words[at] == "," {
                    at + 1
                } else {
                    tree(words, at, &path, found).max(at + 1)
                };
            }
            return at + 1;
        }
        break;
    }
    if words.get(at).is_some_and(|next| next == "as") {
        at += 2;
    }
    if path.len() > 1 {
        found.push(path);
    }
    at
}

/// The crate as a whole.
struct Crate(BTreeMap<Modules, File>);

impl Crate {
    fn new(sources: &[(String, String)]) -> Self {
        let files = sources.iter().map(|(name, text)| File::new(name, text));
        Self(files.map(|file| (file.module.clone(), file)).collect())
    }

    /// The file in which what the path names is defined, as seen from a module.
    fn home(&self, from: &Modules, path: &[String], depth: usize) -> Option<&File> {
        let mut place = from.clone();
        let mut rest = path;
        match path.first()?.as_str() {
            "crate" | "nudged" => (place, rest) = (Vec::new(), &path[1..]),
            "self" => rest = &path[1..],
            "super" => {
                while rest.first().is_some_and(|it| it == "super") {
                    place.pop();
                    rest = &rest[1..];
                }
            }
            child => {
                place.push(child.to_owned());
                if !self.0.contains_key(&place) {
                    return None;
                }
                rest = &path[1..];
            }
        }
        for name in rest {
            let mut inner = place.clone();
            inner.push(name.clone());
            if self.0.contains_key(&inner) {
                place = inner;
                continue;
            }
            let handed_on = self.0.get(&place).and_then(|file| file.handed_on.get(name));
            return match handed_on {
                Some(path) if depth < 9 => self.home(&place, path, depth + 1),
                _ => self.0.get(&place),
            };
        }
        self.0.get(&place)
    }

    /// Which files of its own room each file knows.
    fn known(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let known_by = |file: &File| {
            let homes = file.named().into_iter().filter_map(|path| {
                let home = self.home(&file.module, &path, 0)?;
                let near = room(&home.name) == room(&file.name) && home.name != file.name;
                near.then_some(home.module.clone())
            });
            homes.collect::<BTreeSet<_>>()
        };
        let names = |modules: BTreeSet<Modules>| {
            modules.iter().filter_map(|module| Some(self.0.get(module)?.name.as_str())).collect()
        };
        self.0.values().map(|file| (file.name.as_str(), names(known_by(file)))).collect()
    }
}

/// A way from a file back to it, if there is one.
fn circle<'a>(
    known: &BTreeMap<&'a str, BTreeSet<&'a str>>,
    start: &'a str,
) -> Option<Vec<&'a str>> {
    let mut ways = vec![vec![start]];
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop() {
        for next in known.get(way.last()?).into_iter().flatten() {
            let longer: Vec<&str> = way.iter().copied().chain([*next]).collect();
            if *next == start {
                return Some(longer);
            }
            if seen.insert(*next) {
                ways.push(longer);
            }
        }
    }
    None
}

fn circles(sources: &[(String, String)]) -> Vec<String> {
    let whole = Crate::new(sources);
    let known = whole.known();
    let found = known.keys().filter_map(|file| circle(&known, file));
    found.map(|way| way.join(" knows ")).collect()
}

#[test]
fn no_circles_between_the_files_of_a_room() {
    let all = circles(&sources());
    assert!(all.is_empty(), "{all:#?}");
}

#[test]
fn a_circle_is_seen_through_what_a_module_hands_on() {
    let check = |files: &[(&str, &str)], expect: usize| {
        let files: Vec<_> = files.iter().map(|(n, t)| (n.to_string(), t.to_string())).collect();
        assert_eq!(circles(&files).len(), expect, "{files:?}: {:?}", circles(&files));
    };
    let hands_on = ("a/mod.rs", "mod b;\nmod c;\npub use b::{B, Other};\npub(crate) use c::C;");
    check(&[hands_on, ("a/b.rs", "use super::C;"), ("a/c.rs", "struct C;")], 0);
    check(&[hands_on, ("a/b.rs", "use super::C;"), ("a/c.rs", "use crate::a::{self, b::B};")], 2);
    check(&[hands_on, ("a/b.rs", "fn f() { super::c::g() }"), ("a/c.rs", "use super::Other;")], 2);
    // A module that uses what it hands on knows it; one that only hands it on does not.
    let uses = ("a/mod.rs", "mod b;\npub use b::B;\npub struct A(B);");
    check(&[uses, ("a/b.rs", "use super::A;")], 2);
    check(&[("a/mod.rs", "mod b;\npub use b::B;\npub struct A;"), ("a/b.rs", "use super::A;")], 0);
    // What only tests name does not count.
    check(&[hands_on, ("a/b.rs", "use super::C;"), ("a/c.rs", "\n#[cfg(test)]\nuse super::B;")], 0);
}
