//! `[experiment.NAME]`.

use serde::{Deserialize, Serialize};

use super::backend::BackendChoice;
use super::expect::Expect;
use super::faults::Fault;
use super::network::Network;
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
        /// The reads whose staleness is told.
        #[serde(default, skip_serializing_if = "is_default")]
        reads: Reads = Reads::default();
    }
}

impl Experiment {
    /// The order of the links: that of the file, or else the system's own. Those of the lab's node are
    /// independent; every other system has a connection to each follower, which keeps the order.
    #[must_use]
    pub fn link_order(&self) -> LinkOrder {
        self.network.link.unwrap_or_else(|| match is_default(&self.system) {
            true => LinkOrder::Independent,
            false => LinkOrder::Ordered,
        })
    }
}
