#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::analysis::fixture::{LeaderAnswer, Planned, RunBuilder, right_leader};
use crate::data::{ArrivalRow, ReplicationOutcome};
use crate::model::{NodeId, ReplicationOrder};
use crate::sim::simulate_direct;

fn planned(write: u64, key: &str, start_us: u64, delays_us: [u64; 5]) -> Planned {
    let (key, delays_us) = (key.to_owned(), delays_us.to_vec());
    Planned { write, key, start_us, latency_us: None, delays_us, lost: BTreeMap::new() }
}

/// Arrives at f1 after 10 us, at f2 after 20, and so on.
const STAIRS: [u64; 5] = [10, 20, 30, 40, 50];

fn state(exposure: &[Exposure]) -> Vec<(f64, u64, u64)> {
    exposure.iter().map(exactly).collect()
}

fn exactly(state: &Exposure) -> (f64, u64, u64) {
    let counts = (state.max_writes.exact().unwrap(), state.settled_writes.exact().unwrap());
    (state.mean_writes.exact().unwrap(), counts.0, counts.1)
}

#[test]
fn a_lone_write_climbs_from_w_copies_to_n() {
    let load_until = planned(1, "other", 60, [1, 1, 1, 1, 1]);
    let run = RunBuilder::new(2).write(planned(0, "k", 0, STAIRS)).write(load_until).build();
    // Acknowledged at 20 with two copies, the other at 61, which is the end of the load.
    let durability = Durability::of(&run);
    assert_eq!(run.manifest.load_us, TimeSpan::new(61));
    let expected =
        [(0.0, 0, 0), (0.0, 0, 0), (10.0 / 61.0, 1, 0), (10.0 / 61.0, 1, 0), (10.0 / 61.0, 1, 0), (11.0 / 61.0, 2, 2)];
    assert_eq!(state(&durability.exposure), expected);
    assert_eq!(durability.exposure[2].max_at_ms, 0.02);
    assert_eq!((durability.acknowledged, durability.checked, durability.breach), (2, 2, None));
}

#[test]
fn asynchronous_writes_would_be_lost_until_their_first_copy() {
    let run = RunBuilder::new(0).write(planned(0, "k", 0, STAIRS)).write(planned(1, "k2", 20, STAIRS)).build();
    let durability = Durability::of(&run);
    assert_eq!(run.manifest.load_us, TimeSpan::new(20));
    // The first is without a copy from 0 to 10; the second from 20 on, the end of the load.
    assert_eq!(exactly(&durability.exposure[0]), (0.5, 1, 0));
    assert_eq!(durability.guarantee(), Ok(()));
}

#[test]
fn an_older_write_takes_a_copy_away() {
    let older = planned(0, "k", 0, [900, 1, 1, 1, 1]);
    let newer = planned(1, "k", 10, [5, 5, 5, 5, 5]);
    let run = RunBuilder::new(1).write(older.clone()).write(newer.clone()).build();
    let durability = Durability::of(&run);
    assert_eq!((durability.overwritten_writes, durability.overwritten_copies), (1, 1));
    // In the end f1 holds the older write: the older has five copies, the newer four.
    assert_eq!((exactly(&durability.exposure[4]).2, exactly(&durability.exposure[5]).2), (1, 1));

    let version = |config: &mut crate::config::Experiment| config.network.order = ReplicationOrder::Version;
    let run = RunBuilder::new(1).configure(version).write(older).write(newer).build();
    let durability = Durability::of(&run);
    assert_eq!((durability.overwritten_writes, exactly(&durability.exposure[5]).2), (0, 2));
}

#[test]
fn an_ideal_leader_keeps_its_promise_at_every_quorum() {
    for quorum in 0..=5 {
        let durability = Durability::of(&RunBuilder::new(quorum).load(right_leader).build());
        assert_eq!((durability.checked, durability.unchecked, durability.guarantee()), (100, 0, Ok(())));
        let thinner = &durability.exposure[..quorum as usize];
        assert!(quorum == 5 || thinner.iter().all(|state| state.max_writes.upper <= durability.overwritten_writes));
    }
}

