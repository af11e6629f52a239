#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::analysis::fixture::{Answer, Planned, RunBuilder, right_leader};
use crate::config::Order;
use crate::data::{ArrivalRow, ReplicationOutcome, follower_name};

fn planned(write: u64, key: &str, start_us: u64, delays_us: [u64; 5]) -> Planned {
    let (key, delays_us) = (key.to_owned(), delays_us.to_vec());
    Planned { write, key, start_us, latency_us: None, delays_us, lost: BTreeMap::new() }
}

/// Arrives at f1 after 10 us, at f2 after 20, and so on.
const STAIRS: [u64; 5] = [10, 20, 30, 40, 50];

fn state(exposure: &[Exposure]) -> Vec<(f64, u64, u64)> {
    exposure.iter().map(|state| (state.mean_writes, state.max_writes, state.settled_writes)).collect()
}

#[test]
fn a_lone_write_climbs_from_w_copies_to_n() {
    let load_until = planned(1, "other", 60, [1, 1, 1, 1, 1]);
    let run = RunBuilder::new(2).write(planned(0, "k", 0, STAIRS)).write(load_until).build();
    // Acknowledged at 20 with two copies, the other at 61, which is the end of the load.
    let durability = Durability::of(&run);
    assert_eq!(run.manifest.load_us, 61);
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
    assert_eq!(run.manifest.load_us, 20);
    // The first is without a copy from 0 to 10; the second from 20 on, the end of the load.
    assert_eq!((durability.exposure[0].mean_writes, durability.exposure[0].max_writes), (0.5, 1));
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
    assert_eq!((durability.exposure[4].settled_writes, durability.exposure[5].settled_writes), (1, 1));

    let version = |config: &mut crate::config::Experiment| config.network.order = Order::Version;
    let run = RunBuilder::new(1).configure(version).write(older).write(newer).build();
    let durability = Durability::of(&run);
    assert_eq!((durability.overwritten_writes, durability.exposure[5].settled_writes), (0, 2));
}

#[test]
fn an_ideal_leader_keeps_its_promise_at_every_quorum() {
    for quorum in 0..=5 {
        let durability = Durability::of(&RunBuilder::new(quorum).load(right_leader).build());
        assert_eq!((durability.checked, durability.unchecked, durability.guarantee()), (100, 0, Ok(())));
        let thinner = &durability.exposure[..quorum as usize];
        assert!(quorum == 5 || thinner.iter().all(|state| state.max_writes <= durability.overwritten_writes));
    }
}

#[test]
fn a_leader_that_answers_early_breaks_its_promise() {
    let run = RunBuilder::new(3).load(|drawn| Answer::after(drawn.sorted_us[1])).build();
    let breach = Durability::of(&run).guarantee().unwrap_err();
    assert_eq!((breach.quorum, breach.checked), (3, 100));
    // Only where the third copy came within the tolerance is nothing seen.
    assert!(breach.writes >= 95, "{breach}");
    assert_eq!(breach.first.copies, 2);
    assert!(
        breach.to_string().contains("on fewer than W = 3 followers when acknowledged, first write 0, on 2 at"),
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

/// The number of copies of each acknowledged write at an instant, from what every follower
/// holds then.
fn copies_at(run: &RunData, at_us: i64) -> Vec<usize> {
    let holds = |follower: usize, key: &str| {
        let name = follower_name(follower);
        let own = |row: &&ArrivalRow| row.follower == name && row.key == key && row.applied && row.at_us <= at_us;
        run.arrivals.iter().rfind(own).map_or(0, |row| row.version)
    };
    let acknowledged = |row: &&crate::data::WriteRow| (row.start_us + row.latency_us).cast_signed() <= at_us;
    let copies = |row: &crate::data::WriteRow| (0..5).filter(|f| holds(*f, &row.key) >= row.version.unwrap()).count();
    run.writes.iter().filter(acknowledged).map(copies).collect()
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
        let order = if by_version { Order::Version } else { Order::Arrival };
        let builder = RunBuilder::new(quorum).configure(|config| config.network.order = order);
        let run = writes.into_iter().fold(builder, RunBuilder::write).build();
        let exposure = Durability::of(&run).exposure;
        let load_us = run.manifest.load_us.cast_signed();
        for (copies, exposure) in exposure.iter().enumerate() {
            let count = |at_us: i64| copies_at(&run, at_us).iter().filter(|c| **c == copies).count() as u64;
            let within: Vec<u64> = (0..=load_us).map(count).collect();
            prop_assert_eq!(exposure.max_writes, within.iter().copied().max().unwrap());
            let area: u64 = within[..within.len() - 1].iter().sum();
            let mean = if load_us > 0 { area as f64 / load_us as f64 } else { 0.0 };
            prop_assert!((exposure.mean_writes - mean).abs() < 1e-9);
            prop_assert_eq!(exposure.settled_writes, count(i64::MAX));
        }
    }
}
