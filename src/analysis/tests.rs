#![expect(clippy::unwrap_used, reason = "a test may panic")]

use proptest::prelude::*;
use proptest::sample::Index;

use super::fixture::{RunBuilder, right_leader};
use super::*;
use crate::data::{ReplicationOutcome, RunData, WriteOutcome};
use crate::model::{Micros, NodeId, TimeSpan, Version};

/// Something that a crash, a hand or a foreign leader may have done to a run directory.
#[derive(Debug, Clone)]
enum Damage {
    NoWrites,
    NoReplication,
    NoArrivals,
    LoseWrite(Index),
    LoseReplication(Index),
    LoseArrival(Index),
    RepeatArrival(Index),
    SwapArrivals(Index, Index),
    Latency(Index, u64),
    Start(Index, u64),
    Arrival(Index, i64),
    Ack(Index, Option<i64>),
    Delay(Index, u64),
    Version(Index, Option<u64>),
    WriteOutcome(Index, WriteOutcome),
    ReplicationOutcome(Index, ReplicationOutcome),
    UnknownFollower(Index),
    NodeDown(Index, bool),
    ForeignValue(Index),
    Unsettled,
    Times(u64, u64),
}

fn time() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), Just(u64::MAX), 0..5_000_000_u64, any::<u64>()]
}

fn signed_time() -> impl Strategy<Value = i64> {
    prop_oneof![Just(i64::MIN), Just(i64::MAX), -1_000..5_000_000_i64, any::<i64>()]
}

fn damage() -> impl Strategy<Value = Damage> {
    use Damage as D;
    let outcome = prop_oneof![Just(WriteOutcome::Failed), Just(WriteOutcome::Unknown)];
    let fate = prop_oneof![
        Just(ReplicationOutcome::Timeout),
        Just(ReplicationOutcome::Pending),
        Just(ReplicationOutcome::Failed)
    ];
    let at = any::<Index>;
    prop_oneof![
        Just(D::NoWrites),
        Just(D::NoReplication),
        Just(D::NoArrivals),
        at().prop_map(D::LoseWrite),
        at().prop_map(D::LoseReplication),
        at().prop_map(D::LoseArrival),
        at().prop_map(D::RepeatArrival),
        (at(), at()).prop_map(|(a, b)| D::SwapArrivals(a, b)),
        (at(), time()).prop_map(|(i, us)| D::Latency(i, us)),
        (at(), time()).prop_map(|(i, us)| D::Start(i, us)),
        (at(), signed_time()).prop_map(|(i, us)| D::Arrival(i, us)),
        (at(), prop::option::of(signed_time())).prop_map(|(i, us)| D::Ack(i, us)),
        (at(), time()).prop_map(|(i, us)| D::Delay(i, us)),
        (at(), any::<Option<u64>>()).prop_map(|(i, version)| D::Version(i, version)),
        (at(), outcome).prop_map(|(i, outcome)| D::WriteOutcome(i, outcome)),
        (at(), fate).prop_map(|(i, outcome)| D::ReplicationOutcome(i, outcome)),
        at().prop_map(D::UnknownFollower),
        (at(), any::<bool>()).prop_map(|(i, settled)| D::NodeDown(i, settled)),
        at().prop_map(D::ForeignValue),
        Just(D::Unsettled),
        (time(), time()).prop_map(|(load, settle)| D::Times(load, settle)),
    ]
}

fn pick<'a, T>(rows: &'a mut [T], at: &Index) -> Option<&'a mut T> {
    (!rows.is_empty()).then(|| at.get_mut(rows))
}

fn lose<T>(rows: &mut Vec<T>, at: &Index) {
    if !rows.is_empty() {
        rows.remove(at.index(rows.len()));
    }
}

