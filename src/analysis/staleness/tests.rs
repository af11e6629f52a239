#![expect(clippy::unwrap_used, reason = "a test may panic")]

use crate::model::Distribution;
use proptest::prelude::*;

use super::closed_form::binomial;
use super::reading::ReadPath;
use super::*;
use crate::analysis::fixture::{LeaderAnswer, Planned, RunBuilder};
use crate::analysis::lag::Lag;
use crate::model::NodeId;

pub(super) fn distribution(text: &str) -> Distribution {
    text.parse().unwrap()
}

/// Whether a chance is this one but for `errors` standard errors and `rounding`.
pub(super) fn is_near(chance: Chance, expected: f64, errors: f64, rounding: f64) -> bool {
    (chance.value - expected).abs() <= errors * chance.standard_error.unwrap() + rounding
}

/// A lab whose software takes no time.
fn ideal(quorum: usize) -> RunData {
    RunBuilder::new(u32::try_from(quorum).unwrap())
        .configure(|config| config.workload.writes = 1000.try_into().unwrap())
        .load(|drawn| LeaderAnswer::after(drawn.quorum.checked_sub(1).map_or(0, |index| drawn.sorted_us[index])))
        .build()
}

#[test]
fn an_ideal_lab_is_as_stale_as_predicted() {
    for (quorum, last_ms) in [(1_u32, 666.7), (2, 500.0), (3, 333.3), (4, 166.7), (5, 0.0)] {
        let run = ideal(quorum as usize);
        let staleness = Staleness::of(&run);
        assert_eq!((staleness.n, staleness.basis), (1000, Some(Basis::ClosedForm)));
        let read = &staleness.reads[0];
        let (measured, predicted) = (read.from_trace.clone().unwrap(), read.predicted.clone().unwrap());
        let expected = f64::from(5 - quorum) / 5.0;
        assert!((predicted.stale_at_ack.value - expected).abs() < 1e-12);
        // Counting acknowledgements is no estimate: it has no interval.
        assert!((measured.stale_at_ack.value - expected).abs() < 1e-9, "{measured:?}");
        assert_eq!((measured.stale_at_ack.standard_error, measured.stale_at_ack.interval.lower), (None, None));
        // Three standard errors: the last of 5,000 copies are far apart.
        for (measured, predicted, near_ms) in
            [(measured.p99, predicted.p99, 50.0), (measured.p999, predicted.p999, 100.0)]
        {
            let (measured, expected) = (measured.unwrap(), predicted.unwrap().ms.unwrap());
            let measured_ms = measured.ms.unwrap();
            assert!((measured_ms - expected).abs() <= near_ms, "{measured:?} {expected}");
            assert!(measured.interval_ms.lower.is_some_and(|lower| lower <= measured_ms));
        }
        for replicas in &staleness.at_ack {
            let (missed, predicted) = (replicas.misses_write.unwrap().exact().unwrap(), replicas.predicted.unwrap());
            assert!((missed - predicted.value).abs() < 1e-9, "{replicas:?}");
        }
        let lag = Lag::of(&run);
        assert!((lag.predicted.unwrap().mean_ms - last_ms).abs() < 0.05);
        for (measured, predicted) in staleness.curve.from_trace.iter().zip(&staleness.curve.predicted) {
            assert!((measured.seen - predicted.seen).abs() < 0.04, "W {quorum}: {measured:?} {predicted:?}");
        }
    }
}

#[test]
fn any_delays_leave_behind_whom_nobody_waited_for() {
    for quorum in 1..=5 {
        let run =
            RunBuilder::new(quorum).configure(|config| config.network.delay = distribution("pareto(5,1.5)")).build();
        let staleness = Staleness::of(&run);
        assert_eq!(staleness.basis, Some(Basis::MonteCarlo { trials: 20_000 }));
        for at in staleness.at_ack {
            let expected = binomial(5 - quorum, at.replicas) / binomial(5_u32, at.replicas);
            // Delays in the same microsecond count as one.
            assert!((at.predicted.unwrap().value - expected).abs() < 2e-3, "{at:?} {expected}");
        }
    }
}

