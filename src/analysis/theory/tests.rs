#![expect(clippy::unwrap_used, reason = "a test may panic")]

use proptest::prelude::*;

use super::*;
use crate::config::{DelayRange, Experiment, Timeout};

fn network(min_ms: u32, max_ms: u32) -> Network {
    Network { delay: DelayRange::new(min_ms, max_ms).unwrap().into(), ..Experiment::default().network }
}

fn predict(network: &Network, followers: i64, quorum: i64) -> Result<Prediction, NotPredicted> {
    Prediction::new(network, followers.try_into().unwrap(), quorum.try_into().unwrap())
}

#[test]
fn the_lab_has_the_figures_of_the_issue() {
    let expected = [
        ["166.7", "129.4", "450.7", "601.9"],
        ["333.3", "313.8", "657.4", "777.9"],
        ["500.0", "500.0", "810.7", "894.4"],
        ["666.7", "686.2", "923.6", "967.3"],
        ["833.3", "870.6", "989.8", "998.0"],
    ];
    for (quorum, row) in (1..).zip(expected) {
        let figures = predict(&network(0, 1000), 5, quorum).unwrap().figures();
        let printed = [figures.mean_ms, figures.median_ms, figures.p95_ms, figures.p99_ms].map(|x| format!("{x:.1}"));
        assert_eq!(printed, row, "W = {quorum}");
    }
}

#[test]
fn quorum_nought_waits_for_nothing_whatever_the_network() {
    let prediction = predict(&network(500, 60_000), 5, 0).unwrap();
    assert_eq!(prediction, Prediction::Constant(0.0));
    assert_eq!((prediction.mean_ms(), prediction.quantile_ms(0.99)), (0.0, 0.0));
}

#[test]
fn a_constant_delay_is_a_point() {
    let prediction = predict(&network(250, 250), 5, 3).unwrap();
    assert_eq!(prediction, Prediction::Constant(250.0));
    assert_eq!((prediction.cdf(249.9), prediction.cdf(250.0), prediction.density(250.0)), (0.0, 1.0, None));
}

#[test]
fn where_the_model_does_not_apply_there_is_no_prediction() {
    assert_eq!(predict(&network(0, 1000), 5, 6), Err(NotPredicted::QuorumBeyondFollowers));
    assert_eq!(predict(&network(0, 2000), 5, 1), Err(NotPredicted::Truncated));
    assert!(predict(&network(0, 1999), 5, 1).is_ok());
    let hasty = Network { global_request_timeout_s: Timeout::try_from(0.9).unwrap(), ..network(0, 1000) };
    assert_eq!(predict(&hasty, 5, 1), Err(NotPredicted::Truncated));
}

#[test]
fn the_smallest_of_one_delay_is_that_delay() {
    let prediction = predict(&network(100, 300), 1, 1).unwrap();
    assert!((prediction.quantile_ms(0.25) - 150.0).abs() < 1e-9);
    assert!((prediction.cdf(250.0) - 0.75).abs() < 1e-12);
    assert!((prediction.density(200.0).unwrap() - 0.005).abs() < 1e-12);
    assert_eq!(prediction.density(301.0), Some(0.0));
}

#[test]
fn the_labs_lag_has_the_means_of_the_issue() {
    let lag =
        |quorum: i64| Prediction::lag(&network(0, 1000), 5.try_into().unwrap(), quorum.try_into().unwrap()).unwrap();
    let printed: Vec<String> = (1..=5).map(|quorum| format!("{:.0}", lag(quorum).mean_ms())).collect();
    assert_eq!(printed, ["667", "500", "333", "167", "0"]);
    // Without waiting it is the slowest delay itself, lower bound and all.
    let asynchronous = Prediction::lag(&network(100, 1100), 5.try_into().unwrap(), 0.try_into().unwrap()).unwrap();
    assert!((asynchronous.mean_ms() - (100.0 + 1000.0 * 5.0 / 6.0)).abs() < 1e-9);
}

#[test]
fn lag_over_a_constant_delay_is_none_but_for_quorum_nought() {
    let lag = |quorum: i64| Prediction::lag(&network(70, 70), 5.try_into().unwrap(), quorum.try_into().unwrap());
    assert_eq!((lag(0), lag(3)), (Ok(Prediction::Constant(70.0)), Ok(Prediction::Constant(0.0))));
    assert_eq!(lag(6), Err(NotPredicted::QuorumBeyondFollowers));
}

#[test]
fn there_is_no_rank_nought_and_none_beyond_the_delays() {
    let delay = UniformDelay::new(0.0, 10.0).unwrap();
    assert_eq!(OrderStatistic::new(delay, 0, 5), None);
    assert_eq!(OrderStatistic::new(delay, 6, 5), None);
}

proptest! {
    #[test]
    fn at_most_x_means_that_at_least_w_delays_are(followers in 1..20_i64, quorum in 1..20_i64, x in 0.0..1000.0) {
        prop_assume!(quorum <= followers);
        // The binomial tail, term by term.
        let n = i32::try_from(followers).unwrap();
        let f: f64 = x / 1000.0;
        let term = |k: i32| (0..k).fold(1.0, |c: f64, i| c * f64::from(n - i) / f64::from(i + 1)) * f.powi(k) * (1.0 - f).powi(n - k);
        let tail: f64 = (i32::try_from(quorum).unwrap()..=n).map(term).sum();
        let prediction = predict(&network(0, 1000), followers, quorum).unwrap();
        prop_assert!((prediction.cdf(x) - tail).abs() < 1e-9);
    }

    #[test]
    fn quantile_and_cdf_are_inverse(followers in 1..100_i64, quorum in 1..100_i64, p in 0.0001..0.9999) {
        prop_assume!(quorum <= followers);
        let prediction = predict(&network(100, 900), followers, quorum).unwrap();
        let x = prediction.quantile_ms(p);
        prop_assert!((100.0..=900.0).contains(&x));
        prop_assert!((prediction.cdf(x) - p).abs() < 1e-6);
    }

    #[test]
    fn the_density_is_the_slope_of_the_cdf(quorum in 1..=5_i64, x in 10.0..990.0) {
        let prediction = predict(&network(0, 1000), 5, quorum).unwrap();
        let slope = (prediction.cdf(x + 0.01) - prediction.cdf(x - 0.01)) / 0.02;
        prop_assert!((prediction.density(x).unwrap() - slope).abs() < 1e-6);
    }
}
