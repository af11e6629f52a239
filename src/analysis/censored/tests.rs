use std::time::{Duration, Instant};

use proptest::prelude::*;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::*;

const OPEN: i64 = i64::MIN;

fn sample(times: &[(i64, i64)]) -> CensoredSample {
    CensoredSample::new(times.iter().map(|(from, to)| Censored { earliest_us: *from, latest_us: *to }))
}

fn shares(sample: &CensoredSample) -> Vec<(i64, i64, f64)> {
    let round = |share: f64| (share * 1e4).round() / 1e4;
    sample.masses().iter().map(|mass| (mass.earliest_us, mass.latest_us, round(mass.share))).collect()
}

#[test]
fn exact_times_give_the_empirical_distribution() {
    let sample = sample(&[(5, 5), (1, 1), (3, 3), (3, 3)]);
    assert_eq!(shares(&sample), [(1, 1, 0.25), (3, 3, 0.5), (5, 5, 0.25)]);
    for (at, share) in [(0, 0.0), (1, 0.25), (2, 0.25), (3, 0.75), (5, 1.0), (9, 1.0)] {
        let exactly = Bounds::exactly(share);
        assert_eq!(sample.share_by(at).unwrap(), CensoredShare { bounds: exactly, estimate: exactly }, "{at}");
    }
    for (p, at) in [(0.01, 1), (0.25, 1), (0.26, 3), (0.75, 3), (0.76, 5), (1.0, 5)] {
        let exactly = Bounds::exactly(at);
        assert_eq!(sample.quantile(p).unwrap(), CensoredQuantile { bounds: exactly, estimate: exactly }, "{p}");
    }
}

#[test]
fn an_empty_sample_says_nothing() {
    let empty = sample(&[]);
    assert_eq!((empty.len(), empty.share_by(0), empty.quantile(0.5)), (0, None, None));
}

/// Exact and right-censored times: the product-limit estimate. E. L. Kaplan and P. Meier, "Nonparametric
/// estimation from incomplete observations", Journal of the American Statistical Association 53 (1958), 457-481,
/// whose example has deaths at 0.8, 3.1, 5.4 and 9.2 and losses at 1.0, 2.7, 7.0 and 12.1.
#[test]
fn right_censored_times_give_the_estimate_of_kaplan_and_meier() {
    let late = |at: i64| (at, NEVER_US);
    let sample = sample(&[(8, 8), (31, 31), (54, 54), (92, 92), late(10), late(27), late(70), late(121)]);
    let expected = [(8, 0.875), (31, 0.7), (54, 0.525), (92, 0.2625)];
    for (at, survival) in expected {
        let share = sample.share_by(at).unwrap().estimate;
        assert!((1.0 - share.lower - survival).abs() < 1e-4 && share.exact().is_some(), "{at}: {share:?}");
    }
}