#[test]
fn past_the_last_copy_of_a_sample_nothing_bounds_the_time() {
    let steps = Steps::instant(&vec![[0, 0, 30_000].map(Micros::new).to_vec(); 900], 1, false, None);
    let [p50, p99] = [0.5, 0.99].map(|p| steps.visible_after(p).unwrap());
    assert_eq!((p50.ms, p50.interval_ms.upper), (Some(0.0), Some(0.0)));
    assert_eq!((p99.ms, p99.interval_ms.lower, p99.interval_ms.upper), (Some(30.0), Some(30.0), None));
}

/// With one pair of a hundred beyond each quantile: the greatest of a sample is no quantile.
#[test]
fn of_too_few_pairs_a_quantile_is_only_bounded_from_below() {
    let lead = |write: i64| (1..=5).map(|f| Micros::new((write * 5 + f) * 1_000)).collect();
    let leads: Vec<Vec<Micros>> = (0..800).map(lead).collect();
    let p999 = |writes: usize| Steps::instant(&leads[..writes], 1, false, None).visible_after(0.999).unwrap();
    let enough = p999(800);
    assert_eq!(enough.ms, Some(3996.0));
    // Of 3,995 pairs fewer than four lie beyond.
    let few = p999(799);
    assert_eq!((few.ms, few.interval_ms.upper), (None, None));
    assert!(few.interval_ms.lower.is_some_and(|lower| (3_900.0..3_991.0).contains(&lower)), "{few:?}");
    // By chance five of 500 pairs are beyond the 99 % of which this is the sample's greatest.
    assert!(is_enough(500, 0.99) && !is_enough(399, 0.99) && is_enough(400, 0.99) && is_enough(4_000, 0.999));
}

/// A newer write that came sooner makes up for one that has not arrived.
#[test]
fn replayed_a_read_returns_something_older_or_does_not() {
    let planned = |write: u64, start_us: u64, delays_us: [u64; 5]| Planned {
        write,
        key: "k".to_owned(),
        start_us,
        latency_us: None,
        delays_us: delays_us.to_vec(),
        lost: std::collections::BTreeMap::new(),
    };
    // Write 1 is everywhere when it is acknowledged, at 15 us; write 0 on f1 and f2, at 40 us.
    let run = RunBuilder::new(2).write(planned(0, 0, [20, 40, 900, 900, 900])).write(planned(1, 10, [1, 5, 5, 5, 5]));
    let run = run.build();
    let stale = |run: &RunData| Staleness::of(run).at_ack[0];
    // Write 0 has not arrived at three, which hold a newer one; write 1 at none.
    let missed = stale(&run).misses_write.unwrap().exact().unwrap();
    assert!((missed - 0.3).abs() < 1e-9, "{missed}");
    assert_eq!(stale(&run).returns_older, Some(Bounds::exactly(0.0)));
    // Killed, f2 has nothing and cannot be asked; back again, it can.
    let mut run = run;
    let fault = |kind, at_us| crate::data::FaultRow {
        begun_us: at_us,
        ended_us: at_us,
        node: NodeId::Follower(1),
        kind,
        detail: None,
    };
    run.faults = vec![fault(crate::data::FaultEvent::Kill, Micros::new(12))];
    run.arrivals.retain(|row| row.follower != NodeId::Follower(1));
    run.replication.retain(|row| row.follower != NodeId::Follower(1));
    assert_eq!(stale(&run).returns_older, Some(Bounds::exactly(0.0)));
    run.faults.push(fault(crate::data::FaultEvent::Restart, Micros::new(13)));
    assert_eq!(stale(&run).returns_older, Some(Bounds { lower: 0.0, upper: 0.2 }));
}

