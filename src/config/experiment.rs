//! `[experiment.NAME]`.

use serde::{Deserialize, Serialize};

use super::backend::BackendChoice;
use super::expect::Expect;
use super::faults::Fault;
use super::followers_by_quorum::FollowersByQuorum;
use super::leader_death::AfterLeaderDeath;
use super::network::Network;
use super::probe::ProbeInterval;
use super::reads::Reads;
use super::setting::{is_default, settings};
use super::system::SystemConfig;
use super::workload::Workload;
use crate::model::{Followers, LinkOrder, Quorum};

/// The largest seed: TOML has no larger integers.
pub const MAX_SEED: u64 = i64::MAX.cast_unsigned();

settings! {
    /// One experiment. The defaults are the lab as written.
    #[cfg_attr(test, derive(schemars::JsonSchema))]
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub struct Experiment {
        /// Which system is measured.
        #[serde(default, skip_serializing_if = "is_default")]
        system: SystemConfig = SystemConfig::default();
        /// The write quorums to run, in this order.
        quorums: Vec<Quorum> = (1..=5).map(Quorum::constant).collect();
        /// Number of followers.
        followers: Followers = Followers::constant(5), words "{} followers";
        /// Whether each run has another number of followers, by its quorum; `followers` is then that of the largest.
        #[serde(default, skip_serializing_if = "is_default")]
        followers_by_quorum: FollowersByQuorum = FollowersByQuorum(false), words_if_changed "{}";
        /// Seed of all randomness.
        seed: u64 = 42;
        /// Where the nodes run.
        backend: BackendChoice = BackendChoice::Auto;
        /// Delays, time limits and replication order.
        network: Network = Network::default();
        /// The load.
        workload: Workload = Workload::default();
        /// What must hold.
        expect: Expect = Expect::default();
        /// What breaks, in the order of the file.
        #[serde(default, skip_serializing_if = "is_default")]
        faults: Vec<Fault> = Vec::new(), key "fault";
        /// What is done once a fault has ended the leader for good.
        #[serde(default, skip_serializing_if = "is_default")]
        after_leader_death: AfterLeaderDeath = AfterLeaderDeath::Nothing, words_if_changed "after the leader's death: {}";
        /// The reads whose staleness is told.
        #[serde(default, skip_serializing_if = "is_default")]
        reads: Reads = Reads::default();
    }
}

impl Experiment {
    /// The experiment as it is run at one quorum: with the followers that it has then.
    #[must_use]
    pub fn at(&self, quorum: Quorum) -> Self {
        let mut run = self.clone();
        if self.followers_by_quorum.0 {
            run.followers = FollowersByQuorum::of(quorum).unwrap_or(self.followers);
        }
        run
    }

    /// What the runs of one experiment have in common, of the configuration of one of them.
    #[must_use]
    pub fn of_all_runs(&self) -> Self {
        self.quorums.iter().max().map_or_else(|| self.clone(), |most| self.at(*most))
    }

    /// The experiment with as many followers as each quorum needs, and with the quorums that clusters of usual sizes have
    /// if it leaves them out.
    pub(super) fn with_followers_by_quorum(self, quorums: Option<Vec<Quorum>>) -> Self {
        let quorums = quorums.unwrap_or_else(|| (1..=3).map(Quorum::constant).collect());
        Self { quorums, followers_by_quorum: FollowersByQuorum(true), ..self }.of_all_runs()
    }

    /// The order of the links: that of the file, or else the system's own. Those of the lab's node are
    /// independent; every other system has a connection to each follower, which keeps the order.
    #[must_use]
    pub fn link_order(&self) -> LinkOrder {
        self.network.link.unwrap_or_else(|| match is_default(&self.system) {
            true => LinkOrder::Independent,
            false => LinkOrder::Ordered,
        })
    }

    /// After how long a follower is asked again which writes it has: as the file says, or else as fits the network.
    #[must_use]
    pub fn probe_interval(&self) -> ProbeInterval {
        self.reads.probe_ms.unwrap_or_else(|| ProbeInterval::fitting(&self.network.links(self.followers.get())))
    }
}
