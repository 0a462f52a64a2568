//! Scores the excerpts of the labelled logs, beside what simpler ways of cutting give.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use nudged::excerpt::{EXCERPT_LIMIT, LogReader, Verdict};
use serde_json::Value;

struct Label {
    log: PathBuf,
    name: String,
    must: Vec<String>,
    must_not: Vec<String>,
    audience: String,
    class: Option<String>,
}

fn labels(folder: &Path) -> Vec<Label> {
    let lines = fs::read_to_string(folder.join("labels.jsonl")).unwrap();
    let strings = |value: &Value| {
        value.as_array().unwrap().iter().map(|text| squeezed(text.as_str().unwrap())).collect()
    };
    lines
        .lines()
        .map(|line| {
            let label: Value = serde_json::from_str(line).unwrap();
            let name = label["log"].as_str().unwrap().to_owned();
            Label {
                log: folder.join(&name),
                must: strings(&label["must"]),
                must_not: strings(&label["must_not"]),
                audience: label["audience"].as_str().unwrap().to_owned(),
                class: label["class"].as_str().map(str::to_owned),
                name,
            }
        })
        .collect()
}

/// As the labels are compared: without ANSI sequences, runs of whitespace as one space.
fn squeezed(text: &str) -> String {
    let mut plain = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => {
                chars.find(char::is_ascii_alphabetic);
            }
            c => plain.push(c),
        }
    }
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn faults(label: &Label, excerpt: &str) -> Vec<String> {
    let text = squeezed(excerpt);
    let wanting = label.must.iter().filter(|must| !text.contains(*must));
    let noisy = label.must_not.iter().filter(|must_not| text.contains(*must_not));
    wanting.map(|must| format!("- {must}")).chain(noisy.map(|noise| format!("+ {noise}"))).collect()
}

fn verdict(log: &[u8]) -> Verdict {
    let mut reader = LogReader::new();
    for chunk in log.chunks(8_191) {
        reader.push(chunk);
    }
    reader.finish()
}

/// The last bytes of the step that the first error line ends, without header and timestamps.
fn step_end(log: &str) -> String {
    let [log, _] = forms(log);
    let end = log.find("##[error]Process completed").or_else(|| log.rfind("##[error]"));
    let end = end.map_or(log.len(), |at| at + log[at..].find('\n').unwrap_or_default());
    let step = log[..end].rfind("##[group]Run ").map_or(&log[..end], |at| &log[at..end]);
    let output = step.split_once("##[endgroup]").map_or(step, |(_, output)| output);
    last_bytes(output.as_bytes())
}

/// The same log as it is found elsewhere: without timestamps, with the names of `gh run view`.
fn forms(log: &str) -> [String; 2] {
    let bare = |line: &str| {
        let line = line.trim_start_matches('\u{feff}');
        let stamped =
            line.len() >= 28 && line.as_bytes()[10] == b'T' && line.as_bytes()[27] == b'Z';
        if stamped { line[28..].trim_start_matches(' ').to_owned() } else { line.to_owned() }
    };
    let named = |line: &str| format!("build\tUNKNOWN STEP\t{line}\n");
    [log.lines().map(|line| bare(line) + "\n").collect(), log.lines().map(named).collect()]
}

fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

fn last_bytes(log: &[u8]) -> String {
    String::from_utf8_lossy(&log[log.len().saturating_sub(EXCERPT_LIMIT)..]).into_owned()
}

/// The logs of this repository.
fn folders() -> Vec<PathBuf> {
    vec![crate::stories::root().join("fixtures/logs")]
}

#[test]
#[expect(clippy::print_stdout, reason = "the score is the point")]
fn the_excerpts_hold_what_the_labels_say() {
    for folder in folders() {
        let labels = labels(&folder);
        let mut score: BTreeMap<&str, usize> = BTreeMap::new();
        for label in &labels {
            let raw = fs::read(&label.log).unwrap();
            let found = verdict(&raw);
            assert!(found.excerpt.len() <= EXCERPT_LIMIT);
            let missed = faults(label, &found.excerpt);
            let lossy = String::from_utf8_lossy(&raw);
            let audience = found.audience().as_str() == label.audience;
            let class = label.class.as_deref().is_none_or(|class| class == found.class.as_str());
            *score.entry("excerpt").or_default() += usize::from(missed.is_empty());
            *score.entry("audience").or_default() += usize::from(audience);
            *score.entry("class").or_default() += usize::from(class);
            *score.entry("last 20 lines").or_default() +=
                usize::from(faults(label, &last_lines(&lossy)).is_empty());
            for form in forms(&lossy) {
                let other = verdict(form.as_bytes());
                let same = faults(label, &other.excerpt).is_empty()
                    && other.audience() == found.audience();
                *score.entry("other forms").or_default() += usize::from(same);
            }
            *score.entry("step's last 4 KiB").or_default() +=
                usize::from(faults(label, &step_end(&lossy)).is_empty());
            *score.entry("last 4 KiB").or_default() +=
                usize::from(faults(label, &last_bytes(&raw)).is_empty());
            if !missed.is_empty() || !audience || !class {
                println!("{}: {missed:?} {} {}", label.name, found.class.as_str(), found.evidence);
            }
        }
        println!("{} logs: {score:?}", labels.len());
        let of = |what: &str| score.get(what).copied().unwrap_or(0);
        assert!(of("excerpt") * 50 >= labels.len() * 49, "excerpts: {score:?}");
        assert!(of("other forms") * 50 >= 2 * labels.len() * 48, "other forms: {score:?}");
        assert!(of("audience") * 20 >= labels.len() * 19, "audiences: {score:?}");
    }
}
