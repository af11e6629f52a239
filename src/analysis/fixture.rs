//! Runs for tests, played by an ideal cluster: no software cost, delays as given.

use std::collections::BTreeMap;
use std::str::FromStr;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use crate::config::{Experiment, ExperimentName, Pacing};
use crate::data::{
    ArrivalRow, BackendFacts, HostFacts, Manifest, ReplicationOutcome, ReplicationRow, RunData, SCHEMA, Snapshot,
    StoreDump, WriteOutcome, WriteRow,
};
use crate::model::{
    Capabilities, Micros, NodeId, QuorumControl, ReplicationOrder, RestartState, SystemFacts, TimeSpan, Version,
    WriteId, as_uniform_ms, uniform_ms,
};

#[path = "../../tests/support/without_trace.rs"]
mod without_trace;

pub(crate) use without_trace::without_trace;

/// One write to be played.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    pub(crate) write: u64,
    pub(crate) key: String,
    pub(crate) start_us: u64,
    /// What the client measured; the W-th smallest delay unless given.
    pub(crate) latency_us: Option<u64>,
    /// One a follower.
    pub(crate) delays_us: Vec<u64>,
    /// Followers, by index, this write never reaches, and how it ends there.
    pub(crate) lost: BTreeMap<usize, ReplicationOutcome>,
}

/// What a leader has to go by when it answers a write.
pub(crate) struct Drawn<'a> {
    pub(crate) quorum: usize,
    /// By follower.
    pub(crate) delays_us: &'a [u64],
    /// Ascending.
    pub(crate) sorted_us: &'a [u64],
}

/// When a leader answers, and which followers, by index, never get the write.
pub(crate) struct LeaderAnswer {
    pub(crate) latency_us: u64,
    pub(crate) cancelled: Vec<usize>,
}

impl LeaderAnswer {
    pub(crate) fn after(latency_us: u64) -> Self {
        Self { latency_us, cancelled: Vec::new() }
    }
}

/// A leader that waits for W acknowledgements and costs 1.5 ms.
pub(crate) fn right_leader(drawn: &Drawn<'_>) -> LeaderAnswer {
    let quorum_us = drawn.quorum.checked_sub(1).map_or(0, |index| drawn.sorted_us[index]);
    LeaderAnswer::after(quorum_us + 1_500)
}

/// Builds a [`RunData`].
pub(crate) struct RunBuilder {
    quorum: u32,
    config: Experiment,
    planned: Vec<Planned>,
}

impl RunBuilder {
    /// A run of the default experiment without a write.
    pub(crate) fn new(quorum: u32) -> Self {
        Self { quorum, config: Experiment::default(), planned: Vec::new() }
    }

    /// Changes the configuration.
    pub(crate) fn configure(mut self, change: impl FnOnce(&mut Experiment)) -> Self {
        change(&mut self.config);
        self
    }

    /// Sets the delay's bounds.
    pub(crate) fn delay_ms(self, min: u32, max: u32) -> Self {
        self.configure(|config| config.network.delay = uniform_ms(min, max).unwrap())
    }

    /// Adds an acknowledged write, ten seconds after the write numbered one less.
    pub(crate) fn write_with_delays(self, write: u64, latency_us: u64, delays_us: &[u64]) -> Self {
        let key = format!("k{}", write % 10);
        let start_us = write * 10_000_000;
        let planned = Planned {
            write,
            key,
            start_us,
            latency_us: Some(latency_us),
            delays_us: delays_us.to_vec(),
            lost: BTreeMap::new(),
        };
        self.write(planned)
    }

    /// Adds a write.
    pub(crate) fn write(mut self, planned: Planned) -> Self {
        self.planned.push(planned);
        self
    }

