//! Whole clusters whose nodes call each other's routers in virtual time.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::support::{Subject, config, put, subject};
use crate::clock::Clock;
use crate::transport::InProcessTransport;
use crate::wire::{FollowerRecord, LeaderRecord, StoreDump, TraceDump};
use axum::http::StatusCode;

struct Cluster {
    leader: Subject,
    followers: Vec<Subject>,
}

/// One leader and five followers on one clock that resolves microseconds.
fn cluster(quorum: u32, order: &str) -> Cluster {
    cluster_on(&[], quorum, order)
}

/// The same on a network that these variables describe.
fn cluster_on(network: &[(&str, &str)], quorum: u32, order: &str) -> Cluster {
    let clock = Clock::at_zero().stretched(1_000);
    let quorum = quorum.to_string();
    let vars = [("WRITE_QUORUM", quorum.as_str()), ("REPLICATION_ORDER", order), ("DELAY_SEED", "42")];
    let vars = [&vars, network].concat();
    let nowhere = || Arc::new(InProcessTransport::new(Vec::new()));
    let followers: Vec<Subject> = (0..5).map(|_| subject(config("follower", 0, &vars), clock, nowhere())).collect();
    let routers = followers.iter().map(|follower| follower.router.clone());
    let transport = Arc::new(InProcessTransport::new(routers.collect()));
    let leader = subject(config("leader", 5, &vars), clock, transport);
    Cluster { leader, followers }
}

impl Cluster {
    /// Twenty writes over four keys at once; returns how long each one took in microseconds.
    async fn write(&self) -> Vec<u64> {
        let mut tasks = Vec::new();
        for write in 0..20_u64 {
            let mut request = put(&format!("k{}", write % 4), &format!("v{write}"));
            request.headers_mut().insert("x-write-id", write.into());
            let router = self.leader.router.clone();
            let clock = *self.leader.node.clock();
            tasks.push(tokio::spawn(async move {
                let response = tower::ServiceExt::oneshot(router, request).await.unwrap();
                assert_eq!(response.status(), StatusCode::OK);
                clock.now_us()
            }));
        }
        let mut latencies = Vec::new();
        for task in tasks {
            latencies.push(task.await.unwrap());
        }
        self.leader.settle().await;
        latencies
    }

    async fn drawn(&self) -> BTreeMap<u64, Vec<u64>> {
        let trace: TraceDump<LeaderRecord> = self.leader.get("/debug/trace").await;
        let mut drawn: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for record in trace.records {
            drawn.entry(record.write).or_default().push(record.delay_us);
        }
        drawn
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_takes_exactly_the_wth_smallest_of_its_delays() {
    let mut seen = None;
    for quorum in 1..=5_u32 {
        let cluster = cluster(quorum, "arrival");
        let latencies = cluster.write().await;
        let drawn = cluster.drawn().await;
        for (latency, delays) in latencies.iter().zip(drawn.values()) {
            let mut sorted = delays.clone();
            sorted.sort_unstable();
            assert_eq!(*latency, sorted[quorum as usize - 1]);
        }
        // The quorum does not enter the draw.
        assert_eq!(seen.get_or_insert_with(|| drawn.clone()), &drawn);
    }
}

#[tokio::test(start_paused = true)]
async fn on_any_network_a_write_takes_the_wth_smallest_of_its_round_trips() {
    let network = [
        ("DELAY", "mixture(1*pareto(2,1.5),1*exponential(30))"),
        ("ACK_DELAY", "lognormal(10,1)"),
        ("FOLLOWER_DELAYS", "f3=150+uniform(0,100)"),
        ("FOLLOWER_ACK_DELAYS", "f5=constant(0)"),
    ];
    for quorum in 1..=5_u32 {
        let cluster = cluster_on(&network, quorum, "arrival");
        let latencies = cluster.write().await;
        let trace: TraceDump<LeaderRecord> = cluster.leader.get("/debug/trace").await;
        let mut round_trips: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for record in trace.records {
            assert!(record.follower != 2 || record.delay_us >= 150_000);
            assert_eq!(record.follower == 4, record.ack_delay_us == 0);
            assert_eq!(record.sent_us, Some(record.delay_us));
            assert_eq!(record.acked_us, Some(record.delay_us + record.ack_delay_us));
            round_trips.entry(record.write).or_default().push(record.delay_us + record.ack_delay_us);
        }
        for (latency, round_trips) in latencies.iter().zip(round_trips.values_mut()) {
            round_trips.sort_unstable();
            assert_eq!(*latency, round_trips[quorum as usize - 1]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn in_version_order_every_follower_ends_like_the_leader() {
    let cluster = cluster(1, "version");
    cluster.write().await;
    let leader: StoreDump = cluster.leader.get("/debug/store").await;
    assert_eq!(leader.store.len(), 4);
    for follower in &cluster.followers {
        let dump: StoreDump = follower.get("/debug/store").await;
        assert_eq!((&dump.store, &dump.versions), (&leader.store, &leader.versions));
    }
}

#[tokio::test(start_paused = true)]
async fn in_arrival_order_every_follower_holds_what_arrived_last() {
    let cluster = cluster(1, "arrival");
    cluster.write().await;
    let leader: StoreDump = cluster.leader.get("/debug/store").await;
    let mut diverged = 0;
    for follower in &cluster.followers {
        let trace: TraceDump<FollowerRecord> = follower.get("/debug/trace").await;
        assert_eq!(trace.records.len(), 20);
        let last: BTreeMap<String, u64> =
            trace.records.into_iter().map(|record| (record.key, record.version)).collect();
        let dump: StoreDump = follower.get("/debug/store").await;
        assert_eq!(dump.versions, last);
        diverged += usize::from(dump.versions != leader.versions);
    }
    assert!(diverged > 0);
}

#[tokio::test(start_paused = true)]
async fn keys_of_any_kind_reach_the_followers() {
    let cluster = cluster(5, "arrival");
    for key in ["%2E%2E", "%2e", "a%2Fb", "%25", "%E2%9C%93", "%00", "a+b", "%3F%23"] {
        let (status, body) = cluster.leader.put(key, "v").await;
        assert_eq!(status, StatusCode::OK, "{key} {body}");
    }
    let dump: StoreDump = cluster.followers[4].get("/debug/store").await;
    let keys: Vec<&str> = dump.store.keys().map(String::as_str).collect();
    assert_eq!(keys, ["\0", "%", ".", "..", "?#", "a+b", "a/b", "✓"]);
}
