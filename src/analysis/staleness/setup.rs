//! What an experiment says of writes and reads.

use std::collections::BTreeSet;

use labnode::delay::Link;

use super::MOST_REPLICAS;
use super::reading::ReadPath;
use super::wars::Wars;
use crate::config::{Experiment, Timeout};
use crate::data::RunData;

/// A run's conditions, as far as staleness depends on them.
pub(super) struct Setup {
    pub(super) wars: Wars,
    /// R, one by one.
    pub(super) replicas: Vec<u32>,
    /// When else reads begin.
    pub(super) at_ms: Vec<f64>,
    pub(super) seed: u64,
    /// The bounds of all delays, where there is a closed form.
    pub(super) uniform_ms: Option<(f64, f64)>,
}

impl Setup {
    pub(super) fn of(run: &RunData) -> Self {
        let config = &run.manifest.config;
        let network = &config.network;
        let wars = Wars {
            links: links(config),
            quorum: run.manifest.quorum.get(),
            path: ReadPath::default(),
            replication_limit_us: micros(network.replication_timeout_s),
            request_limit_us: micros(network.global_request_timeout_s),
        };
        let limit_ms = wars.replication_limit_us.min(wars.request_limit_us) as f64 / 1000.0;
        Self {
            replicas: vec![1],
            at_ms: Vec::new(),
            seed: config.seed,
            uniform_ms: uniform_ms(config).filter(|(_, end_ms)| *end_ms < limit_ms && wars.path.is_instant()),
            wars,
        }
    }

    /// N.
    pub(super) fn followers(&self) -> u32 {
        u32::try_from(self.wars.links.len()).unwrap_or(u32::MAX)
    }

    /// Every R that anything is told of, ascending.
    pub(super) fn all_replicas(&self) -> Vec<u32> {
        let few = 1..=self.followers().min(MOST_REPLICAS);
        self.replicas.iter().copied().chain(few).collect::<BTreeSet<u32>>().into_iter().collect()
    }

    /// How many trials give useful chances in well under half a second.
    pub(super) fn affordable_trials(&self) -> u32 {
        const DRAWS: u32 = 2_000_000;
        const MOST: u32 = 100_000;
        (DRAWS / (4 * self.followers().max(1))).min(MOST)
    }
}

fn links(config: &Experiment) -> Vec<Link> {
    let range = config.network.delay;
    let text = format!("uniform({},{})", range.min_ms(), range.max_ms());
    let write: labnode::delay::Distribution = text.parse().unwrap_or_else(|_| unreachable!());
    (0..config.followers.get()).map(|_| Link { write: write.clone(), ack: None }).collect()
}

fn uniform_ms(config: &Experiment) -> Option<(f64, f64)> {
    Some((f64::from(config.network.delay.min_ms()), f64::from(config.network.delay.max_ms())))
}

fn micros(limit: Timeout) -> u64 {
    u64::try_from(limit.duration().as_micros()).unwrap_or(u64::MAX)
}
