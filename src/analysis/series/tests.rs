#![expect(clippy::unwrap_used, reason = "a test may panic")]

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::*;

/// A first-order autoregressive series around 100 ms.
fn autoregressive(n: usize, correlation: f64, seed: u64) -> Vec<Micros> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut deviation = 0.0;
    let mut next = || {
        let noise: f64 = (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0;
        deviation = correlation * deviation + noise;
        Micros::new(100_000 + (deviation * 1_000.0) as i64)
    };
    // The first values still remember that the series began at its mean.
    for _ in 0..200 {
        next();
    }
    (0..n).map(|_| next()).collect()
}

#[test]
fn the_autocorrelation_is_that_of_its_definition() {
    // Deviations -1.5, -0.5, 0.5 and 1.5: products 0.75, -0.25 and 0.75, squares 5.
    assert_eq!(lag1_autocorrelation(&[1.0, 2.0, 3.0, 4.0]), Some(0.25));
    assert_eq!(lag1_autocorrelation(&[3.0; 30]), None);
    assert_eq!(Series::new([1, 2, 3, 4].map(Micros::new).to_vec(), 1).dependence().lag1, None);
}

#[test]
fn independent_values_keep_the_intervals_of_a_sample() {
    let values = autoregressive(100, 0.0, 3);
    let series = Series::new(values.clone(), 10);
    let sample: Sample = values.into_iter().collect();
    assert!(!series.dependence().is_dependent);
    assert_eq!((series.mean(), series.quantile(0.95)), (sample.mean(), sample.quantile(0.95)));
}

#[test]
fn independent_values_are_rarely_called_dependent() {
    let called = (0..2_000).filter(|seed| Series::new(autoregressive(100, 0.0, *seed), 10).dependence().is_dependent);
    assert!(called.count() <= 8);
}

#[test]
fn a_mean_of_batches_is_students_over_them() {
    // Ten runs of 20 equal values, rising and falling by turns: every batch of 20 has one value.
    let levels_ms = [1, 9, 2, 8, 3, 7, 4, 6, 5, 5];
    let values: Vec<Micros> = levels_ms.iter().flat_map(|level| [Micros::new(level * 1_000); 20]).collect();
    let series = Series::new(values, 10);
    assert_eq!(series.dependence().batches, Some(10));
    let mean = series.mean().unwrap();
    // The levels' squared deviations from 5 sum up to 60.
    let error = (60.0_f64 / 9.0 / 10.0).sqrt();
    assert!((mean.standard_error_ms.unwrap() - error).abs() < 1e-9);
    assert!((mean.interval_ms.upper.unwrap() - (5.0 + 2.262_157 * error)).abs() < 1e-5);
    assert_eq!(series.quantile(0.5).unwrap().value_ms, 5.0);
}

#[test]
fn a_dependent_series_that_is_too_short_has_no_interval() {
    let none = Interval { lower: None, upper: None };
    let few = Series::new((0..60).map(|i| Micros::new(i * 1_000)).collect(), 10);
    assert_eq!((few.dependence().is_dependent, few.dependence().batches), (true, None));
    assert_eq!((few.mean().unwrap().interval_ms, few.quantile(0.5).unwrap().interval_ms), (none, none));
}

#[test]
fn a_trend_leaves_the_fewest_batches_and_a_wide_interval() {
    let trend = Series::new((0..20_000).map(|i| Micros::new(i * 1_000)).collect(), 64);
    assert_eq!(trend.dependence().batches, Some(5));
    let interval = trend.mean().unwrap().interval_ms;
    assert!(interval.lower.unwrap() < 2_500.0 && interval.upper.unwrap() > 17_500.0, "{interval:?}");
}

#[test]
fn intervals_of_dependent_series_cover_what_they_estimate() {
    let runs = 400;
    let [mut mean, mut median, mut p95, mut independent] = [0; 4];
    // The stationary deviation is normal with variance 1 / (1 - 0.9^2).
    let p95_ms = 100.0 + 1.644_854 / (1.0_f64 - 0.81).sqrt();
    let covers = |interval: Interval, truth: f64| interval.lower.unwrap() <= truth && truth <= interval.upper.unwrap();
    for seed in 0..runs {
        let series = Series::new(autoregressive(4_000, 0.9, seed), 10);
        mean += u32::from(covers(series.mean().unwrap().interval_ms, 100.0));
        median += u32::from(covers(series.quantile(0.5).unwrap().interval_ms, 100.0));
        p95 += u32::from(covers(series.quantile(0.95).unwrap().interval_ms, p95_ms));
        independent += u32::from(covers(series.sample().mean().unwrap().interval_ms, 100.0));
    }
    // 93 to 97 % but for the chance of 400 runs.
    for (name, covered) in [("mean", mean), ("median", median), ("p95", p95)] {
        assert!((364..=396).contains(&covered), "{name}: {covered} of {runs}");
    }
    assert!(independent < 200, "{independent} of {runs}");
}

#[test]
fn equal_values_do_not_depend_on_each_other_though_their_mean_is_rounded() {
    for us in 1..2_000 {
        let dependence = Series::new(vec![Micros::new(us); 41], 10).dependence();
        assert_eq!((dependence.lag1, dependence.is_dependent), (None, false), "{us} us");
    }
}
