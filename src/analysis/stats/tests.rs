#![expect(clippy::unwrap_used, reason = "a test may panic")]

use proptest::prelude::*;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::*;

fn sample(times_us: &[i64]) -> Sample {
    times_us.iter().copied().map(Micros::new).collect()
}

/// Type 7 as Hyndman and Fan define it: the piecewise linear function through the points
/// ((k - 1) / (n - 1), x_k).
fn type_7(sorted_ms: &[f64], p: f64) -> f64 {
    let last = (sorted_ms.len() - 1) as f64;
    for (k, pair) in sorted_ms.windows(2).enumerate() {
        let (from, to) = (k as f64 / last, (k + 1) as f64 / last);
        if p <= to {
            return pair[0] + (p - from) / (to - from) * (pair[1] - pair[0]);
        }
    }
    sorted_ms[sorted_ms.len() - 1]
}

/// P(B <= k) for B binomial(n, p), summed term by term.
fn binomial_cdf(n: usize, p: f64, k: usize) -> f64 {
    let mut term = (1.0 - p).powi(i32::try_from(n).unwrap());
    let mut sum = term;
    for i in 1..=k {
        term *= (n - i + 1) as f64 / i as f64 * p / (1.0 - p);
        sum += term;
    }
    sum
}

#[test]
fn known_values() {
    // numpy.quantile([1, 2, 4, 8, 16], [0, .25, .5, .9, .99, 1])
    let five = sample(&[16_000, 1_000, 8_000, 2_000, 4_000]);
    for (p, expected) in [(0.0, 1.0), (0.25, 2.0), (0.5, 4.0), (0.9, 12.8), (0.99, 15.68), (1.0, 16.0)] {
        let value = five.quantile_ms(p).unwrap();
        assert!((value - expected).abs() < 1e-12, "p = {p}: {value}");
    }
    assert_eq!(five.mean_ms(), Some(6.2));
    // statistics.stdev / sqrt(5) = 2.7276363394, times t(0.975, 4) = 2.7764451052
    let mean = five.mean().unwrap();
    assert!((mean.standard_error_ms.unwrap() - 2.727_636_339_4).abs() < 1e-9);
    assert!((mean.interval_ms.upper.unwrap() - (6.2 + 2.727_636_339_4 * 2.776_445_105_2)).abs() < 1e-8);
}

#[test]
fn student_reaches_as_far_as_the_tables_say() {
    for (freedom, expected) in [(1.0, 12.7062), (2.0, 4.3027), (9.0, 2.2622), (99.0, 1.9842), (19_999.0, 1.9601)] {
        let t = t_quantile(freedom).unwrap();
        assert!((t - expected).abs() < 1e-4, "{freedom} degrees of freedom: {t}");
    }
}

#[test]
fn nothing_comes_of_nothing_and_little_of_one() {
    let none = Sample::default();
    assert_eq!((none.mean(), none.quantile(0.5), none.min_ms()), (None, None, None));
    let one = sample(&[1_500]);
    let unbounded = Interval { lower: None, upper: None };
    assert_eq!(one.mean(), Some(Mean { value_ms: 1.5, standard_error_ms: None, interval_ms: unbounded, n: 1 }));
    assert_eq!(one.quantile(0.5), Some(Quantile { p: 0.5, value_ms: 1.5, interval_ms: unbounded }));
}

#[test]
fn a_difference_of_means_is_welchs() {
    // By hand: variances 5/3 and 4, squared errors 5/12 and 4/3, df = (7/4)^2 / ((5/12)^2/3 + (4/3)^2/2).
    let low = sample(&[1_000, 2_000, 3_000, 4_000]).mean().unwrap();
    let high = sample(&[10_000, 12_000, 14_000]).mean().unwrap();
    let difference = high.above(&low);
    assert!((difference.value_ms - 9.5).abs() < 1e-12);
    let freedom = 1.75_f64.powi(2) / ((5.0_f64 / 12.0).powi(2) / 3.0 + (4.0_f64 / 3.0).powi(2) / 2.0);
    let half = 1.75_f64.sqrt() * t_quantile(freedom).unwrap();
    assert!((difference.interval_ms.lower.unwrap() - (9.5 - half)).abs() < 1e-9);
    assert!((difference.interval_ms.upper.unwrap() - (9.5 + half)).abs() < 1e-9);
    // With freedom 3.24, t is between its table values at 4 and 3 degrees: 2.776 and 3.182.
    assert!((2.776..3.182).contains(&(half / 1.75_f64.sqrt())));
}

#[test]
fn means_without_spread_differ_for_certain_and_single_values_say_nothing() {
    let (five, six) = (sample(&[5_000, 5_000]).mean().unwrap(), sample(&[6_000, 6_000]).mean().unwrap());
    assert_eq!(six.above(&five).interval_ms, Interval { lower: Some(1.0), upper: Some(1.0) });
    let single = sample(&[5_000]).mean().unwrap();
    assert_eq!(six.above(&single), Difference { value_ms: 1.0, interval_ms: Interval { lower: None, upper: None } });
}