#[test]
fn a_leader_that_answers_early_breaks_its_promise() {
    let run = RunBuilder::new(3).load(|drawn| LeaderAnswer::after(drawn.sorted_us[1])).build();
    let breach = Durability::of(&run).guarantee().unwrap_err();
    assert_eq!((breach.quorum, breach.checked), (3, 100));
    // Only where the third copy came within the tolerance is nothing seen.
    assert!(breach.writes >= 95, "{breach}");
    assert_eq!(breach.first.copies, 2);
    assert!(
        breach.to_string().contains(
            "had reached fewer than W = 3 followers when acknowledged, first write 0, which had reached 2 at"
        ),
        "{breach}"
    );
}

#[test]
fn a_gap_in_the_trace_is_no_breach() {
    let mut run = RunBuilder::new(3).write(planned(0, "k", 0, STAIRS)).build();
    run.arrivals.clear();
    assert_eq!(Durability::of(&run).checked, 1, "the leader's own trace shows the acknowledgements");
    run.replication.clear();
    let durability = Durability::of(&run);
    assert_eq!((durability.checked, durability.unchecked, durability.breach), (0, 1, None));
}

/// Seeds, and the most acknowledged writes on no follower at an instant, recomputed from the raw files.
/// At seeds 2, 6 and 8 one of them was on f5 alone when f5 was killed, in the microsecond of its answer.
const CRASHES: [(u64, u64); 7] = [(2, 4), (4, 1), (5, 0), (6, 2), (8, 1), (9, 1), (10, 0)];

/// An experiment as it is committed.
fn committed(name: &str) -> crate::config::Experiment {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments.toml");
    crate::config::Config::read(&path, &crate::system::KINDS)
        .unwrap()
        .experiments
        .remove(&name.parse().unwrap())
        .unwrap()
}

#[test]
fn a_killed_follower_held_what_it_acknowledged_and_holds_nothing_afterwards() {
    for (seed, expected) in CRASHES {
        let mut experiment = committed("follower-crash");
        experiment.seed = seed;
        let name = "follower-crash".parse().unwrap();
        let run = simulate_direct(&name, &experiment, 1.try_into().unwrap(), &CancellationToken::new()).unwrap();
        assert_eq!(Durability::of(&run).exposure[0].max_writes, Bounds::exactly(expected), "seed {seed}");
    }
}

/// An older write replaced one of two copies before the client heard of it.
#[test]
fn to_have_reached_w_followers_is_not_to_be_held_by_them() {
    let older = planned(0, "k", 0, [15, 900, 900, 900, 900]);
    let newer = planned(1, "k", 10, [1, 20, 30, 40, 50]);
    let durability = Durability::of(&RunBuilder::new(2).write(older).write(newer).build());
    assert_eq!((durability.checked, durability.breach), (2, None));
    // f1 held the newer from 11 to 15 us; at 30, when f2 had it too, only that one did.
    assert_eq!(durability.held_by_fewer, Bounds::exactly(1));
}

/// The first write is only on f1, the second only on f2, which is the most advanced.
#[test]
fn who_takes_the_leaders_place_decides_what_is_lost() {
    let lost = |followers: [usize; 4]| followers.map(|f| (f, ReplicationOutcome::Failed)).into_iter().collect();
    let first = Planned { lost: lost([1, 2, 3, 4]), ..planned(0, "a", 0, [0, 9, 9, 9, 9]) };
    let second = Planned { lost: lost([0, 2, 3, 4]), ..planned(1, "b", 0, [9, 0, 9, 9, 9]) };
    let end = Planned { lost: lost([1, 2, 3, 4]), latency_us: Some(100), ..planned(2, "a", 0, [900, 9, 9, 9, 9]) };
    let loss = Durability::of(&RunBuilder::new(1).write(first).write(second).write(end).build()).loss;
    // From 0 to 100 us two writes are acknowledged: f1 lacks one, f2 one, the others both.
    assert_eq!(loss.union.mean_writes, Bounds::exactly(0.0));
    assert_eq!(loss.most_advanced.mean_writes, Bounds::exactly(1.0));
    assert_eq!(loss.random.mean_writes, Bounds::exactly(8.0 / 5.0));
}

