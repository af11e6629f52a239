//! Runs for tests, played in virtual time by a model of the cluster: a client that keeps its
//! window full, uniform delays, and followers that apply what arrives.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use labctl::config::{Experiment, Network, Pacing, Workload};
use labctl::data::{
    ArrivalRow, BackendFacts, GitFacts, HostFacts, Manifest, ReplicationOutcome, ReplicationRow, RunData, SCHEMA,
    Snapshot, StoreDump, WriteOutcome, WriteRow,
};
use labctl::model::{
    Capabilities, Followers, Key, Micros, NodeId, Quorum, QuorumControl, ReplicationOrder, RestartState, SystemFacts,
    TimeSpan, Version, WriteId, as_uniform_ms, uniform_ms,
};
use labctl::system::System as _;
use labctl::system::labnode::LabNode;
use labnode::wire::Role;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng as _};

#[path = "../support/without_trace.rs"]
mod without_trace;

pub(crate) use without_trace::without_trace;

/// What a request costs beyond the injected delay, in microseconds, at least and at most.
const COST_US: std::ops::Range<u64> = 400..1800;

/// The runs of an experiment, by W.
pub(crate) fn runs(name: &str, experiment: &Experiment) -> Vec<RunData> {
    experiment.quorums.iter().map(|quorum| run(name, experiment, *quorum)).collect()
}

/// Experiments that are not like the lab's, by what is unusual.
pub(crate) fn unusual() -> Vec<(&'static str, Experiment)> {
    let quorums = |quorums: &[i64]| quorums.iter().map(|w| Quorum::try_from(*w).unwrap()).collect();
    let lab = Experiment::default;
    let no_delay = Network { delay: uniform_ms(0, 0).unwrap(), ..lab().network };
    let many = Workload { writes: 60.try_into().unwrap(), keys: 40.try_into().unwrap(), ..lab().workload };
    let single = Workload { writes: 1.try_into().unwrap(), keys: 1.try_into().unwrap(), ..lab().workload };
    vec![
        ("one quorum", Experiment { quorums: quorums(&[3]), ..lab() }),
        ("asynchronous and impossible", Experiment { quorums: quorums(&[0, 6]), ..lab() }),
        ("nothing acknowledged", Experiment { quorums: quorums(&[6]), ..lab() }),
        ("no delay", Experiment { network: no_delay, ..lab() }),
        (
            "one of everything",
            Experiment { quorums: quorums(&[1]), followers: 1.try_into().unwrap(), workload: single, ..lab() },
        ),
        (
            "many of everything",
            Experiment {
                quorums: (0..=12).map(|w| Quorum::try_from(w).unwrap()).collect(),
                followers: 12.try_into().unwrap(),
                workload: many,
                ..lab()
            },
        ),
    ]
}

/// One run.
pub(crate) fn run(name: &str, config: &Experiment, quorum: Quorum) -> RunData {
    let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
    let mut played = Played::new(config, quorum);
    let slots = config.workload.concurrency.get() as usize;
    let mut free: BinaryHeap<Reverse<u64>> = (0..slots).map(|_| Reverse(0)).collect();
    for write in 0..u64::from(config.workload.writes.get()) {
        if config.workload.pacing == Pacing::Batch && write % slots as u64 == 0 {
            let latest = free.iter().map(|Reverse(at)| *at).max().unwrap_or(0);
            free = (0..slots).map(|_| Reverse(latest)).collect();
        }
        let Reverse(start) = free.pop().unwrap_or(Reverse(0));
        free.push(Reverse(played.play(write, start, &mut rng)));
    }
    played.finish(name, config, quorum)
}

struct Played {
    quorum: usize,
    followers: Followers,
    keys: u64,
    delay_us: (u64, u64),
    replication_limit_us: u64,
    order: Option<ReplicationOrder>,
    writes: Vec<WriteRow>,
    replication: Vec<ReplicationRow>,
    arrivals: Vec<ArrivalRow>,
}

impl Played {
    fn new(config: &Experiment, quorum: Quorum) -> Self {
        let delay = as_uniform_ms(&config.network.delay).unwrap();
        Self {
            quorum: quorum.get() as usize,
            followers: config.followers,
            keys: u64::from(config.workload.keys.get()),
            delay_us: (u64::from(delay.0) * 1000, u64::from(delay.1) * 1000),
            replication_limit_us: config.network.replication_timeout_s.duration().as_micros() as u64,
            order: Some(config.network.order),
            writes: Vec::new(),
            replication: Vec::new(),
            arrivals: Vec::new(),
        }
    }