    /// Adds the experiment's whole load, with delays drawn from its seed, as `leader` answers it.
    pub(crate) fn load(mut self, leader: impl Fn(&Drawn<'_>) -> LeaderAnswer) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(self.config.seed);
        let workload = self.config.workload;
        let delay = as_uniform_ms(&self.config.network.delay).unwrap();
        let concurrency = workload.concurrency.get() as usize;
        let (keys, starts) =
            (workload.key_numbers(self.config.seed), workload.intended_starts(self.config.seed).unwrap_or_default());
        let mut ends: Vec<u64> = Vec::new();
        for write in 0..u64::from(workload.writes.get()) {
            let delays_us: Vec<u64> = (0..self.config.followers.get())
                .map(|_| rng.random_range(u64::from(delay.0) * 1000..=u64::from(delay.1) * 1000))
                .collect();
            let mut sorted_us = delays_us.clone();
            sorted_us.sort_unstable();
            let start_us = match workload.pacing {
                Pacing::Open => starts.get(write as usize).map_or(0, |at| at.abs().get()),
                Pacing::Window => ends.len().checked_sub(concurrency).map_or(0, |before| {
                    let mut ended = ends.clone();
                    ended.sort_unstable();
                    ended[before]
                }),
                Pacing::Batch => ends.iter().take(ends.len() / concurrency * concurrency).copied().max().unwrap_or(0),
            };
            let drawn = Drawn { quorum: self.quorum as usize, delays_us: &delays_us, sorted_us: &sorted_us };
            let LeaderAnswer { latency_us, cancelled } = leader(&drawn);
            ends.push(start_us + latency_us);
            let key = format!("k{}", keys[write as usize]);
            let lost = cancelled.into_iter().map(|follower| (follower, ReplicationOutcome::Failed)).collect();
            self.planned.push(Planned { write, key, start_us, latency_us: Some(latency_us), delays_us, lost });
        }
        self
    }

    /// Plays the writes.
    pub(crate) fn build(mut self) -> RunData {
        self.planned.sort_by_key(|write| (write.start_us, write.write));
        let versioned: Vec<(Version, &Planned)> = (1..).map(Version::new).zip(&self.planned).collect();
        let mut writes: Vec<WriteRow> =
            versioned.iter().map(|(version, planned)| self.row(*version, planned)).collect();
        writes.sort_by_key(|row| row.write);
        let mut replication: Vec<ReplicationRow> =
            versioned.iter().flat_map(|(version, planned)| replications(*version, planned)).collect();
        replication.sort_by_key(|row| (row.write, row.follower));
        let last_ack_us = writes.iter().map(WriteRow::end).max().unwrap_or_default();
        let arrivals = self.arrivals(&versioned);
        let end = arrivals.iter().map(|row| row.at_us).max().unwrap_or_default();
        let settle_us = end.since(last_ack_us) + TimeSpan::new(1);
        let at_last_ack = self.stores(&writes, &arrivals, last_ack_us);
        let settled = self.stores(&writes, &arrivals, Micros::MAX);
        let manifest = self.manifest(last_ack_us.since(Micros::ZERO), settle_us);
        RunData {
            manifest,
            writes,
            replication,
            arrivals,
            reads: Vec::new(),
            faults: Vec::new(),
            failover: None,
            at_last_ack,
            settled,
            logs: BTreeMap::new(),
            forecast: None,
            contradictions: Vec::new(),
        }
    }

    fn row(&self, version: Version, planned: &Planned) -> WriteRow {
        let mut sorted = planned.delays_us.clone();
        sorted.sort_unstable();
        let quorum_us = self.quorum.checked_sub(1).and_then(|index| sorted.get(index as usize)).copied().unwrap_or(0);
        WriteRow {
            write: WriteId::new(planned.write),
            key: planned.key.as_str().into(),
            value: format!("v{}", planned.write),
            start_us: planned.start_us.into(),
            latency_us: TimeSpan::new(planned.latency_us.unwrap_or(quorum_us)),
            outcome: WriteOutcome::Ok,
            http_status: Some(200),
            version: Some(version),
            acks: Some(self.quorum),
            error: None,
            sent_us: None,
        }
    }

    fn arrivals(&self, versioned: &[(Version, &Planned)]) -> Vec<ArrivalRow> {
        let mut all = Vec::new();
        for (follower, node) in NodeId::followers(self.config.followers).enumerate() {
            let mut order: Vec<(u64, Version, &str)> = versioned
                .iter()
                .filter(|(_, planned)| !planned.lost.contains_key(&follower))
                .map(|(version, planned)| {
                    (planned.start_us + planned.delays_us[follower], *version, planned.key.as_str())
                })
                .collect();
            order.sort_unstable();
            let mut held: BTreeMap<&str, Option<Version>> = BTreeMap::new();
            for (at_us, version, key) in order {
                let newest = held.entry(key).or_default();
                let applied = self.config.network.order == ReplicationOrder::Arrival || Some(version) > *newest;
                *newest = if applied { Some(version) } else { *newest };
                let at_us = at_us.into();
                all.push(ArrivalRow { follower: node, version, key: key.into(), applied, at_us, catch_up: false });
            }
        }
        all
    }

    fn stores(&self, writes: &[WriteRow], arrivals: &[ArrivalRow], until_us: Micros) -> Snapshot {
        let value = |version: Version| writes.iter().find(|row| row.version == Some(version)).unwrap().value.clone();
        let mut by_version: Vec<&WriteRow> = writes.iter().collect();
        by_version.sort_by_key(|row| row.version);
        let leader = dump(
            NodeId::Leader,
            by_version.iter().map(|row| (row.key.to_string(), row.value.clone(), row.version.unwrap())),
        );
        let followers = NodeId::followers(self.config.followers).map(|node| {
            let own = arrivals.iter().filter(|row| row.follower == node && row.applied && row.at_us <= until_us);
            dump(node, own.map(|row| (row.key.to_string(), value(row.version), row.version)))
        });
        followers.chain([leader]).map(|dump| (dump.node.parse().unwrap(), dump)).collect()
    }

    fn manifest(&self, load_us: TimeSpan, settle_us: TimeSpan) -> Manifest {
        Manifest {
            schema: SCHEMA,
            experiment: ExperimentName::from_str("quorum").unwrap(),
            quorum: i64::from(self.quorum).try_into().unwrap(),
            config: self.config.clone(),
            system: None,
            config_sha256: String::new(),
            seed: self.config.seed,
            backend: BackendFacts::named("sim"),
            node_sha256: None,
            git: None,
            labctl_version: "0.1.0".to_owned(),
            argv: Vec::new(),
            host: Some(HostFacts { os: "linux x86_64".to_owned(), kernel: None, cpus: 2, memory_mib: None }),
            started: Some("2026-01-01T00:00:00Z".to_owned()),
            finished: Some("2026-01-01T00:00:01Z".to_owned()),
            load_us,
            settle_us,
            settled: true,
            wall_us: load_us + settle_us + TimeSpan::new(500_000),
            trace_dropped: 0,
            quiet_us: None,
            absent_nodes: Vec::new(),
            jobs: None,
            gaps: Vec::new(),
            leader_changes: Vec::new(),
            load_cost: None,
        }
    }
}

fn replications(version: Version, planned: &Planned) -> Vec<ReplicationRow> {
    let row = |(follower, delay_us): (u32, &u64)| {
        let lost = planned.lost.get(&(follower as usize)).copied();
        let at_us = Some(Micros::from(planned.start_us + delay_us));
        ReplicationRow {
            write: WriteId::new(planned.write),
            version,
            key: planned.key.as_str().into(),
            follower: NodeId::Follower(follower),
            delay_us: TimeSpan::new(*delay_us),
            ack_delay_us: Some(TimeSpan::ZERO),
            sent_us: at_us,
            acked_us: at_us.filter(|_| lost.is_none()),
            outcome: lost.unwrap_or(ReplicationOutcome::Acked),
        }
    };
    (0..).zip(&planned.delays_us).map(row).collect()
}

/// A store after these writes, in this order.
fn dump(node: NodeId, applied: impl Iterator<Item = (String, String, Version)>) -> StoreDump {
    use crate::model::Role;
    let role = if node.is_leader() { Role::Leader } else { Role::Follower };
    let mut dump = StoreDump { node: node.to_string(), role, store: BTreeMap::new(), versions: BTreeMap::new() };
    for (key, value, version) in applied {
        dump.store.insert(key.clone(), value);
        dump.versions.insert(key, version.get());
    }
    dump
}
