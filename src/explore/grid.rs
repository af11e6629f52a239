//! The points of an exploration.

use crate::config::{BackendChoice, Concurrency, Expect, Experiment, ExperimentName, KeyCount, Pacing, WriteCount};
use crate::data::config_sha256;
use crate::model::{Distribution, Followers, LinkOrder, Quorum, ReplicationOrder};

/// The distinct values of every axis, in order. The points are their product.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    /// The experiment that the points vary.
    pub name: ExperimentName,
    /// Its configuration, for everything that is not an axis.
    pub base: Experiment,
    /// W. Empty means 1 to N.
    pub quorums: Vec<Quorum>,
    /// N.
    pub followers: Vec<Followers>,
    /// The injected delay of writes.
    pub delays: Vec<Distribution>,
    /// The injected delay of acknowledgements. `None`: they take no time.
    pub ack_delays: Vec<Option<Distribution>>,
    /// Writes at a time.
    pub concurrencies: Vec<Concurrency>,
    /// Number of keys; writes go to them in turn.
    pub keys: Vec<KeyCount>,
    /// Writes per run.
    pub writes: Vec<WriteCount>,
    /// What followers do with older writes.
    pub orders: Vec<ReplicationOrder>,
    /// Whether links keep copies in order.
    pub links: Vec<LinkOrder>,
    /// When the next write starts.
    pub pacings: Vec<Pacing>,
    /// Runs per point: with the experiment's seed and the following ones.
    pub seeds: u64,
}

/// One combination of conditions.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// The experiment that was varied.
    pub name: ExperimentName,
    /// The configuration, with the first seed.
    pub experiment: Experiment,
    /// W.
    pub quorum: Quorum,
    /// How many runs.
    pub seeds: u64,
}

impl Grid {
    /// Every point, the quorums of one condition together, without quorums larger than the number
    /// of followers.
    #[must_use]
    pub fn points(&self) -> Vec<Point> {
        let mut conditions = vec![Experiment {
            backend: BackendChoice::Sim,
            quorums: Vec::new(),
            expect: Expect::default(),
            ..self.base.clone()
        }];
        vary(&mut conditions, &self.orders, |experiment, order| experiment.network.order = order);
        vary(&mut conditions, &self.links, set_link);
        vary(&mut conditions, &self.delays, |experiment, delay| experiment.network.delay = delay);
        vary(&mut conditions, &self.ack_delays, |experiment, delay| experiment.network.ack_delay = delay);
        vary(&mut conditions, &self.writes, |experiment, writes| experiment.workload.writes = writes);
        vary(&mut conditions, &self.keys, |experiment, keys| experiment.workload.keys = keys);
        vary(&mut conditions, &self.concurrencies, |experiment, count| experiment.workload.concurrency = count);
        vary(&mut conditions, &self.pacings, set_pacing);
        vary(&mut conditions, &self.followers, |experiment, followers| experiment.followers = followers);
        conditions.into_iter().flat_map(|experiment| self.at_quorums(experiment)).collect()
    }

    fn at_quorums(&self, experiment: Experiment) -> Vec<Point> {
        let most = experiment.followers.get();
        let all = || (1..=i64::from(most)).filter_map(|w| Quorum::try_from(w).ok()).collect();
        let quorums: Vec<Quorum> = if self.quorums.is_empty() { all() } else { self.quorums.clone() };
        let point = |quorum: Quorum| Point {
            name: self.name.clone(),
            experiment: Experiment { quorums: vec![quorum], ..experiment.clone() },
            quorum,
            seeds: self.seeds,
        };
        quorums.into_iter().filter(|quorum| quorum.get() <= most).map(point).collect()
    }
}

/// Sets the order of the links. Independent ones are left out, as in the lab's own configuration, so that
/// the same point has the same SHA-256.
fn set_link(experiment: &mut Experiment, link: LinkOrder) {
    let is_ordered = link == LinkOrder::Ordered;
    experiment.network.link = is_ordered.then_some(link);
    experiment.network.coherence_ms = experiment.network.coherence_ms.filter(|_| is_ordered);
}

/// Sets the pacing. What only an open loop has is left out of a closed one, as in a file.
fn set_pacing(experiment: &mut Experiment, pacing: Pacing) {
    let workload = &mut experiment.workload;
    workload.pacing = pacing;
    if pacing != Pacing::Open {
        (workload.rate_per_s, workload.arrivals) = (None, None);
    }
}

/// Replaces each condition by one for each value.
fn vary<T: Clone>(conditions: &mut Vec<Experiment>, values: &[T], set: impl Fn(&mut Experiment, T)) {
    let varied = conditions.drain(..).flat_map(|condition| {
        let with = |value: &T| {
            let mut condition = condition.clone();
            set(&mut condition, value.clone());
            condition
        };
        values.iter().map(with).collect::<Vec<_>>()
    });
    *conditions = varied.collect();
}

impl Point {
    /// The configuration of the run with this number, from 0.
    #[must_use]
    pub fn run(&self, number: u64) -> Experiment {
        Experiment { seed: self.experiment.seed.wrapping_add(number), ..self.experiment.clone() }
    }

    /// The SHA-256 of the configuration, which distinguishes points with equal numbers of runs.
    ///
    /// # Errors
    /// If the configuration cannot be written as JSON.
    pub fn sha256(&self) -> serde_json::Result<String> {
        config_sha256(&self.experiment)
    }

    /// Replications of all its runs. Computing time is proportional to them.
    #[must_use]
    pub fn replications(&self) -> u64 {
        let workload = &self.experiment.workload;
        self.seeds * u64::from(workload.writes.get()) * u64::from(self.experiment.followers.get())
    }
}
