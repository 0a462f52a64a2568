//! The reader as a whole: bounds, bad input, forms of logs.

use super::*;

fn read(log: &str) -> Verdict {
    let mut reader = LogReader::new();
    reader.push(log.as_bytes());
    reader.finish()
}

#[test]
fn the_middle_of_a_long_log_survives_and_the_clean_up_does_not() {
    let noise =
        |n: usize| (0..n).map(|i| format!("   Compiling crate-{i} v1.0.{i}\n")).collect::<String>();
    let log = format!(
        "{}2024-01-01T00:00:00.0000000Z \u{1b}[31mthread 'main' panicked at src/lib.rs:7\u{1b}[0m\n\
         left: 4\n right: 5\n{}##[error]Process completed with exit code 101.\nPost job cleanup.\n{}",
        noise(300),
        noise(300),
        "git config --local --unset\n".repeat(20),
    );
    let cut = excerpt_text(&log, 2_000);
    assert!(cut.len() <= 2_000, "{}", cut.len());
    assert!(cut.contains("thread 'main' panicked at src/lib.rs:7\nleft: 4\n right: 5\n"), "{cut}");
    assert!(cut.contains("Process completed with exit code 101."), "{cut}");
    assert!(
        !cut.contains("git config") && !cut.contains('\u{1b}') && !cut.contains("2024"),
        "{cut}"
    );
}

#[test]
fn control_characters_never_come_through() {
    assert_eq!(one_line("a\nb `c`\r\u{1b}[2Jd", 9), "a b 'c' d");
    assert_eq!(one_line("abcdefghijkl", 5), "abcd…");
    let verdict = read("error: a\u{1b}]0;title\u{7}c\u{9b}31md\u{0}\u{202e}e\n\tf ```\n");
    assert_eq!(verdict.excerpt, "error: acde\n\tf ```");
}

#[test]
fn a_limit_holds_whatever_the_text() {
    for text in ["x".repeat(10_000), "é".repeat(10_000), "error: \n".repeat(5_000), String::new()]
    {
        for limit in [0, 1, 7, 100, 4_096] {
            assert!(excerpt_text(&text, limit).len() <= limit, "limit {limit}");
        }
    }
}

#[test]
fn no_log_is_too_large_or_too_odd() {
    let mut reader = LogReader::new();
    let mut seed = 1_u64;
    for round in 0..3_000_u64 {
        let line: Vec<u8> = (0..1_000)
            .map(|_| {
                seed = seed
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                (seed >> 56) as u8
            })
            .collect();
        reader.push(&line);
        reader.push(format!("\n{round}) error: test_{round} failed at src/a{round}.rs:{round}:1: error: no\nFAILED {round}\n").as_bytes());
        assert!(reader.held() < 60_000, "{}", reader.held());
    }
    let verdict = reader.finish();
    assert!(verdict.excerpt.len() <= EXCERPT_LIMIT);
    assert!(!verdict.excerpt.chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
    assert!(verdict.truncated);
}

#[test]
fn an_empty_log_is_for_a_human() {
    let verdict = read("");
    assert_eq!((verdict.class, verdict.audience()), (Class::Unknown, Audience::Human));
}

#[test]
fn annotations_come_first_where_they_say_more() {
    let verdict = read(
        "##[group]Run x\n##[endgroup]\nerror: known\n##[error]Process completed with exit code 1.\n",
    );
    let note =
        |message| Annotation { path: "src/a.rs", line: 3, level: "failure", title: "", message };
    let same = with_annotations(
        verdict.clone(),
        &[note("Process completed with exit code 1."), note("error: known")],
    );
    assert_eq!(same, verdict);
    let more = with_annotations(verdict, &[note("it\u{1b}[2J broke"), note("it broke")]);
    assert!(more.excerpt.starts_with("src/a.rs:3: it broke\nRun x\n"), "{}", more.excerpt);
}