fn inflict(run: &mut RunData, damage: &Damage) {
    match damage {
        Damage::NoWrites => run.writes.clear(),
        Damage::NoReplication => run.replication.clear(),
        Damage::NoArrivals => run.arrivals.clear(),
        Damage::LoseWrite(at) => lose(&mut run.writes, at),
        Damage::LoseReplication(at) => lose(&mut run.replication, at),
        Damage::LoseArrival(at) => lose(&mut run.arrivals, at),
        Damage::RepeatArrival(at) => run.arrivals.extend(pick(&mut run.arrivals.clone(), at).cloned()),
        Damage::SwapArrivals(a, b) => {
            if !run.arrivals.is_empty() {
                let n = run.arrivals.len();
                run.arrivals.swap(a.index(n), b.index(n));
            }
        }
        Damage::Latency(at, us) => {
            pick(&mut run.writes, at).into_iter().for_each(|row| row.latency_us = TimeSpan::new(*us))
        }
        Damage::Start(at, us) => pick(&mut run.writes, at).into_iter().for_each(|row| row.start_us = (*us).into()),
        Damage::Arrival(at, us) => pick(&mut run.arrivals, at).into_iter().for_each(|row| row.at_us = Micros::new(*us)),
        Damage::Ack(at, us) => {
            pick(&mut run.replication, at).into_iter().for_each(|row| row.acked_us = us.map(Micros::new))
        }
        Damage::Delay(at, us) => {
            pick(&mut run.replication, at).into_iter().for_each(|row| row.delay_us = TimeSpan::new(*us))
        }
        Damage::Version(at, version) => {
            pick(&mut run.writes, at).into_iter().for_each(|row| row.version = version.map(Version::new))
        }
        Damage::WriteOutcome(at, outcome) => {
            pick(&mut run.writes, at).into_iter().for_each(|row| row.outcome = *outcome)
        }
        Damage::ReplicationOutcome(at, outcome) => {
            pick(&mut run.replication, at).into_iter().for_each(|row| row.outcome = *outcome);
        }
        Damage::UnknownFollower(at) => {
            pick(&mut run.arrivals, at).into_iter().for_each(|row| row.follower = NodeId::Follower(76))
        }
        Damage::NodeDown(at, settled) => {
            let snapshot = if *settled { &mut run.settled } else { &mut run.at_last_ack };
            let node = snapshot.keys().nth(at.index(6)).cloned();
            node.into_iter().for_each(|node| drop(snapshot.remove(&node)));
        }
        Damage::ForeignValue(at) => {
            let dump = run.settled.values_mut().nth(at.index(6));
            dump.into_iter().for_each(|dump| drop(dump.store.insert("k0".to_owned(), "?".to_owned())));
        }
        Damage::Unsettled => run.manifest.settled = false,
        Damage::Times(load, settle) => {
            (run.manifest.load_us, run.manifest.settle_us) = (TimeSpan::new(*load), TimeSpan::new(*settle));
        }
    }
}

/// Everything this module can say of some runs, as text.
fn everything(runs: &[RunData], others: &[RunData]) -> String {
    let experiment = ExperimentFigures::with_trials(runs, |_| Some(2)).unwrap();
    let one = |run: &RunData| {
        let evidence = LeaderEvidence::of(run, &Latency::of(run), &RunConsistency::of(run));
        (evidence, Lag::of(run), Durability::of(run), write_lives(&Account::of(run)))
    };
    let each: Vec<_> = runs.iter().map(one).collect();
    let evidence: Vec<LeaderEvidence> = each.iter().map(|(evidence, ..)| *evidence).collect();
    let found = diagnose(&experiment.config, &evidence);
    let claims = claims(&experiment, std::slice::from_ref(&experiment));
    let forecasts: Vec<_> =
        runs.iter().zip(others).map(|(run, other)| Forecast::of(run, &other.as_forecast())).collect();
    let compared = (&experiment.paired, compare(runs, others), forecasts);
    format!("{experiment:?} {each:?} {found:?} {claims:?} {compared:?}")
}

fn small(quorum: u32) -> RunData {
    RunBuilder::new(quorum)
        .configure(|config| config.workload.writes = 15.try_into().unwrap())
        .load(right_leader)
        .build()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn nothing_in_a_run_directory_makes_a_panic_or_a_nan(damages in prop::collection::vec((0..3_usize, damage()), 0..12)) {
        let whole: Vec<RunData> = [0, 2, 5].map(small).into();
        let mut damaged = whole.clone();
        for (run, damage) in &damages {
            inflict(&mut damaged[*run], damage);
        }
        let text = everything(&damaged, &whole);
        prop_assert!(!text.contains("NaN") && !text.contains("inf"), "{}", text);
        prop_assert_eq!(text, everything(&damaged, &whole));
    }
}

#[test]
fn quorums_beyond_the_followers_and_single_writes_are_only_special_cases() {
    let single = |quorum| RunBuilder::new(quorum).write_with_delays(0, 9_000, &[1_000; 5]).build();
    let runs: Vec<RunData> = [0, 1, 5, 6, 99].map(single).into();
    let text = everything(&runs, &runs);
    assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
}
