//! When many agents vanish at once: then it is rather the look that failed.

use crate::domain::{Probe, ProbeAnswer};

/// Fewer can vanish together.
const FEW: usize = 5;

/// Where more than half of five or more are said to be gone in one look, and nothing proves it, that look failed.
pub(super) fn doubt(probes: &mut [Probe]) {
    let is_gone = |probe: &Probe| probe.runtime == ProbeAnswer::Dead && !probe.is_proof;
    let gone = probes.iter().filter(|probe| is_gone(probe)).count();
    if probes.len() < FEW || gone * 2 <= probes.len() {
        return;
    }
    for probe in probes.iter_mut().filter(|probe| is_gone(probe)) {
        probe.runtime = ProbeAnswer::Failed;
        probe.evidence = "more than half of all agents are said to be gone at once".into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looks(alive: usize, gone: usize, proven: usize) -> Vec<ProbeAnswer> {
        let probe = |runtime, is_proof| Probe {
            runtime,
            process: ProbeAnswer::Dead,
            evidence: "".into(),
            is_proof,
        };
        let mut probes = vec![probe(ProbeAnswer::Alive, false); alive];
        probes.extend(vec![probe(ProbeAnswer::Dead, false); gone]);
        probes.extend(vec![probe(ProbeAnswer::Dead, true); proven]);
        doubt(&mut probes);
        probes.into_iter().map(|probe| probe.runtime).collect()
    }

    #[test]
    fn more_than_half_of_five_is_no_death_unless_it_is_proven() {
        use ProbeAnswer::{Alive, Dead, Failed};
        assert_eq!(looks(2, 3, 0), [Alive, Alive, Failed, Failed, Failed]);
        assert_eq!(looks(3, 3, 0), [Alive, Alive, Alive, Dead, Dead, Dead], "half is not more");
        assert_eq!(looks(1, 3, 0), [Alive, Dead, Dead, Dead], "few");
        assert_eq!(looks(0, 0, 6), [Dead; 6], "proven");
        assert_eq!(looks(0, 4, 2), [Failed, Failed, Failed, Failed, Dead, Dead]);
    }
}
