//! The order of the writes of a key, where writes have no numbers: by what clients know.

use crate::data::{WriteOutcome, WriteRow};
use crate::model::Micros;

/// A write by its index, and from when to when it may have been carried out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) write: usize,
    from_us: Micros,
    to_us: Micros,
}

impl Span {
    pub(super) fn of(write: usize, row: &WriteRow) -> Self {
        // A write without an answer may still be carried out.
        let to_us = if row.outcome == WriteOutcome::Unknown { Micros::MAX } else { row.end() };
        Self { write, from_us: row.start_us, to_us }
    }
}

/// The writes of a key whose order is known, oldest first. One that was over before another began is the older one.
/// Of two that were under way together `is_before` says it, if anybody saw it.
pub(super) fn known_order(mut spans: Vec<Span>, is_before: impl Fn(usize, usize) -> Option<bool>) -> Vec<usize> {
    spans.sort_by_key(|span| (span.from_us, span.write));
    let mut order = Vec::with_capacity(spans.len());
    let mut rest = spans.as_slice();
    while let Some(first) = rest.first() {
        // Writes that were under way together, or each with one of the others.
        let mut to_us = first.to_us;
        let together = rest.iter().take_while(|span| {
            let overlaps = span.write == first.write || span.from_us < to_us;
            to_us = to_us.max(if overlaps { span.to_us } else { Micros::MIN });
            overlaps
        });
        let (together, others) = rest.split_at(together.count());
        order.extend(sorted(together, &is_before));
        rest = others;
    }
    order
}

/// Those of a few writes whose order among themselves is known.
fn sorted(together: &[Span], is_before: &impl Fn(usize, usize) -> Option<bool>) -> Vec<usize> {
    let before = |a: &Span, b: &Span| match (a.to_us <= b.from_us, b.to_us <= a.from_us) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => is_before(a.write, b.write),
    };
    // The number of older writes is the place, if it is known of all and no two contradict each other.
    let place = |span: &Span| {
        let others = together.iter().filter(|other| other.write != span.write);
        others.map(|other| before(other, span)).collect::<Option<Vec<bool>>>()
    };
    let mut placed: Vec<(usize, usize)> = together
        .iter()
        .filter_map(|span| Some((place(span)?.into_iter().filter(|is_older| *is_older).count(), span.write)))
        .collect();
    placed.sort_unstable();
    let is_clear = placed.windows(2).all(|pair| pair[0].0 < pair[1].0);
    if is_clear { placed.into_iter().map(|(_, write)| write).collect() } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(spans: &[(i64, i64)], seen: &[(usize, usize)]) -> Vec<usize> {
        let spans = spans.iter().enumerate().map(|(write, (from, to))| Span {
            write,
            from_us: Micros::new(*from),
            to_us: Micros::new(*to),
        });
        let is_before = |a, b| match (seen.contains(&(a, b)), seen.contains(&(b, a))) {
            (true, false) => Some(true),
            (false, true) => Some(false),
            _ => None,
        };
        known_order(spans.collect(), is_before)
    }

    #[test]
    fn writes_one_after_the_other_are_in_that_order() {
        assert_eq!(order(&[(20, 30), (0, 10), (10, 15)], &[]), [1, 2, 0]);
    }

    #[test]
    fn of_writes_that_were_under_way_together_only_what_was_seen_tells_the_order() {
        assert_eq!(order(&[(0, 10), (5, 15), (20, 30)], &[]), [2]);
        assert_eq!(order(&[(0, 10), (5, 15), (20, 30)], &[(1, 0)]), [1, 0, 2]);
        // The first is over before the third begins; of the second nothing is known.
        assert_eq!(order(&[(0, 10), (5, 25), (20, 30), (40, 50)], &[]), [3]);
        assert_eq!(order(&[(0, 10), (5, 25), (20, 30)], &[(0, 1), (1, 2)]), [0, 1, 2]);
    }

    #[test]
    fn what_contradicts_itself_gives_no_order() {
        assert_eq!(order(&[(0, 10), (0, 10), (0, 10)], &[(0, 1), (1, 2), (2, 0)]), [0_usize; 0]);
    }
}
