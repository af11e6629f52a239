//! What every system under test says of itself.

use std::fmt::Debug;
use std::sync::Arc;

use super::Clock;
use super::session::{Session, SessionError};
use crate::config::{Experiment, Fields, Misfits, Problems, SystemSettings};
use crate::model::{Capabilities, Dialer, Endpoints, FailoverFacts, Hosting, NodeSpec, Quorum, SystemFacts};

/// A kind of systems: an entry of the list.
pub trait SystemKind: Debug + Sync {
    /// Its name in the list and in `kind = "..."`.
    fn name(&self) -> &'static str;

    /// Reads the settings of a table `[system.NAME]` of this kind, all but unknown keys. A kind
    /// declares them with `settings!` and returns [`SystemSettings::of`] them.
    fn read_settings(&self, _fields: &mut Fields<'_>, _problems: &mut Problems<'_>) -> SystemSettings {
        SystemSettings::default()
    }

    /// The system that an experiment measures, by `experiment.system.settings`. Reports what only
    /// this kind knows that it cannot take; what follows from capabilities is reported for it.
    /// `None` only if something was reported.
    fn configure(&self, experiment: &Experiment, misfits: &mut Misfits) -> Option<Arc<dyn System>>;

    /// Whether it waits for a majority and labctl starts as many nodes as that takes: 2 W followers at each W, where an
    /// experiment leaves `followers` out.
    fn has_followers_by_quorum(&self) -> bool {
        false
    }

    /// Whether this machine has what a system with these settings needs.
    fn presence(&self, settings: &SystemSettings) -> Presence;
}

/// Whether a machine has what a system needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// It has; what was found, e.g. a program and its version.
    Found(String),
    /// It has not.
    Missing {
        /// What is missing.
        what: String,
        /// How to get it.
        advice: String,
    },
}

/// A replicated store that can be measured, as one experiment configures it.
pub trait System: Debug + Send + Sync {
    /// Its name in files and messages: that of its table, or of its kind.
    fn name(&self) -> &str;

    /// What it lets be seen and done.
    fn capabilities(&self) -> Capabilities;

    /// Who opens the connections over which it replicates.
    fn dialer(&self) -> Dialer;

    /// The nodes of one run, in the order in which they start: a node that is told the address of
    /// another, which chooses its port itself, starts after it.
    fn nodes(&self, experiment: &Experiment, quorum: Quorum) -> Vec<NodeSpec>;

    /// Where its nodes can run.
    fn hosting(&self, experiment: &Experiment) -> Hosting;

    /// A session with the nodes that listen at `endpoints`, whose writes need `quorum`
    /// acknowledgements; its time is told by `clock`.
    ///
    /// # Errors
    /// When the client cannot be set up.
    fn connect(
        &self,
        endpoints: &Endpoints,
        experiment: &Experiment,
        quorum: Quorum,
        clock: Clock,
    ) -> Result<Arc<dyn Session>, SessionError>;

    /// What a user who wants to reach a node at `address`, `HOST:PORT`, has to type.
    fn url(&self, address: &str) -> String {
        address.to_owned()
    }

    /// Commands that show a user how to write to the cluster at `endpoints` and read from it.
    fn examples(&self, _endpoints: &Endpoints) -> Vec<String> {
        Vec::new()
    }

    /// The most connections that are open between its leader and one follower for this many writes.
    fn connections_to_a_follower(&self, writes: u64) -> u64;

    /// The limit of this machine that a node met, by what it has printed. `None` if it met none.
    fn limit_met(&self, log: &[u8]) -> Option<String>;

    /// Whether its nodes can run in virtual time.
    fn can_simulate(&self) -> bool {
        false
    }

    /// How a follower takes the place of a leader that has died. `None` if labctl cannot bring that about.
    fn failover(&self) -> Option<FailoverFacts> {
        None
    }

    /// Sentences about its settings that a reader of the report has to know, such as what they mean for durability.
    fn remarks(&self) -> Vec<String> {
        Vec::new()
    }

    /// What a run's manifest says of the system; `version` is the running server's.
    fn facts(&self, version: String) -> SystemFacts {
        let (capabilities, remarks) = (self.capabilities(), self.remarks());
        SystemFacts { name: self.name().to_owned(), version, capabilities, remarks }
    }
}