    /// Plays one write and answers when its client heard.
    fn play(&mut self, write: u64, start_us: u64, rng: &mut ChaCha8Rng) -> u64 {
        let key = Key::from(format!("k{}", write % self.keys));
        let version = Version::new(write + 1);
        let mut acks = Vec::new();
        for follower in NodeId::followers(self.followers) {
            let delay_us = rng.random_range(self.delay_us.0..=self.delay_us.1);
            let cost = rng.random_range(COST_US);
            let sent = start_us + delay_us + cost / 4;
            let arrived = (delay_us < self.replication_limit_us).then_some(sent + cost / 3);
            let acked = arrived.map(|_| start_us + delay_us + cost);
            acks.extend(acked);
            self.replication.push(ReplicationRow {
                write: WriteId::new(write),
                version,
                key: key.clone(),
                follower,
                delay_us: TimeSpan::new(delay_us),
                ack_delay_us: Some(TimeSpan::ZERO),
                sent_us: arrived.map(|_| sent.into()),
                acked_us: acked.map(Micros::from),
                outcome: if acked.is_some() { ReplicationOutcome::Acked } else { ReplicationOutcome::Timeout },
            });
            if let Some(at) = arrived {
                let (key, at_us) = (key.clone(), at.into());
                self.arrivals.push(ArrivalRow { follower, version, key, applied: true, at_us, catch_up: false });
            }
        }
        acks.sort_unstable();
        let quorum_at = match self.quorum {
            0 => Some(start_us + 300),
            w => acks.get(w - 1).map(|at| at + 150),
        };
        let row = WriteRow {
            write: WriteId::new(write),
            value: format!("v{write}"),
            key,
            start_us: start_us.into(),
            latency_us: TimeSpan::new(quorum_at.unwrap_or(start_us + 900) - start_us),
            outcome: if quorum_at.is_some() { WriteOutcome::Ok } else { WriteOutcome::Failed },
            http_status: Some(if quorum_at.is_some() { 200 } else { 503 }),
            version: Some(version),
            acks: Some(if quorum_at.is_some() { self.quorum } else { acks.len() } as u32),
            error: quorum_at.is_none().then(|| "quorum_unreachable: too few followers".to_owned()),
            sent_us: None,
        };
        let end_us = start_us + row.latency_us.get();
        self.writes.push(row);
        end_us
    }

    fn finish(mut self, name: &str, config: &Experiment, quorum: Quorum) -> RunData {
        self.arrivals.sort_by(|a, b| (&a.follower, a.at_us).cmp(&(&b.follower, b.at_us)));
        self.replication.sort_by(|a, b| (a.write, &a.follower).cmp(&(b.write, &b.follower)));
        if self.order == Some(ReplicationOrder::Version) {
            let mut newest: BTreeMap<(NodeId, String), Option<Version>> = BTreeMap::new();
            for row in &mut self.arrivals {
                let held = newest.entry((row.follower, row.key.to_string())).or_default();
                row.applied = Some(row.version) > *held;
                *held = Some(row.version).max(*held);
            }
        }
        let last_ack_us = self.writes.iter().map(WriteRow::end).max().unwrap_or_default();
        let end_us = self.arrivals.iter().map(|row| row.at_us).max().unwrap_or_default();
        let settle_us = end_us.since(last_ack_us) + TimeSpan::new(2_000);
        RunData {
            faults: Vec::new(),
            failover: None,
            at_last_ack: self.stores(last_ack_us),
            settled: self.stores(Micros::MAX),
            manifest: manifest(name, config, quorum, (last_ack_us.since(Micros::ZERO), settle_us)),
            writes: self.writes,
            replication: self.replication,
            arrivals: self.arrivals,
            reads: Vec::new(),
            logs: BTreeMap::new(),
            forecast: None,
            contradictions: Vec::new(),
        }
    }

    fn stores(&self, until_us: Micros) -> Snapshot {
        let mut snapshot = Snapshot::new();
        let mut leader = empty(NodeId::Leader, Role::Leader);
        for row in &self.writes {
            leader.store.insert(row.key.to_string(), row.value.clone());
            leader.versions.insert(row.key.to_string(), row.version.map_or(0, Version::get));
        }
        snapshot.insert(NodeId::Leader, leader);
        for name in NodeId::followers(self.followers) {
            let mut dump = empty(name, Role::Follower);
            for row in self.arrivals.iter().filter(|r| r.follower == name && r.applied && r.at_us <= until_us) {
                dump.store.insert(row.key.to_string(), format!("v{}", row.version.get() - 1));
                dump.versions.insert(row.key.to_string(), row.version.get());
            }
            snapshot.insert(name, dump);
        }
        snapshot
    }
}

fn empty(node: NodeId, role: Role) -> StoreDump {
    StoreDump { node: node.to_string(), role, store: BTreeMap::new(), versions: BTreeMap::new() }
}

fn manifest(name: &str, config: &Experiment, quorum: Quorum, (load_us, settle_us): (TimeSpan, TimeSpan)) -> Manifest {
    let minute = quorum.get() % 60;
    Manifest {
        schema: SCHEMA,
        experiment: name.parse().expect("a valid name"),
        quorum,
        config: config.clone(),
        system: Some(LabNode.facts("0.1.0".to_owned())),
        config_sha256: "0f".repeat(32),
        seed: config.seed,
        backend: BackendFacts { name: "sim".to_owned(), reason: None, engine: None, compose: None, image: None },
        node_sha256: Some("a1".repeat(32)),
        git: Some(GitFacts { commit: "c0ffee".repeat(6) + "c0ff", dirty: false }),
        labctl_version: "0.1.0".to_owned(),
        argv: ["labctl", "run", "all"].map(str::to_owned).to_vec(),
        host: Some(HostFacts {
            os: "linux x86_64".to_owned(),
            kernel: Some("6.1.0".to_owned()),
            cpus: 2,
            memory_mib: Some(8_000),
        }),
        started: Some(format!("2026-01-02T03:{minute:02}:00Z")),
        finished: Some(format!("2026-01-02T03:{minute:02}:30Z")),
        load_us,
        settle_us,
        settled: true,
        wall_us: load_us + settle_us + TimeSpan::new(350_000),
        trace_dropped: 0,
        quiet_us: None,
        absent_nodes: Vec::new(),
        jobs: None,
        gaps: Vec::new(),
        leader_changes: Vec::new(),
        load_cost: None,
    }
}
