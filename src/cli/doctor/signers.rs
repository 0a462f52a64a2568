//! Where there are several webhook secrets: which of them is in use, and which can go.

use super::findings::Findings;
use super::numbers::number;

const CHECK: &str = "secret";

/// Reads it from the server's metrics.
pub(super) fn look(findings: &mut Findings, metrics: &str) {
    let of = |name: &'static str| {
        (1..).map_while(move |at: usize| number(metrics, name, "secret", &at.to_string()))
    };
    let secrets: Vec<Secret> = of("nudged_webhooks_signed_last_hour")
        .zip(of("nudged_webhooks_signed_total"))
        .map(|(lately, ever)| Secret { lately, ever })
        .collect();
    if secrets.len() < 2 {
        return;
    }
    let in_use = secrets.iter().filter(|secret| secret.lately > 0).count();
    if in_use == 0 {
        let message = format!(
            "the server has {} webhook secrets, and nothing came in the last hour that would tell which of \
             them GitHub uses",
            secrets.len()
        );
        return findings.fine(CHECK, message);
    }
    for (at, secret) in (1..).zip(&secrets) {
        let Secret { lately, ever } = secret;
        let place = format!("the webhook secret at place {at}");
        match (lately, ever) {
            (0, 0) => findings.doubtful(
                CHECK,
                format!("{place} has signed nothing since the server started, others have"),
                "an old one can go: take it out of NUDGED_WEBHOOK_SECRET. A new one is yet to be entered at GitHub",
            ),
            (0, _) => findings.doubtful(
                CHECK,
                format!("{place} has signed {ever} webhooks, but none in the last hour, others have"),
                "it can go: take it out of NUDGED_WEBHOOK_SECRET and restart the server",
            ),
            (_, _) => findings.fine(CHECK, format!("{place} signed {lately} webhooks in the last hour")),
        }
    }
}

struct Secret {
    lately: u64,
    ever: u64,
}

#[cfg(test)]
mod tests {
    use super::super::findings::Level;
    use super::*;

    fn levels(counts: &[(u64, u64)]) -> Vec<(Level, String)> {
        let mut metrics = String::new();
        for (at, (lately, ever)) in (1..).zip(counts) {
            metrics += &format!(
                "nudged_webhooks_signed_last_hour{{secret=\"{at}\"}} {lately}\n\
                 nudged_webhooks_signed_total{{secret=\"{at}\"}} {ever}\n"
            );
        }
        let mut findings = Findings::default();
        look(&mut findings, &metrics);
        findings.0.into_iter().map(|finding| (finding.level, finding.mend)).collect()
    }

    #[test]
    fn a_secret_that_others_have_replaced_can_go() {
        assert!(levels(&[(3, 3)]).is_empty());
        assert_eq!(levels(&[(0, 9), (0, 0)]).len(), 1);
        let told = levels(&[(0, 9), (4, 4), (0, 0)]);
        assert_eq!(told[0].0, Level::Doubtful);
        assert!(told[0].1.starts_with("it can go"), "{told:?}");
        assert_eq!(told[1].0, Level::Fine);
        assert!(told[2].1.starts_with("an old one can go"), "{told:?}");
    }
}