#[test]
fn what_cannot_be_known_is_not_said() {
    let none = Staleness::of(&RunBuilder::new(6).build());
    assert_eq!((none.n, none.basis), (0, None));
    assert!(none.curve.from_trace.is_empty() && none.curve.predicted.is_empty());
    assert!(none.reads.iter().all(|read| read.from_trace.is_none() && read.predicted.is_none()));

    let delays = [10_000, 20_000, 30_000, 40_000, 50_000];
    let run = (0..100).fold(RunBuilder::new(1), |run, write| run.write_with_delays(write, 10_000, &delays));
    let mut run = run.build();
    run.arrivals.retain(|row| row.follower != NodeId::Follower(4));
    for row in run.replication.iter_mut().filter(|row| row.follower == NodeId::Follower(4)) {
        (row.acked_us, row.outcome) = (None, crate::data::ReplicationOutcome::Timeout);
    }
    let lost = Staleness::of(&run);
    let traced = lost.reads[0].from_trace.clone().unwrap();
    assert!((traced.stale_at_ack.value - 0.8).abs() < 1e-9);
    assert_eq!((traced.p99, lost.not_exact, &lost.reads[0].at_latest), (None, 0, &None));
    // Nothing tells what f5 received: it may have come at once, or never.
    run.replication.retain(|row| row.follower != NodeId::Follower(4));
    let untraced = Staleness::of(&run);
    assert_eq!((untraced.n, untraced.not_exact), (100, 100));
    let missed = untraced.at_ack[0].misses_write.unwrap();
    assert!((missed.lower - 0.6).abs() < 1e-9 && (missed.upper - 0.8).abs() < 1e-9, "{missed:?}");
    let ends = [&untraced.reads[0].from_trace, &untraced.reads[0].at_latest].map(|of| of.as_ref().unwrap().p99);
    assert_eq!((ends[0].and_then(|p99| p99.ms), ends[1]), (Some(30.0), None));
}

#[test]
fn reads_that_take_time_are_drawn_after_each_write() {
    let leads = vec![[-5_000, 10_000, 20_000, 30_000, 40_000].map(Micros::new).to_vec(); 50];
    let path = ReadPath { request: Some(distribution("uniform(0,20)")), response: Some(distribution("uniform(0,20)")) };
    let drawn = Steps::drawn(&leads, &[1, 5], &path, &mut stream(1, "test"), None);
    let of = |reader, replicas| &drawn.iter().find(|kind| (kind.0, kind.1) == (reader, replicas)).unwrap().2;
    // At once f1 has it, f2 by half of the requests, f3 by none.
    let random = of(Reader::Random, 1).seen(TimeSpan::ZERO).unwrap();
    assert!(is_near(random, 0.3, 4.0, 0.0), "{random:?}");
    // Requests that are answered first are earlier there.
    assert!(of(Reader::First, 1).seen(TimeSpan::ZERO).unwrap().value < random.value - 0.02);
    assert_eq!(of(Reader::First, 5), of(Reader::Random, 5));
    assert_eq!(of(Reader::First, 1).seen(TimeSpan::new(40_000)).map(|chance| chance.value > 1.0 - 1e-9), Some(true));
}

/// Every choice of `replicas` of these.
fn choices(all: &[Micros], replicas: usize) -> Vec<Vec<Micros>> {
    match (replicas, all) {
        (0, _) => vec![Vec::new()],
        (_, []) => Vec::new(),
        (_, [first, rest @ ..]) => {
            let with = choices(rest, replicas - 1).into_iter().map(|mut choice| {
                choice.push(*first);
                choice
            });
            with.chain(choices(rest, replicas)).collect()
        }
    }
}

