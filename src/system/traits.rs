//! What every system under test says of itself.

use std::fmt::Debug;
use std::sync::Arc;

use super::labnode::Clock;
use super::session::{Session, SessionError};
use crate::config::Experiment;
use crate::model::{Capabilities, ContainerSpec, Dialer, Endpoints, NodeSpec, Quorum, SystemFacts};

/// A replicated store that can be measured.
pub trait System: Debug + Send + Sync {
    /// Its name in files and messages.
    fn name(&self) -> &'static str;

    /// Its version.
    fn version(&self) -> &'static str;

    /// What it lets be seen and done.
    fn capabilities(&self) -> Capabilities;

    /// Who opens the connections over which it replicates.
    fn dialer(&self) -> Dialer;

    /// The nodes of one run, in the order in which they start: a node that is told the address of
    /// another, which chooses its port itself, starts after it.
    fn nodes(&self, experiment: &Experiment, quorum: Quorum) -> Vec<NodeSpec>;

    /// How its nodes run in containers.
    fn containers(&self) -> &'static ContainerSpec;

    /// A session with the nodes that listen at `endpoints`; its time is told by `clock`.
    ///
    /// # Errors
    /// When the client cannot be set up.
    fn connect(
        &self,
        endpoints: &Endpoints,
        experiment: &Experiment,
        clock: Clock,
    ) -> Result<Arc<dyn Session>, SessionError>;

    /// The most connections that its leader opens to one follower for this many writes.
    fn connections_to_a_follower(&self, writes: u64) -> u64;

    /// The limit of this machine that a node met, by what it has printed. `None` if it met none.
    fn limit_met(&self, log: &[u8]) -> Option<String>;

    /// What a run's manifest says of the system.
    fn facts(&self) -> SystemFacts {
        SystemFacts {
            name: self.name().to_owned(),
            version: self.version().to_owned(),
            capabilities: self.capabilities(),
        }
    }
}