#[test]
fn known_ranks() {
    // The median of 100 values lies between the 40th and the 61st, a table value.
    assert_eq!(quantile_ranks(100, 0.5), (Some(40), Some(61)));
    assert_eq!(quantile_ranks(100, 0.99), (Some(97), None));
    assert_eq!(quantile_ranks(5, 0.5), (None, None));
    assert_eq!(quantile_ranks(6, 0.5), (Some(1), Some(6)));
    // 0.99^367 = 0.0250...: the least n at which p99 has an upper bound is 368.
    assert_eq!(quantile_ranks(367, 0.99).1, None);
    assert_eq!(quantile_ranks(368, 0.99).1, Some(368));
    assert_eq!(quantile_ranks(0, 0.5), (None, None));
}

#[test]
fn intervals_cover_what_they_should() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let (trials, n) = (2_000, 100);
    for p in [0.5, 0.95] {
        let covered = (0..trials)
            .filter(|_| {
                let uniform: Sample = (0..n).map(|_| Micros::new(rng.random_range(0..1_000_000))).collect();
                let Interval { lower, upper } = uniform.quantile(p).unwrap().interval_ms;
                lower.is_none_or(|low| low <= p * 1000.0) && upper.is_none_or(|high| p * 1000.0 <= high)
            })
            .count();
        // At least 95 % by construction; four standard errors of 0.5 % below that is 93 %.
        assert!(covered * 100 >= trials * 93, "p = {p}: {covered} of {trials}");
    }
}

#[test]
fn the_means_interval_covers_what_it_should() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let trials = 2_000;
    let covered = (0..trials)
        .filter(|_| {
            let uniform: Sample = (0..30).map(|_| Micros::new(rng.random_range(0..=1_000_000))).collect();
            let Interval { lower, upper } = uniform.mean().unwrap().interval_ms;
            (lower.unwrap()..=upper.unwrap()).contains(&500.0)
        })
        .count();
    assert!((trials * 93..=trials * 97).contains(&(covered * 100)), "{covered} of {trials}");
}

proptest! {
    #[test]
    fn quantiles_follow_the_definition(times in prop::collection::vec(0..10_000_000_i64, 2..60), p in 0.0..=1.0) {
        let mut sorted: Vec<f64> = times.iter().map(|us| *us as f64 / 1000.0).collect();
        sorted.sort_by(f64::total_cmp);
        let value = sample(&times).quantile_ms(p).unwrap();
        prop_assert!((value - type_7(&sorted, p)).abs() < 1e-6);
    }

    #[test]
    fn quantiles_are_bounded_and_monotone(times in prop::collection::vec(any::<i32>(), 1..60), p in 0.0..=1.0, q in 0.0..=1.0) {
        let sample: Sample = times.iter().map(|us| Micros::new(i64::from(*us))).collect();
        let (low, high) = (sample.quantile_ms(f64::min(p, q)).unwrap(), sample.quantile_ms(f64::max(p, q)).unwrap());
        prop_assert!(sample.min_ms().unwrap() <= low && low <= high && high <= sample.max_ms().unwrap());
    }

    #[test]
    fn the_order_of_a_sample_does_not_matter(
        (times, shuffled) in prop::collection::vec(0..1_000_000_i64, 0..40)
            .prop_flat_map(|times| (Just(times.clone()), Just(times).prop_shuffle()))
    ) {
        prop_assert_eq!(sample(&times), sample(&shuffled));
    }

    #[test]
    fn an_interval_holds_its_estimate(times in prop::collection::vec(0..1_000_000_i64, 1..400), p in 0.01..0.99) {
        let Quantile { value_ms, interval_ms, .. } = sample(&times).quantile(p).unwrap();
        prop_assert!(interval_ms.lower.is_none_or(|low| low <= value_ms));
        prop_assert!(interval_ms.upper.is_none_or(|high| value_ms <= high));
    }

    #[test]
    fn ranks_are_the_tightest_that_leave_out_two_and_a_half_per_cent(n in 1..200_usize, p in 0.05..0.95) {
        let (lower, upper) = quantile_ranks(n, p);
        let below = |rank: usize| if rank == 0 { 0.0 } else { binomial_cdf(n, p, rank - 1) };
        if let Some(rank) = lower {
            prop_assert!(below(rank) <= 0.025 + 1e-9);
        }
        prop_assert!(below(lower.unwrap_or(0) + 1) > 0.025 - 1e-9);
        if let Some(rank) = upper {
            prop_assert!(below(rank) >= 0.975 - 1e-9);
        }
        prop_assert!(below(upper.map_or(n, |rank| rank - 1)) < 0.975 + 1e-9);
    }
}
