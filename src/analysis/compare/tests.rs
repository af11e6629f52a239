#![expect(clippy::unwrap_used, reason = "a test may panic")]

use proptest::prelude::*;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::analysis::fixture::{Drawn, LeaderAnswer, RunBuilder, right_leader};
use crate::analysis::stats::Sample;
use crate::data::LoadCost;
use crate::model::{ReplicationOrder, TimeSpan};

fn lab(seed: u64, leader: impl Fn(&Drawn<'_>) -> LeaderAnswer) -> Vec<RunData> {
    (1..=5).map(|w| RunBuilder::new(w).configure(|config| config.seed = seed).load(&leader).build()).collect()
}

/// Three milliseconds slower than [`right_leader`], whatever the quorum.
fn slower_leader(drawn: &Drawn<'_>) -> LeaderAnswer {
    LeaderAnswer::after(right_leader(drawn).latency_us + 3_000)
}

#[test]
fn a_run_is_like_itself() {
    let runs = lab(42, right_leader);
    let comparison = compare(&runs, &runs).unwrap();
    assert_eq!(
        (&comparison.conditions[..], &comparison.only_left[..], &comparison.only_right[..]),
        (&[][..], &[][..], &[][..])
    );
    for run in &comparison.runs {
        assert!(run.paired);
        assert_eq!((run.p99.difference_ms, run.p99.interval_ms), (Some(0.0), OPEN), "too few writes to bound p99");
        for shift in [run.mean, run.median, run.p95] {
            assert_eq!(shift.left_ms, shift.right_ms);
            assert_eq!(
                (shift.difference_ms, shift.interval_ms.lower, shift.interval_ms.upper),
                (Some(0.0), Some(0.0), Some(0.0))
            );
        }
        assert_eq!((run.pairs.judged, run.pairs.agreeing), (50, 50));
        assert_eq!((run.pairs.diverged_left, run.pairs.diverged_right), (0, 0));
    }
    assert!(comparison.runs[0].pairs.diverged_both > 0);
}

#[test]
fn with_the_same_delays_three_milliseconds_are_seen_exactly() {
    let comparison = compare(&lab(42, right_leader), &lab(42, slower_leader)).unwrap();
    let mean = comparison.runs[2].mean;
    assert!(comparison.runs[2].paired);
    for value in [mean.difference_ms, mean.interval_ms.lower, mean.interval_ms.upper] {
        assert!((value.unwrap() - 3.0).abs() < 1e-9, "{mean:?}");
    }
}

#[test]
fn with_other_delays_they_drown_in_chance() {
    let comparison = compare(&lab(42, right_leader), &lab(43, slower_leader)).unwrap();
    let run = &comparison.runs[2];
    assert!(!run.paired);
    assert!(run.mean.interval_ms.lower.unwrap() < 3.0 && 3.0 < run.mean.interval_ms.upper.unwrap(), "{:?}", run.mean);
    // About 4 standard errors of the difference of two means with a deviation of 189 ms.
    assert!((80.0..140.0).contains(&(run.mean.interval_ms.upper.unwrap() - run.mean.interval_ms.lower.unwrap())));
    let paths: Vec<&str> = comparison.conditions.iter().map(|condition| condition.path.as_str()).collect();
    assert_eq!(paths, ["config.seed", "seed"]);
    assert_eq!(
        (comparison.conditions[1].left.as_deref(), comparison.conditions[1].right.as_deref()),
        (Some("42"), Some("43"))
    );
}

#[test]
fn pairs_that_differ_are_named() {
    let arrival = lab(42, right_leader);
    let versioned: Vec<RunData> = (1..=5)
        .map(|w| {
            RunBuilder::new(w)
                .configure(|config| config.network.order = ReplicationOrder::Version)
                .load(right_leader)
                .build()
        })
        .collect();
    let comparison = compare(&arrival, &versioned).unwrap();
    let pairs = &comparison.runs[0].pairs;
    assert_eq!((pairs.left_verdict, pairs.right_verdict), (Verdict::Inconsistent, Verdict::Consistent));
    assert!(pairs.diverged_left > 0);
    assert_eq!((pairs.diverged_right, pairs.diverged_both), (0, 0));
    assert_eq!(pairs.disagreeing.len() as u64, pairs.judged - pairs.agreeing);
    assert!(pairs.disagreeing.iter().all(|pair| (pair.left, pair.right) == (CellState::Stale, CellState::Match)));
    let order = &comparison.conditions[0];
    assert_eq!(
        (order.path.as_str(), order.left.as_deref(), order.right.as_deref()),
        ("config.network.order", Some("\"arrival\""), Some("\"version\""))
    );
}

#[test]
fn what_driving_the_load_took_is_no_condition() {
    let [mut left, mut right] = [0, 0].map(|_| lab(42, right_leader));
    for (runs, cpu_us) in [(&mut left, 1_000), (&mut right, 2_000)] {
        let cost = LoadCost { cpu_us: TimeSpan::new(cpu_us), machine_busy: None };
        runs.iter_mut().for_each(|run| run.manifest.load_cost = Some(cost));
    }
    assert_eq!(compare(&left, &right).unwrap().conditions, []);
}

#[test]
fn conditions_that_only_one_side_has_are_named_too() {
    let mut right = lab(42, right_leader);
    right[0].manifest.backend.engine = Some("29.1".to_owned());
    right[0].manifest.started = Some("2027-01-01T00:00:00Z".to_owned());
    let conditions = compare(&lab(42, right_leader), &right).unwrap().conditions;
    let expected =
        ConditionDifference { path: "backend.engine".to_owned(), left: None, right: Some("\"29.1\"".to_owned()) };
    assert_eq!(conditions, [expected]);
}

#[test]
fn quorums_without_a_counterpart_are_listed() {
    let runs = lab(42, right_leader);
    let comparison = compare(&runs[..3], &runs[2..]).unwrap();
    assert_eq!((comparison.only_left, comparison.only_right), (vec![1, 2], vec![4, 5]));
    assert_eq!(comparison.runs.iter().map(|run| run.quorum).collect::<Vec<_>>(), [3]);
    assert_eq!(compare(&runs, &[]), None);
}

#[test]
fn runs_without_a_latency_or_with_one_have_no_interval() {
    let none = [RunBuilder::new(1).build()];
    let one = [RunBuilder::new(1).write_with_delays(0, 9_000, &[1; 5]).build()];
    let comparison = compare(&none, &one).unwrap();
    let shift = comparison.runs[0].p99;
    assert_eq!(
        (shift.left_ms, shift.right_ms, shift.difference_ms, shift.interval_ms.lower),
        (None, Some(9.0), None, None)
    );
    assert_eq!(compare(&one, &one).unwrap().runs[0].mean.difference_ms, Some(0.0));
}

#[test]
fn latencies_that_depend_on_each_other_have_no_interval_as_if_they_did_not() {
    let run = |extra_us: u64| {
        let latency_us = |write| 20_000 + write / 25 % 2 * 50_000 + write * 37 % 100 * 10 + extra_us;
        let run = (0..200).fold(RunBuilder::new(1), |run, i| run.write_with_delays(i, latency_us(i), &[1_000; 5]));
        vec![run.build()]
    };
    let comparison = compare(&run(0), &run(3_000)).unwrap();
    let compared = &comparison.runs[0];
    assert!(compared.is_dependent);
    let none = Interval { lower: None, upper: None };
    assert_eq!(
        (compared.mean.difference_ms, compared.mean.interval_ms, compared.p99.interval_ms),
        (Some(3.0), none, none)
    );
}

#[test]
fn an_interval_that_the_report_of_one_run_withholds_is_in_no_comparison() {
    let (left, mut right) = (lab(42, right_leader), lab(43, slower_leader));
    let p99 = compare(&left, &right).unwrap().runs[2].p99;
    assert_eq!(Sample::from_iter(latencies(&left[2])).quantile(0.99).unwrap().interval_ms.upper, None);
    assert!(p99.difference_ms.is_some());
    assert_eq!(p99.interval_ms, OPEN);
    // The kill cuts the answer to the last write off.
    let (start_us, latency_us) = (right[2].writes[99].start_us, right[2].writes[99].latency_us);
    right[2].writes[99].outcome = WriteOutcome::Unknown;
    let begun_us = start_us + TimeSpan::new(latency_us.get() / 2);
    let (node, kind) = (NodeId::Leader, crate::data::FaultEvent::Kill);
    right[2].faults = vec![crate::data::FaultRow { begun_us, ended_us: begun_us, node, kind, detail: None }];
    let cut_off = &compare(&left, &right).unwrap().runs[2];
    assert!(cut_off.is_cut_off);
    assert_eq!((cut_off.mean, cut_off.p99), (Shift::NONE, Shift::NONE));
}

#[test]
fn intervals_cover_the_difference_as_often_as_they_say() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let trials = 200;
    let mut covered = [0; 2];
    for trial in 0..trials {
        let mut sample =
            |from: i64| (0..60).map(|_| Micros::new(from + rng.random_range(0..1_000_000))).collect::<Vec<_>>();
        let (left, right) = (sample(0), sample(100_000));
        let intervals = Bootstrap::new(&left, &right, false).intervals(400, ChaCha8Rng::seed_from_u64(trial));
        for (figure, covered) in covered.iter_mut().enumerate() {
            *covered +=
                usize::from((intervals[figure].lower.unwrap()..=intervals[figure].upper.unwrap()).contains(&100.0));
        }
    }
    // 95 % less four standard errors of 1.5 %, and a little for the bootstrap's own error.
    assert!(covered.iter().all(|count| *count >= 176), "{covered:?}");
}

proptest! {
    #[test]
    fn a_samples_figures_are_those_of_its_description(values in prop::collection::vec(0..10_000_000_i64, 1..80)) {
        let values: Vec<Micros> = values.into_iter().map(Micros::new).collect();
        let figures = Bootstrap::new(&values, &[], false).left().unwrap();
        let sample: Sample = values.iter().copied().collect();
        prop_assert_eq!(Some(figures[0]), sample.mean_ms());
        for (figure, p) in figures[1..].iter().zip([0.5, 0.95, 0.99]) {
            prop_assert!((figure - sample.quantile_ms(p).unwrap()).abs() < 1e-9);
        }
    }
}
