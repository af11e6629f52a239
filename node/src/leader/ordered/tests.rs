#![expect(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::config::NodeConfig;
use crate::follower::Follower;
use crate::leader::{Leader, Write};
use crate::transport::DirectTransport;
use crate::wire::{LeaderRecord, Outcome};

const FOLLOWERS: u32 = 3;

struct Cluster {
    leader: Arc<Leader>,
    followers: Vec<Arc<Follower>>,
}

impl Cluster {
    fn new(vars: &[(&str, &str)]) -> Self {
        let config = |role: &str| {
            let base = [
                ("ROLE", role),
                ("FOLLOWERS", "http://f1,http://f2,http://f3"),
                ("REPLICATION_LINK", "ordered"),
                ("WRITE_QUORUM", "0"),
                ("DELAY_SEED", "42"),
            ];
            let all = [&base, vars].concat();
            let var =
                |name: &str| all.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
            NodeConfig::from_vars(var).unwrap()
        };
        let clock = Clock::at_zero().stretched(1_000);
        let followers: Vec<Arc<Follower>> =
            (0..FOLLOWERS).map(|_| Arc::new(Follower::new(config("follower"), clock))).collect();
        let transport = Arc::new(DirectTransport::new(followers.clone()));
        Self { leader: Arc::new(Leader::new(config("leader"), clock, transport)), followers }
    }

    async fn sleep_ms(&self, ms: u64) {
        self.leader.clock.sleep(Duration::from_millis(ms)).await;
    }

    /// Writes at these moments, after the pause before each; returns when each entered.
    async fn write_after_ms(&self, pauses_ms: &[u64]) -> Vec<u64> {
        let mut entries = Vec::new();
        for pause_ms in pauses_ms {
            self.sleep_ms(*pause_ms).await;
            entries.push(self.leader.clock.now_us());
            let write = Write { key: "k".to_owned(), value: "v".to_owned(), id: None };
            self.leader.put(write, self.leader.clock.now_us()).await.unwrap();
        }
        entries
    }

    async fn settle(&self) {
        while self.leader.in_flight() > 0 {
            self.sleep_ms(1).await;
        }
    }

    fn records(&self, follower: u32) -> Vec<LeaderRecord> {
        let (_, records) = self.leader.records(0, u64::MAX, usize::MAX);
        records.into_iter().filter(|record| record.follower == follower).collect()
    }

    /// Versions in the order of their arrival, and when they arrived.
    fn arrivals(&self, follower: u32) -> Vec<(u64, u64)> {
        let (_, arrivals) = self.followers[follower as usize].records(0, u64::MAX, usize::MAX);
        arrivals.into_iter().map(|arrival| (arrival.version, arrival.at_us)).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn copies_and_acknowledgements_leave_when_the_definition_says_counted_from_the_first_write() {
    let cluster = Cluster::new(&[("DELAY", "uniform(0,200)"), ("ACK_DELAY", "uniform(0,50)")]);
    cluster.sleep_ms(5_000).await;
    let entries = cluster.write_after_ms(&[0, 3, 0, 0, 40, 10, 10, 70, 1, 200, 5]).await;
    cluster.settle().await;
    let at_us = |now_us: u64| i64::try_from(now_us - entries[0]).unwrap();
    for follower in 0..FOLLOWERS {
        let delays = &cluster.leader.config.links[follower as usize];
        let OrderedLink { mut write, ack } = OrderedLink::new(delays, follower, 42, None);
        let mut ack = ack.unwrap();
        let records = cluster.records(follower);
        assert_eq!(records.len(), entries.len());
        for (record, entry_us) in records.iter().zip(&entries) {
            let departs = write.pass(at_us(*entry_us));
            assert_eq!(i64::try_from(record.delay_us).unwrap(), departs - at_us(*entry_us));
            assert_eq!(at_us(record.sent_us.unwrap()), departs);
            let back = ack.pass(departs);
            assert_eq!(i64::try_from(record.ack_delay_us).unwrap(), back - departs);
            assert_eq!(at_us(record.acked_us.unwrap()), back);
        }
        let arrived: Vec<(u64, u64)> = records.iter().map(|record| (record.version, record.sent_us.unwrap())).collect();
        assert_eq!(cluster.arrivals(follower), arrived);
    }
    // Some had to wait for the one ahead.
    let records = cluster.records(0);
    assert!(records.windows(2).any(|pair| pair[0].sent_us == pair[1].sent_us));
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_is_given_up_before_it_left_is_dropped_and_those_behind_keep_their_departures() {
    let vars = [("DELAY", "mixture(1*constant(10),1*constant(500))"), ("REPLICATION_COHERENCE_MS", "100")];
    let cluster = Cluster::new(&[&vars[..], &[("REPLICATION_TIMEOUT_S", "0.45")]].concat());
    let entries = cluster.write_after_ms(&[100; 20]).await;
    cluster.settle().await;
    let records = cluster.records(0);
    let late = |record: &&LeaderRecord| record.delay_us >= 450_000;
    let lost = records.iter().filter(late).count();
    assert!((1..20).contains(&lost), "{lost}");
    for record in records.iter().filter(late) {
        assert_eq!((record.outcome, record.sent_us), (Outcome::Timeout, None));
    }
    // Some wait behind a lost one, for less than the limit: they leave when they would have anyway.
    let kept: Vec<(u64, u64)> = records
        .iter()
        .zip(&entries)
        .filter(|(record, _)| !late(record))
        .map(|(record, entry_us)| (record.version, entry_us + record.delay_us))
        .collect();
    assert_eq!(cluster.arrivals(0), kept);
    assert!(records.iter().any(|record| (10_001..450_000).contains(&record.delay_us)));
}

#[tokio::test(start_paused = true)]
async fn without_a_seed_each_leader_has_its_own_delays() {
    let delays = |cluster: &Cluster| cluster.records(0).iter().map(|record| record.delay_us).collect::<Vec<_>>();
    let mut seen = Vec::new();
    for _ in 0..2 {
        let cluster = Cluster::new(&[("DELAY_SEED", ""), ("DELAY", "uniform(0,200)")]);
        cluster.write_after_ms(&[50; 5]).await;
        cluster.settle().await;
        seen.push(delays(&cluster));
    }
    assert_ne!(seen[0], seen[1]);
}
