#![expect(clippy::unwrap_used, reason = "a test may panic")]

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::analysis::fixture::{RunBuilder, right_leader};
use crate::analysis::latency::Latency;
use crate::analysis::multiple::correct;
use crate::model::Micros;

/// U(0, 1 s).
fn uniform_cdf(x_ms: f64) -> f64 {
    (x_ms / 1000.0).clamp(0.0, 1.0)
}

#[test]
fn the_limiting_distribution_has_its_table_values() {
    // Smirnov, "Table for Estimating the Goodness of Fit of Empirical Distributions" (1948).
    for (x, expected) in
        [(0.5, 0.963_945), (1.0, 0.270_000), (1.2238, 0.1), (1.3581, 0.05), (1.6276, 0.01), (2.0, 0.000_671)]
    {
        let survival = kolmogorov_survival(x);
        assert!((survival - expected).abs() < 5e-5, "x = {x}: {survival}");
    }
    assert_eq!(kolmogorov_survival(0.0), 1.0);
    assert!(kolmogorov_survival(0.05) > 0.999_999);
}

#[test]
fn both_series_meet() {
    assert!((kolmogorov_survival(1.179_999_9) - kolmogorov_survival(1.180_000_1)).abs() < 1e-6);
}

#[test]
fn critical_distances_of_small_samples_are_those_of_the_exact_distribution() {
    // Miller, "Table of Percentage Points of Kolmogorov Statistics", JASA 51 (1956).
    for (n, distance, expected) in
        [(10.0, 0.409_25, 0.05), (20.0, 0.294_08, 0.05), (100.0, 0.134_03, 0.05), (20.0, 0.352_41, 0.01)]
    {
        let p = p_value(distance, n);
        assert!((p - expected).abs() < 0.002, "n = {n}: {p}");
    }
}

#[test]
fn the_distance_is_the_greatest_on_either_side_of_a_step() {
    // Steps at 0.1 and 0.6: the gaps are 0.1, 0.4, 0.1 and 0.4.
    let test = ks_one_sample(&[100_000, 600_000].into_iter().map(Micros::new).collect(), uniform_cdf).unwrap();
    assert!((test.distance - 0.4).abs() < 1e-12);
    assert_eq!(ks_one_sample(&Sample::default(), uniform_cdf), None);
}

#[test]
fn rejects_as_often_as_it_says() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let trials = 2_000;
    let mut rejected = |limit_us: i64| {
        (0..trials)
            .filter(|_| {
                let sample: Sample = (0..100).map(|_| Micros::new(rng.random_range(0..limit_us))).collect();
                ks_one_sample(&sample, uniform_cdf).unwrap().p_value < 0.05
            })
            .count()
    };
    let under_the_null = rejected(1_000_000);
    assert!((60..=140).contains(&under_the_null), "{under_the_null} of {trials}, not about 100");
    assert!(rejected(700_000) > trials * 95 / 100);
}

#[test]
fn what_would_go_unnoticed_follows_from_the_distribution_and_the_number_of_writes() {
    let detectable = |quorum| {
        let mut latency = Latency::of(&RunBuilder::new(quorum).load(right_leader).build());
        correct(latency.tested().into_iter().collect(), Vec::new());
        latency.ks.unwrap().detectable_ms.unwrap()
    };
    // The critical distance of 100 values at 5 % is 0.134. The least of five delays U(0, 1000) ms
    // moves by it where 1 - (1 - d / 1000)^5 is as much; the middle one is densest, 1.875 / s, at 500.
    assert!((detectable(1) - 1000.0 * (1.0 - (1.0_f64 - 0.134).powf(0.2))).abs() < 0.5, "{}", detectable(1));
    assert!((detectable(3) - 134.0 / 1.875).abs() < 1.0, "{}", detectable(3));
}

#[test]
fn a_shift_of_the_detectable_size_is_mostly_found_and_half_of_it_mostly_not() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    for rank in [1, 3] {
        let mut latency = Latency::of(&RunBuilder::new(rank).load(right_leader).build());
        correct(latency.tested().into_iter().collect(), Vec::new());
        let detectable_us = latency.ks.unwrap().detectable_ms.unwrap() * 1000.0;
        let mut found = |shift_us: i64| {
            let mut shifted = || {
                let mut delays_us: [i64; 5] = std::array::from_fn(|_| rng.random_range(0..1_000_000));
                delays_us.sort_unstable();
                Micros::new(delays_us[rank as usize - 1] + shift_us)
            };
            let mut samples = (0..500).map(|_| (0..100).map(|_| shifted()).collect::<Sample>()).collect::<Vec<_>>();
            samples.retain(|sample| ks_predicted(sample, latency.prediction.as_ref().unwrap()).unwrap().p_value < 0.05);
            samples.len()
        };
        let (whole, half) = (found(detectable_us as i64), found((detectable_us / 2.0) as i64));
        assert!(whole >= 250 && half < 250, "W = {rank}: {whole} and {half} of 500");
    }
}
