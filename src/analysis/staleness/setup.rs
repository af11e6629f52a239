//! What an experiment says of writes and reads.

use std::collections::BTreeSet;

use super::reading::ReadPath;
use super::wars::Wars;
use crate::config::Experiment;
use crate::model::Quorum;

/// Most numbers of followers R that the chance at the acknowledgement is told of.
pub(super) const MOST_REPLICAS: u32 = 8;

/// An experiment at one quorum, as far as staleness depends on them.
pub(super) struct Setup {
    pub(super) wars: Wars,
    followers: u32,
    /// R, ascending.
    pub(super) replicas: Vec<u32>,
    /// When else reads begin.
    pub(super) at_ms: Vec<f64>,
    pub(super) seed: u64,
    /// The bounds of all delays, where there is a closed form.
    pub(super) uniform_ms: Option<(f64, f64)>,
    /// Whether what is missed at the acknowledgement only repeats how many acknowledgements a write
    /// waits for: neither reads nor acknowledgements take time.
    pub(super) is_identity: bool,
}

impl Setup {
    pub(super) fn new(config: &Experiment, quorum: Quorum) -> Self {
        let network = &config.network;
        let wars = Wars {
            links: network.links(config.followers.get()),
            quorum: quorum.get(),
            path: ReadPath {
                request: config.reads.request_delay.clone(),
                response: config.reads.response_delay.clone(),
            },
            replication_limit_us: network.replication_timeout_s.span(),
            request_limit_us: network.global_request_timeout_s.span(),
        };
        // A read that asks more followers than there are is one that asks all.
        let followers = config.followers.get();
        let replicas: BTreeSet<u32> = config.reads.replicas.iter().map(|r| r.get().min(followers)).collect();
        let limit_ms = wars.replication_limit_us.min(wars.request_limit_us).as_ms();
        Self {
            replicas: replicas.into_iter().collect(),
            at_ms: config.reads.at_ms.iter().map(|at| at.get()).collect(),
            seed: config.seed,
            uniform_ms: uniform_ms(config).filter(|(_, end_ms)| *end_ms < limit_ms && wars.path.is_instant()),
            is_identity: wars.path.is_instant() && network.has_instant_acks(followers),
            wars,
            followers,
        }
    }

    /// N.
    pub(super) fn followers(&self) -> u32 {
        self.followers
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

/// The bounds of the delays, where all are uniform between the same and acknowledgements take
/// no time.
fn uniform_ms(config: &Experiment) -> Option<(f64, f64)> {
    let delay = config.network.common_delay(config.followers.get())?;
    delay.as_uniform_ms().or(delay.as_constant_ms().map(|ms| (ms, ms)))
}
