#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use self::network::{LossyNetwork, Reached};
use super::backlog::MAX_ATTEMPTS;
use super::catch_up::POLL_INTERVAL;
use super::state::Leader;
use super::write::Write;
use crate::clock::Clock;
use crate::config::NodeConfig;
use crate::store::Entry;
use crate::transport::Transport;
use crate::wire::Outcome;

mod network;

const FOLLOWERS: usize = 3;
const TIMEOUT_MS: u64 = 100;

fn config(role: &str, link: &str, order: &str, catch_up: &str) -> NodeConfig {
    NodeConfig::from_vars(|name| {
        let value = match name {
            "ROLE" => role,
            "REPLICATION_LINK" => link,
            "REPLICATION_ORDER" => order,
            "REPLICATION_CATCH_UP" => catch_up,
            "FOLLOWERS" => "http://f1,http://f2,http://f3",
            "WRITE_QUORUM" => "0",
            "MAX_DELAY_MS" => "20",
            "DELAY_SEED" => "1",
            "REPLICATION_TIMEOUT_S" => "0.1",
            _ => return None,
        };
        Some(value.to_owned())
    })
    .unwrap()
}

struct Cluster {
    network: Arc<LossyNetwork>,
    leader: Arc<Leader>,
}

impl Cluster {
    fn new(order: &str, catch_up: &str, seed: u64) -> Self {
        Self::over("independent", order, catch_up, seed)
    }

    fn over(link: &str, order: &str, catch_up: &str, seed: u64) -> Self {
        let clock = Clock::at_zero();
        let network = LossyNetwork::new(order, clock, seed);
        let transport: Arc<dyn Transport> = Arc::clone(&network) as Arc<dyn Transport>;
        let leader = Arc::new(Leader::new(config("leader", link, order, catch_up), clock, transport));
        Self { network, leader }
    }

    async fn write(&self, key: u8) {
        let write = Write { key: format!("k{key}"), value: format!("at {}", self.leader.clock.now_us()), id: None };
        self.leader.put(write, self.leader.clock.now_us()).await.unwrap();
    }

    async fn sleep_ms(&self, ms: u64) {
        self.leader.clock.sleep(Duration::from_millis(ms)).await;
    }

    /// Waits until the leader says that all is done; how many milliseconds that took.
    async fn settle(&self) -> u64 {
        let start_us = self.leader.clock.now_us();
        while self.leader.in_flight() > 0 {
            self.sleep_ms(1).await;
        }
        (self.leader.clock.now_us() - start_us) / 1_000
    }

    /// What a follower lacks or holds instead of what the leader does: key, version held.
    fn behind(&self, follower: usize) -> BTreeMap<Arc<str>, Option<u64>> {
        let follower = self.network.alive(follower).unwrap();
        let held = |key: &str| follower.store().get(key);
        let all = self.leader.store().snapshot().into_iter();
        let differing = all.filter(|entry| held(&entry.key).as_ref() != Some(entry));
        differing.map(|entry| (Arc::clone(&entry.key), held(&entry.key).map(|held| held.version))).collect()
    }
}

/// More than all that can be in flight when followers fail for good.
const BOUND_MS: u64 = (1 + MAX_ATTEMPTS as u64) * TIMEOUT_MS + MAX_ATTEMPTS as u64 * 220;