#[test]
fn the_model_loses_what_runs_of_other_seeds_lose() {
    let mut experiment = crate::config::Experiment::default();
    let (name, quorum) = ("quorum".parse().unwrap(), 1.try_into().unwrap());
    let expected = ExpectedLoss::of(&experiment, quorum).unwrap();
    let mut losses = Vec::new();
    for seed in 0..20 {
        experiment.seed = seed;
        let run = simulate_direct(&name, &experiment, quorum, &CancellationToken::new()).unwrap();
        losses.push(Durability::of(&run).loss);
    }
    for (model, of) in [
        (expected.most_advanced, (|loss| loss.most_advanced) as fn(&LossAtDeath) -> Loss),
        (expected.random, |loss| loss.random),
        (expected.union, |loss| loss.union),
    ] {
        let runs = losses.iter().map(|loss| of(loss).mean_writes.exact().unwrap()).collect();
        let runs = crate::analysis::Expectation::of(runs);
        let error = runs.standard_error.hypot(model.mean_writes.standard_error);
        assert!((runs.mean - model.mean_writes.mean).abs() <= 4.0 * error, "{runs:?} {model:?}");
    }
}

#[test]
fn without_a_write_there_is_nothing_to_lose() {
    let durability = Durability::of(&RunBuilder::new(1).build());
    assert_eq!(state(&durability.exposure), [(0.0, 0, 0); 6]);
    let mut unnumbered = RunBuilder::new(1).write(planned(0, "k", 0, STAIRS)).build();
    unnumbered.writes[0].version = None;
    unnumbered.replication.clear();
    let durability = Durability::of(&unnumbered);
    assert_eq!((durability.acknowledged, durability.without_version), (0, 1));
}

/// The number of copies of a write at an instant, from what every follower holds then.
fn copies_of(run: &RunData, row: &crate::data::WriteRow, at_us: Micros) -> usize {
    let holds = |follower: u32| {
        let name = NodeId::Follower(follower);
        let own = |other: &&ArrivalRow| {
            other.follower == name && other.key == row.key && other.applied && other.at_us <= at_us
        };
        run.arrivals.iter().rfind(own).map(|other| other.version)
    };
    (0..5).filter(|follower| holds(*follower) >= Some(row.version.unwrap())).count()
}

/// The same of each acknowledged write.
fn copies_at(run: &RunData, at_us: Micros) -> Vec<usize> {
    let acknowledged = |row: &&crate::data::WriteRow| row.end() <= at_us;
    run.writes.iter().filter(acknowledged).map(|row| copies_of(run, row, at_us)).collect()
}

fn histories() -> impl Strategy<Value = Vec<Planned>> {
    let write = (0..60_u64, 0..2_u8, prop::array::uniform5(0..100_u64));
    prop::collection::vec(write, 1..10).prop_map(|drawn| {
        let plan = |(write, (start_us, key, delays_us)): (u64, (u64, u8, [u64; 5]))| {
            let mut planned = planned(write, &format!("k{key}"), start_us, delays_us);
            planned.lost = (0..5).filter(|f| delays_us[*f] > 90).map(|f| (f, ReplicationOutcome::Timeout)).collect();
            planned
        };
        (0..).zip(drawn).map(plan).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_replay_counts_what_each_instant_shows(writes in histories(), quorum in 0..=5_u32, by_version: bool) {
        let order = if by_version { ReplicationOrder::Version } else { ReplicationOrder::Arrival };
        let builder = RunBuilder::new(quorum).configure(|config| config.network.order = order);
        let run = writes.into_iter().fold(builder, RunBuilder::write).build();
        let durability = Durability::of(&run);
        let exposure = &durability.exposure;
        let held_by_fewer = run
            .writes
            .iter()
            .filter(|row| {
                copies_of(&run, row, row.end()) < quorum as usize
            })
            .count() as u64;
        prop_assert_eq!(durability.held_by_fewer, Bounds::exactly(held_by_fewer));
        let load_us = run.manifest.last_ack_us().get();
        for (copies, exposure) in exposure.iter().enumerate() {
            let count = |at_us: i64| copies_at(&run, Micros::new(at_us)).iter().filter(|c| **c == copies).count() as u64;
            let within: Vec<u64> = (0..=load_us).map(count).collect();
            let (mean_writes, max_writes, settled_writes) = exactly(exposure);
            prop_assert_eq!(max_writes, within.iter().copied().max().unwrap());
            let area: u64 = within[..within.len() - 1].iter().sum();
            let mean = if load_us > 0 { area as f64 / load_us as f64 } else { 0.0 };
            prop_assert!((mean_writes - mean).abs() < 1e-9);
            prop_assert_eq!(settled_writes, count(i64::MAX));
        }
    }
}