/// The times to cosmetic deterioration of 46 patients treated by radiotherapy alone, in months: D. M.
/// Finkelstein and R. A. Wolfe, "A semiparametric model for regression analysis of interval-censored failure
/// time data", Biometrics 41 (1985), 933-945. The estimate is the one that the R package `interval` prints.
#[test]
fn a_published_example_has_its_published_estimate() {
    const MONTHS: [(i64, i64); 46] = [
        (45, 0),
        (6, 10),
        (0, 7),
        (46, 0),
        (46, 0),
        (7, 16),
        (17, 0),
        (7, 14),
        (37, 44),
        (0, 8),
        (4, 11),
        (15, 0),
        (11, 15),
        (22, 0),
        (46, 0),
        (46, 0),
        (25, 37),
        (46, 0),
        (26, 40),
        (46, 0),
        (27, 34),
        (36, 44),
        (46, 0),
        (36, 48),
        (37, 0),
        (40, 0),
        (17, 25),
        (46, 0),
        (11, 18),
        (38, 0),
        (5, 12),
        (37, 0),
        (0, 5),
        (18, 0),
        (24, 0),
        (36, 0),
        (5, 11),
        (19, 35),
        (17, 25),
        (24, 0),
        (32, 0),
        (33, 0),
        (19, 26),
        (37, 0),
        (34, 0),
        (36, 0),
    ];
    // An interval there excludes its beginning: a thousandth of a month lies between. 0: not within the study.
    let times = MONTHS.map(|(from, to)| (from * 1_000 + 1, if to == 0 { NEVER_US } else { to * 1_000 }));
    let found = shares(&sample(&times)).into_iter().filter(|(_, _, share)| *share > 0.0);
    let found: Vec<_> = found.map(|(from, to, share)| (from / 1_000, to / 1_000, share)).collect();
    let expected = [
        (4, 5, 0.0463),
        (6, 7, 0.0334),
        (7, 8, 0.0887),
        (11, 12, 0.0708),
        (24, 25, 0.0926),
        (33, 34, 0.0818),
        (38, 40, 0.1209),
        (46, 48, 0.4656),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_time_that_may_never_come_leaves_quantiles_open_from_above() {
    let sample = sample(&[(1, 2), (3, 4), (5, NEVER_US), (OPEN, 2)]);
    let bounds = |p| sample.quantile(p).unwrap().bounds;
    assert_eq!(bounds(0.25), Bounds { lower: OPEN, upper: 2 });
    assert_eq!(bounds(0.75), Bounds { lower: 3, upper: 4 });
    assert_eq!(bounds(1.0), Bounds { lower: 5, upper: NEVER_US });
}

#[test]
fn a_hundred_thousand_times_take_seconds_at_most() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let times = (0..100_000).map(|_| {
        let (at, early, late) =
            (rng.random_range(0..1_000_000_i64), rng.random_range(0..20_000), rng.random_range(0..20_000));
        if rng.random_range(0..10) == 0 {
            Censored { earliest_us: at, latest_us: NEVER_US }
        } else {
            Censored::between(at - early, at + late)
        }
    });
    let times: Vec<_> = times.collect();
    let begun = Instant::now();
    let sample = CensoredSample::new(times);
    assert!(begun.elapsed() < Duration::from_mins(1), "{:?}", begun.elapsed());
    let total: f64 = sample.masses().iter().map(|mass| mass.share).sum();
    assert!((total - 1.0).abs() < 1e-6, "{total}");
}

/// Times, and what is known of each: exact, bounded from one side, from both, or from neither.
fn observed() -> impl Strategy<Value = Vec<(i64, Censored)>> {
    let one = (0..1_000_i64, 0..200_i64, 0..200_i64, 0..5).prop_map(|(at, early, late, kind)| {
        let (earliest_us, latest_us) = match kind {
            0 => (at, at),
            1 => (OPEN, at + late),
            2 => (at - early, NEVER_US),
            3 => (OPEN, NEVER_US),
            _ => (at - early, at + late),
        };
        (at, Censored { earliest_us, latest_us })
    });
    prop::collection::vec(one, 1..60)
}

proptest! {
    #[test]
    fn the_band_holds_the_empirical_distribution_and_the_estimate(observed in observed(), p in 0.001..=1.0_f64) {
        let sample = CensoredSample::new(observed.iter().map(|(_, time)| *time));
        let mut times: Vec<i64> = observed.iter().map(|(at, _)| *at).collect();
        times.sort_unstable();
        let n = times.len() as f64;
        for at in (-200..1_300).step_by(7) {
            let CensoredShare { bounds, estimate } = sample.share_by(at).unwrap();
            let share = times.partition_point(|time| *time <= at) as f64 / n;
            prop_assert!(bounds.lower <= share && share <= bounds.upper, "{} in {:?}", share, bounds);
            prop_assert!(bounds.lower <= estimate.lower && estimate.lower <= estimate.upper + 1e-9);
            prop_assert!(estimate.upper <= bounds.upper);
        }
        let CensoredQuantile { bounds, estimate } = sample.quantile(p).unwrap();
        let exact = times[((p * n - 1e-9).ceil() as usize).max(1) - 1];
        prop_assert!(bounds.lower <= exact && exact <= bounds.upper, "{} in {:?}", exact, bounds);
        prop_assert!(bounds.lower <= estimate.lower && estimate.upper <= bounds.upper);
    }

    #[test]
    fn the_estimate_is_self_consistent_and_no_other_is_likelier(observed in observed(), seed in any::<u64>()) {
        let times: Vec<Censored> = observed.iter().map(|(_, time)| *time).collect();
        let sample = CensoredSample::new(times.clone());
        let holds = |time: &Censored, mass: &Mass| time.earliest_us <= mass.earliest_us && mass.latest_us <= time.latest_us;
        let likelihood = |masses: &[Mass]| -> f64 {
            let of = |time: &Censored| masses.iter().filter(|mass| holds(time, mass)).map(|mass| mass.share).sum::<f64>();
            times.iter().map(|time| of(time).ln()).sum()
        };
        let total: f64 = sample.masses().iter().map(|mass| mass.share).sum();
        prop_assert!((total - 1.0).abs() < 1e-6);
        let best = likelihood(sample.masses());
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut other: Vec<Mass> = sample.masses().to_vec();
        other.iter_mut().for_each(|mass| mass.share *= rng.random_range(0.5..1.5));
        let total: f64 = other.iter().map(|mass| mass.share).sum();
        other.iter_mut().for_each(|mass| mass.share /= total);
        prop_assert!(likelihood(&other) <= best + 1e-3, "{} above {}", likelihood(&other), best);
    }
}