#[tokio::test(start_paused = true)]
async fn a_follower_that_returns_empty_is_brought_up_to_date_and_only_if_asked_for() {
    for (catch_up, expected) in [("snapshot", 0), ("off", 2)] {
        let cluster = Cluster::new("version", catch_up, 1);
        for key in [0, 1, 2] {
            cluster.write(key).await;
        }
        cluster.settle().await;
        cluster.network.kill(1);
        cluster.write(0).await;
        cluster.settle().await;
        cluster.network.restart(1);
        cluster.write(1).await;
        cluster.settle().await;
        assert_eq!(cluster.behind(1).len(), expected, "{catch_up}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_that_cost_no_delivery_is_found_without_another_write() {
    let cluster = Cluster::new("arrival", "snapshot", 2);
    cluster.write(0).await;
    cluster.settle().await;
    cluster.network.restart(0);
    assert_eq!(cluster.behind(0).len(), 1);
    cluster.sleep_ms(2 * u64::try_from(POLL_INTERVAL.as_millis()).unwrap()).await;
    cluster.settle().await;
    assert!(cluster.behind(0).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_dead_follower_is_waited_for_only_so_long() {
    let cluster = Cluster::new("arrival", "snapshot", 3);
    cluster.network.kill(2);
    cluster.write(0).await;
    let took = cluster.settle().await;
    assert!((1..=BOUND_MS).contains(&took), "{took}");
    // Nor is one that hangs, and more lost writes do not start the wait anew.
    cluster.network.lose(1.0);
    cluster.write(1).await;
    assert!(cluster.settle().await <= BOUND_MS);
    cluster.write(1).await;
    assert!(cluster.settle().await <= TIMEOUT_MS + 1);
    cluster.network.lose(0.0);
    cluster.network.restart(2);
    cluster.sleep_ms(2_000).await;
    assert_eq!(cluster.leader.in_flight(), 0);
    assert!((0..FOLLOWERS).all(|follower| cluster.behind(follower).is_empty()));
}

#[tokio::test(start_paused = true)]
async fn a_follower_that_does_not_answer_is_named_until_it_does_and_is_then_in_flight_until_it_lacks_nothing() {
    let cluster = Cluster::new("version", "snapshot", 6);
    cluster.network.kill(2);
    for key in 0..5 {
        cluster.write(key).await;
    }
    cluster.settle().await;
    assert_eq!(cluster.leader.unreachable(), ["http://f3"]);
    cluster.network.restart(2);
    let mut most_in_flight = 0;
    for _ in 0..2_000 {
        let (in_flight, unreachable) = (cluster.leader.in_flight(), cluster.leader.unreachable());
        assert!(in_flight > 0 || !unreachable.is_empty() || cluster.behind(2).is_empty());
        most_in_flight = most_in_flight.max(in_flight);
        cluster.sleep_ms(1).await;
    }
    // One entry at a time, and the first to arrive tells that the follower is back.
    assert_eq!((most_in_flight, cluster.leader.in_flight()), (4, 0));
    assert!(cluster.leader.unreachable().is_empty() && cluster.behind(2).is_empty());
}

#[tokio::test(start_paused = true)]
async fn only_what_may_be_lacking_is_sent_and_nothing_of_it_counts_as_an_acknowledgement() {
    let cluster = Cluster::new("arrival", "snapshot", 4);
    for key in 0..10 {
        cluster.write(key).await;
    }
    cluster.settle().await;
    cluster.network.lose(1.0);
    cluster.write(3).await;
    cluster.sleep_ms(TIMEOUT_MS + 1).await;
    cluster.network.lose(0.0);
    cluster.sleep_ms(2_000).await;
    assert!((0..FOLLOWERS).all(|follower| cluster.behind(follower).is_empty()));
    let (_, arrivals) = cluster.network.alive(0).unwrap().records(0, u64::MAX, 100);
    let caught_up: Vec<_> = arrivals.iter().filter(|arrival| arrival.catch_up).collect();
    assert_eq!(caught_up.iter().map(|arrival| (arrival.version, arrival.applied)).collect::<Vec<_>>(), [(11, true)]);
    let (_, records) = cluster.leader.records(30, u64::MAX, 100);
    assert!(records.iter().all(|record| record.outcome == Outcome::Timeout));
    assert_eq!(records.len(), FOLLOWERS);
}

#[tokio::test(start_paused = true)]
async fn the_tasks_end_with_their_leader() {
    for link in ["independent", "ordered"] {
        let Cluster { network, leader } = Cluster::over(link, "arrival", "snapshot", 5);
        let cluster = Cluster { network, leader };
        cluster.write(0).await;
        cluster.settle().await;
        let gone = Arc::downgrade(&cluster.leader);
        let clock = cluster.leader.clock;
        drop(cluster.leader);
        clock.sleep(2 * POLL_INTERVAL).await;
        assert_eq!(gone.strong_count(), 0);
        // The network is held by the leader's tasks alone, but for this handle.
        assert_eq!(Arc::strong_count(&cluster.network), 1, "{link}");
    }
}

fn link(is_ordered: bool) -> &'static str {
    if is_ordered { "ordered" } else { "independent" }
}

#[derive(Debug, Clone)]
enum Event {
    Write(u8),
    Kill(usize),
    Restart(usize),
    Loss(f64),
}

fn history() -> impl Strategy<Value = Vec<(u64, Event)>> {
    let event = prop_oneof![
        8 => (0_u8..5).prop_map(Event::Write),
        1 => (0..FOLLOWERS).prop_map(Event::Kill),
        2 => (0..FOLLOWERS).prop_map(Event::Restart),
        1 => (0.0..0.6).prop_map(Event::Loss),
    ];
    prop::collection::vec((0_u64..60, event), 0..80)
}

impl Cluster {
    async fn play(&self, history: &[(u64, Event)]) {
        for (pause_ms, event) in history {
            self.sleep_ms(*pause_ms).await;
            match *event {
                Event::Write(key) => self.write(key).await,
                Event::Kill(follower) => self.network.kill(follower),
                Event::Restart(follower) => self.network.restart(follower),
                Event::Loss(share) => self.network.lose(share),
            }
        }
    }

    /// By key: version and value that a follower has to hold after all that reached it in its
    /// present life.
    fn model(&self, follower: usize, in_version_order: bool) -> BTreeMap<String, (u64, String)> {
        let mut held = BTreeMap::new();
        for reached in &self.network.reached.lock().unwrap()[follower] {
            match reached {
                Reached::Restart => held.clear(),
                Reached::Write { key, value, version } => {
                    let keeps = held.get(key).is_some_and(|(own, _)| in_version_order && own >= version);
                    if !keeps {
                        held.insert(key.clone(), (*version, value.clone()));
                    }
                }
            }
        }
        held
    }

    /// Whether a follower got this version or a newer one of the key, and then an older one
    /// that the leader sent late.
    fn was_overtaken(&self, follower: usize, key: &str) -> bool {
        let newest = self.leader.store().get(key).unwrap().version;
        let (_, arrivals) = self.network.alive(follower).unwrap().records(0, u64::MAX, usize::MAX);
        let mut of_key = arrivals.iter().filter(|arrival| arrival.key == key && arrival.applied);
        let had_it = of_key.any(|arrival| arrival.version == newest);
        had_it && of_key.next().is_some_and(|late| !late.catch_up)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever fails at whatever moment, and whatever is written meanwhile: once the failures
    /// are over and nothing is in flight, no follower that answers lacks anything, but, in
    /// arrival order, for what an older write has overtaken.
    #[test]
    fn no_history_leaves_a_follower_that_answers_behind(
        history in history(), is_ordered: bool, in_version_order: bool, seed: u64, dead_in_the_end in 0..=FOLLOWERS,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let order = if in_version_order { "version" } else { "arrival" };
            let cluster = Cluster::over(link(is_ordered), order, "snapshot", seed);
            cluster.play(&history).await;
            cluster.network.lose(0.0);
            for follower in 0..FOLLOWERS {
                if follower == dead_in_the_end {
                    cluster.network.kill(follower);
                } else if cluster.network.alive(follower).is_none() {
                    cluster.network.restart(follower);
                }
            }
            // Time to notice who is back, and who is not.
            cluster.sleep_ms(BOUND_MS + 1_000).await;
            assert_eq!(cluster.leader.in_flight(), 0);
            for follower in (0..FOLLOWERS).filter(|follower| *follower != dead_in_the_end) {
                for (key, held) in cluster.behind(follower) {
                    assert!(!in_version_order && held.is_some(), "f{} holds {held:?} of {key}", follower + 1);
                    assert!(cluster.was_overtaken(follower, &key), "f{} holds {held:?} of {key}", follower + 1);
                }
            }
        });
    }
    /// A follower that is not brought up to date holds of each key what reached it last since it
    /// was started, or in version order the newest of that, however much is late or lost. What
    /// the leader counts as acknowledged has reached its follower.
    #[test]
    fn without_catching_up_a_follower_holds_what_reached_it(
        history in history(), is_ordered: bool, in_version_order: bool, seed: u64,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let order = if in_version_order { "version" } else { "arrival" };
            let cluster = Cluster::over(link(is_ordered), order, "off", seed);
            cluster.play(&history).await;
            cluster.settle().await;
            for follower in (0..FOLLOWERS).filter_map(|index| Some((index, cluster.network.alive(index)?))) {
                let (index, alive) = follower;
                let entry = |entry: Entry| (entry.key.to_string(), (entry.version, entry.value.to_string()));
                let held: BTreeMap<_, _> = alive.store().snapshot().into_iter().map(entry).collect();
                assert_eq!(held, cluster.model(index, in_version_order), "f{}", index + 1);
            }
            let (_, records) = cluster.leader.records(0, u64::MAX, usize::MAX);
            let reached = cluster.network.reached.lock().unwrap();
            for record in records.iter().filter(|record| record.outcome == Outcome::Acked) {
                let arrived = |reached: &Reached| matches!(reached, Reached::Write { version, .. } if *version == record.version);
                assert!(reached[record.follower as usize].iter().any(arrived), "{record:?}");
            }
        });
    }
}
