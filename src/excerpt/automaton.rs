//! Finds many short texts in a line in one pass (Aho and Corasick's automaton, letter case folded).
//!
//! A log has a line for every hundred bytes and there are some hundred marks to look for; asking
//! for each by itself would cost more than reading the log.

use std::collections::VecDeque;

/// Set in a transition whose target ends at least one needle.
const ENDS: u16 = 1 << 15;

/// The compiled needles. Bytes that stand in no needle share one column of the table.
pub struct Automaton {
    column: [u8; 256],
    shift: u32,
    /// Row by state, column by byte: the next state, with [`ENDS`].
    next: Vec<u16>,
    /// The needles that end in a state.
    ends: Vec<Vec<u16>>,
}

impl Automaton {
    /// Compiles the needles; they are found whatever their letter case (ASCII).
    ///
    /// The table's size is the needles' total length times the number of different bytes in them.
    /// It must stay under 32,768 states (bytes of all needles), which a test of the marks asserts.
    pub fn new<'a>(needles: impl Iterator<Item = &'a str> + Clone) -> Self {
        let mut column = [0_u8; 256];
        let mut columns = 1_usize;
        for byte in needles.clone().flat_map(str::bytes) {
            let byte = byte.to_ascii_lowercase();
            if column[usize::from(byte)] == 0 {
                column[usize::from(byte)] = columns as u8;
                column[usize::from(byte.to_ascii_uppercase())] = columns as u8;
                columns += 1;
            }
        }
        let width = columns.next_power_of_two();
        let mut next = vec![0_u16; width];
        let mut ends: Vec<Vec<u16>> = vec![Vec::new()];
        for (index, needle) in needles.enumerate() {
            let mut state = 0_usize;
            for byte in needle.bytes() {
                let at = state * width + usize::from(column[usize::from(byte)]);
                if next[at] == 0 {
                    next[at] = ends.len() as u16;
                    ends.push(Vec::new());
                    next.resize(ends.len() * width, 0);
                }
                state = usize::from(next[at]);
            }
            ends[state].push(index as u16);
        }
        let mut automaton = Self { column, shift: width.trailing_zeros(), next, ends };
        automaton.link(width);
        automaton
    }

    /// Fills in where to go on when a needle breaks off, breadth first.
    fn link(&mut self, width: usize) {
        let states = self.ends.len();
        let mut fallback = vec![0_usize; states];
        let mut queue: VecDeque<usize> =
            (0..width).map(|column| usize::from(self.next[column])).filter(|&s| s != 0).collect();
        while let Some(state) = queue.pop_front() {
            let inherited = self.ends[fallback[state]].clone();
            self.ends[state].extend(inherited);
            for column in 0..width {
                let beyond = usize::from(self.next[fallback[state] * width + column]);
                let target = usize::from(self.next[state * width + column]);
                if target == 0 {
                    self.next[state * width + column] = beyond as u16;
                } else {
                    fallback[target] = beyond;
                    queue.push_back(target);
                }
            }
        }
        for target in &mut self.next {
            if !self.ends[usize::from(*target)].is_empty() {
                *target |= ENDS;
            }
        }
    }

    /// Calls `found` with each needle's index and the position behind it, in order of these.
    pub fn find(&self, text: &[u8], mut found: impl FnMut(usize, usize)) {
        let mut state = 0_usize;
        for (at, &byte) in text.iter().enumerate() {
            let target =
                self.next[(state << self.shift) | usize::from(self.column[usize::from(byte)])];
            state = usize::from(target & !ENDS);
            if target & ENDS != 0 {
                for &needle in &self.ends[state] {
                    found(usize::from(needle), at + 1);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needles_are_found_in_any_case_and_inside_each_other() {
        let automaton = Automaton::new(["error", "err", "rror:", "é"].into_iter());
        let mut found = Vec::new();
        automaton.find("An ERRor: é".as_bytes(), |needle, end| found.push((needle, end)));
        assert_eq!(found, [(1, 6), (0, 8), (2, 9), (3, 12)]);
    }
}
