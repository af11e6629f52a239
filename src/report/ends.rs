//! Several runs told together: the first and the last of a row, or a few spread evenly.

use super::model::RunReport;
use super::number::{count, grouped};

/// The runs' first and last value of something, with their W.
pub(super) enum Ends<T> {
    None,
    One(u32, T),
    Two((u32, T), (u32, T)),
}

/// The first and the last run that has the value.
pub(super) fn ends<T>(runs: &[RunReport], value: impl Fn(&RunReport) -> Option<T>) -> Ends<T> {
    let mut values = runs.iter().filter_map(|run| Some((run, value(run)?)));
    match (values.next(), values.next_back()) {
        (None, _) => Ends::None,
        (Some((run, value)), None) => Ends::One(run.quorum, value),
        (Some((first, low)), Some((last, high))) => Ends::Two((first.quorum, low), (last.quorum, high)),
    }
}

/// `100 acknowledged writes`, or the range where quorums that have any differ.
pub(super) fn writes_a_quorum(runs: &[RunReport]) -> String {
    let counts = || runs.iter().map(|run| run.latency.n).filter(|n| *n > 0);
    let (low, high) = (counts().min().unwrap_or(0), counts().max().unwrap_or(0));
    if low == high {
        count(high, "acknowledged write")
    } else {
        format!("{} to {}", grouped(low), count(high, "acknowledged write"))
    }
}

/// At most `most` of them, the first and the last always among them.
pub(super) fn evenly<T>(all: &[T], most: usize) -> Vec<&T> {
    if all.len() <= most || most < 2 {
        return all.iter().take(most.max(1)).collect();
    }
    (0..most).filter_map(|i| all.get(i * (all.len() - 1) / (most - 1))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_keeps_both_ends() {
        let all: Vec<u32> = (1..=99).collect();
        let chosen = evenly(&all, 6);
        assert_eq!(chosen.len(), 6);
        assert_eq!((chosen[0], chosen[5]), (&1, &99));
        assert_eq!(evenly(&all[..3], 6), [&1, &2, &3]);
        assert!(evenly::<u32>(&[], 6).is_empty());
    }
}