proptest! {
    #[test]
    fn the_measured_chance_is_that_over_all_choices_of_followers(
        leads in prop::collection::vec(prop::collection::vec(prop_oneof![(-9..9_i64).prop_map(Micros::new), Just(Micros::MAX)], 5), 1..6),
        replicas in 1_u32..=5,
        t_us in 0_u64..12,
    ) {
        let seen = |leads_us: &Vec<Micros>| {
            let all = choices(leads_us, replicas as usize);
            let fresh = all.iter().filter(|choice| choice.iter().any(|lead_us| *lead_us <= t_us.into())).count();
            fresh as f64 / all.len() as f64
        };
        let expected = leads.iter().map(seen).sum::<f64>() / leads.len() as f64;
        let steps = Steps::instant(&leads, replicas, false, None);
        let chance = steps.seen(TimeSpan::new(t_us)).unwrap();
        prop_assert!((chance.value - expected).abs() < 1e-9, "{chance:?} {expected}");
        prop_assert!(steps.seen(TimeSpan::new(t_us + 1)).unwrap().value >= chance.value);
        if replicas < 5 {
            prop_assert!(Steps::instant(&leads, replicas + 1, false, None).seen(TimeSpan::new(t_us)).unwrap().value >= chance.value - 1e-9);
        }
    }

    #[test]
    fn the_time_for_a_share_is_the_least_at_which_it_holds(
        leads in prop::collection::vec(prop::collection::vec((-9..50_i64).prop_map(Micros::new), 3), 1..20),
        p in 0.0..1.0_f64,
    ) {
        let steps = Steps::instant(&leads, 1, false, None);
        let t_us = steps.visible_us(p).unwrap();
        prop_assert!(steps.seen(t_us).unwrap().value >= p - 1e-6);
        prop_assert!(t_us == TimeSpan::ZERO || steps.seen(t_us.saturating_sub(TimeSpan::new(1))).unwrap().value < p);
        let after = steps.visible_after(p).unwrap();
        prop_assert!(after.interval_ms.lower.is_none_or(|lower| after.ms.is_none_or(|ms| lower <= ms)));
        prop_assert!(after.interval_ms.upper.is_none_or(|upper| after.ms.is_some_and(|ms| upper >= ms)));
    }
}

/// Writes with one follower: by turns a hundred are there at once and a hundred after 30 ms.
#[test]
fn an_interval_of_writes_that_depend_on_each_other_rests_on_batches_or_is_withheld() {
    let lead = |write: i64| vec![Micros::new(write / 100 % 2 * 30_000 + write % 7)];
    let leads: Vec<Vec<Micros>> = (0..2_000).map(lead).collect();
    use crate::analysis::Interval;
    let of = |leads: &[Vec<Micros>], concurrency, is_saturated| {
        Steps::instant(leads, 1, false, Some(Circumstances { concurrency, is_saturated, hangs_together: false }))
    };
    let plain = Steps::instant(&leads, 1, false, None).seen(TimeSpan::new(10_000)).unwrap();
    let batched = of(&leads, 10, false).seen(TimeSpan::new(10_000)).unwrap();
    let half = |chance: Chance| chance.interval.upper.map(|upper| upper - chance.value);
    assert_eq!((plain.value, batched.value), (0.5, 0.5));
    assert!(half(batched).unwrap() > 5.0 * half(plain).unwrap(), "{batched:?}");
    // Too short for its dependence, or of a saturated run: nothing is said.
    for withheld in [of(&leads[..300], 60, false), of(&leads, 10, true)] {
        assert_eq!(half(withheld.seen(TimeSpan::new(10_000)).unwrap()), None);
        let p99 = withheld.visible_after(0.99).unwrap();
        assert_eq!(p99.interval_ms, Interval { lower: None, upper: None });
    }
}

#[test]
fn what_a_fault_changed_is_not_predicted() {
    use crate::analysis::fixture::right_leader;
    use crate::data::{FaultEvent, FaultRow};
    let mut run = RunBuilder::new(2).load(right_leader).build();
    assert!(Staleness::of(&run).basis.is_some());
    run.faults = vec![FaultRow {
        begun_us: Micros::new(5),
        ended_us: Micros::new(6),
        node: "f2".parse().unwrap(),
        kind: FaultEvent::Partition,
        detail: None,
    }];
    let staleness = Staleness::of(&run);
    assert_eq!((staleness.basis, staleness.reads[0].predicted.as_ref()), (None, None));
}
