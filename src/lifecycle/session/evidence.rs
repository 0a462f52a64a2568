//! The evidence of a probe as a hash, in which times do not matter: the same finding, made later, is the same.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use sha2::{Digest, Sha256};

use crate::domain::{Probe, Text};

/// So many digits in a row are a time in seconds or finer.
const EPOCH_DIGITS: usize = 10;

/// What tells one finding from another: both answers, and the words without their times.
pub fn evidence_hash(probe: &Probe) -> Text {
    let mut words = format!("{} {}", probe.runtime, probe.process);
    for word in probe.evidence.split(is_between).filter(|word| !word.is_empty()) {
        words.push(' ');
        words.push_str(if is_time(word) { "#" } else { word });
    }
    let mut hex = String::new();
    for byte in &Sha256::digest(words.as_bytes())[..16] {
        // Writing into a text cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex.into()
}

fn is_between(c: char) -> bool {
    c.is_whitespace() || matches!(c, ',' | ';' | '=' | '(' | ')' | '[' | ']' | '"' | '\'')
}

fn is_time(word: &str) -> bool {
    let word = word.trim_end_matches(['.', ':']);
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let plain = word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    (plain && digits >= EPOCH_DIGITS)
        || (word.contains(':') && word.parse::<Time>().is_ok())
        || (word.matches('-').count() == 2 && word.parse::<Date>().is_ok())
        || word.parse::<DateTime>().is_ok_and(|_| word.contains(':'))
        || word.parse::<Timestamp>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ProbeAnswer;

    fn hash(evidence: &str) -> Text {
        let (runtime, process) = (ProbeAnswer::Failed, ProbeAnswer::Unknown);
        evidence_hash(&Probe { runtime, process, evidence: evidence.into(), is_proof: false })
    }

    #[test]
    fn times_do_not_matter_and_all_else_does() {
        let same = [
            "at 2026-11-25T07:00:00Z: no answer (since 1764054000, pid 17)",
            "at 2026-11-25T07:00:05.250Z: no answer (since 1764054005.2, pid 17)",
            "at 2026-11-26 no answer (since 1764054005200, pid 17)",
            "at 07:00:05: no answer (since 1764054005, pid 17)",
        ];
        assert!(same.iter().all(|text| hash(text) == hash(same[0])));
        for other in ["at 07:00:05: no answer (since 1764054005, pid 18)", "no answer", ""] {
            assert_ne!(hash(other), hash(same[0]), "{other}");
        }
        let dead = Probe {
            runtime: ProbeAnswer::Dead,
            process: ProbeAnswer::Unknown,
            evidence: "".into(),
            is_proof: false,
        };
        assert_ne!(evidence_hash(&dead), hash(""));
    }
}
