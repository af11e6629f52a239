//! Keeps labels that stand one above the other apart.

/// Places as near as possible to those wanted (least sum of squares), in the same order, at
/// least `gap` apart and within `low..=high`. If they do not all fit they fill it evenly.
///
/// Wanted places less `i * gap` have to become non-decreasing, which is isotonic regression:
/// neighbours that violate the order are pooled at their mean.
pub(super) fn spread(wanted: &[f64], gap: f64, low: f64, high: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|a, b| wanted[*a].total_cmp(&wanted[*b]));
    let last = wanted.len().saturating_sub(1) as f64;
    let gap = if last > 0.0 { gap.min((high - low) / last) } else { gap };
    let mut pools: Vec<(f64, usize)> = Vec::new();
    for (rank, index) in order.iter().enumerate() {
        let mut pool = (wanted[*index] - rank as f64 * gap, 1);
        while let Some((mean, count)) = pools.pop_if(|(mean, _)| *mean >= pool.0) {
            let total = count + pool.1;
            pool = ((mean * count as f64 + pool.0 * pool.1 as f64) / total as f64, total);
        }
        pools.push(pool);
    }
    let mut places = vec![0.0; wanted.len()];
    let levels = pools.iter().flat_map(|(mean, count)| std::iter::repeat_n(*mean, *count));
    for ((rank, index), level) in order.iter().enumerate().zip(levels) {
        places[*index] = level.clamp(low, (high - last * gap).max(low)) + rank as f64 * gap;
    }
    places
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn labels_that_have_room_stay_where_they_are() {
        assert_eq!(spread(&[50.0, 10.0, 90.0], 20.0, 0.0, 100.0), [50.0, 10.0, 90.0]);
    }

    #[test]
    fn labels_too_near_move_apart_evenly() {
        assert_eq!(spread(&[50.0, 52.0], 20.0, 0.0, 100.0), [41.0, 61.0]);
        assert_eq!(spread(&[98.0, 99.0], 20.0, 0.0, 100.0), [80.0, 100.0]);
    }

    #[test]
    fn no_label_needs_no_place() {
        assert!(spread(&[], 20.0, 0.0, 100.0).is_empty());
    }

    proptest! {
        #[test]
        fn never_overlap_and_keep_their_order(wanted in prop::collection::vec(0.0..100.0_f64, 0..8)) {
            let places = spread(&wanted, 10.0, 0.0, 100.0);
            let mut sorted = places.clone();
            sorted.sort_by(f64::total_cmp);
            prop_assert!(sorted.windows(2).all(|pair| pair[1] - pair[0] >= 10.0 - 1e-9));
            prop_assert!(sorted.iter().all(|place| (-1e-9..=100.0 + 1e-9).contains(place)));
            for (a, b) in (0..wanted.len()).flat_map(|a| (0..wanted.len()).map(move |b| (a, b))) {
                prop_assert!(wanted[a] >= wanted[b] || places[a] < places[b]);
            }
        }
    }
}
