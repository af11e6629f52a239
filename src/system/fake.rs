//! Kinds of systems for tests: they have what the lab's node does not, so that what is said of
//! systems in general is tried on more than one.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::config::{Experiment, Fields, Misfits, Problems, SystemSettings, settings};
use crate::model::{
    Capabilities, Dialer, Endpoints, Followers, Hosting, NodeId, NodeSpec, Quorum, QuorumControl, RestartState,
    Settling,
};
use crate::system::Clock;
use crate::system::list::KINDS;
use crate::system::session::{Session, SessionError};
use crate::system::traits::{Presence, System, SystemKind};

/// The lab's node and the kinds of this file.
pub(crate) static FAKES: &[&dyn SystemKind] = &[KINDS[0], &ChainKind, &RemoteKind];

settings! {
    /// `[system.NAME]` of kind `chain`.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub(crate) struct ChainSettings {
        /// The server.
        program: PathBuf = PathBuf::from("chain-server");
        /// Whether each write waits for a majority, instead of W.
        majority: bool = false;
        /// The longest chain.
        most_followers: Followers = Followers::constant(9);
    }
}

/// A store that replicates one ordered log, whose followers fetch what they lack.
#[derive(Debug)]
pub(crate) struct ChainKind;

impl SystemKind for ChainKind {
    fn name(&self) -> &'static str {
        "chain"
    }

    fn read_settings(&self, fields: &mut Fields<'_>, problems: &mut Problems<'_>) -> SystemSettings {
        SystemSettings::of(&ChainSettings::read_from(fields, ChainSettings::default(), problems))
    }

    fn configure(&self, experiment: &Experiment, misfits: &mut Misfits) -> Option<Arc<dyn System>> {
        let settings: ChainSettings = misfits.settings_of(&experiment.system)?;
        let (most, followers) = (settings.most_followers, experiment.followers);
        if followers > most {
            misfits.add("system.most_followers", format!("the experiment has {followers} followers, more than {most}"));
        }
        for (index, _) in experiment.quorums.iter().enumerate().filter(|(_, quorum)| quorum.get() == 0) {
            misfits.add(format!("quorums[{index}]"), "a chain acknowledges no write by itself; W must be at least 1");
        }
        let quorum = if settings.majority { QuorumControl::Majority } else { QuorumControl::PerWrite };
        Some(Arc::new(Fake { name: experiment.system.name.to_string(), capabilities: capabilities(quorum, true) }))
    }

    fn presence(&self, settings: &SystemSettings) -> Presence {
        match settings.parse::<ChainSettings>() {
            Ok(settings) if settings.program.is_file() => Presence::Found(settings.program.display().to_string()),
            Ok(settings) => Presence::Missing {
                what: format!("there is no {}", settings.program.display()),
                advice: "install it".to_owned(),
            },
            Err(error) => Presence::Missing { what: error.to_string(), advice: "mend the table".to_owned() },
        }
    }
}

/// A store that runs already: it needs a table that says where.
#[derive(Debug)]
pub(crate) struct RemoteKind;

impl SystemKind for RemoteKind {
    fn name(&self) -> &'static str {
        "remote"
    }

    fn read_settings(&self, fields: &mut Fields<'_>, problems: &mut Problems<'_>) -> SystemSettings {
        let url: Option<String> = fields.required("url", problems);
        SystemSettings::of(&serde_json::json!({ "url": url }))
    }

    fn configure(&self, experiment: &Experiment, misfits: &mut Misfits) -> Option<Arc<dyn System>> {
        for (index, fault) in experiment.faults.iter().enumerate() {
            misfits
                .add(format!("fault[{index}]"), format!("`{fault}`: labctl cannot reach the nodes of a remote store"));
        }
        let name = experiment.system.name.to_string();
        Some(Arc::new(Fake { name, capabilities: capabilities(QuorumControl::ByRequest, false) }))
    }

    fn presence(&self, _: &SystemSettings) -> Presence {
        Presence::Found("somewhere".to_owned())
    }
}

fn capabilities(quorum: QuorumControl, ordered_log: bool) -> Capabilities {
    Capabilities {
        trace: false,
        versions: false,
        reads: true,
        own_delays: false,
        quorum,
        counts_leader: true,
        settles: Settling::Quiet,
        restart: if ordered_log { RestartState::Resync } else { RestartState::Empty },
        ordered_log,
        append_log: false,
        acks_unseen: false,
    }
}

#[derive(Debug)]
struct Fake {
    name: String,
    capabilities: Capabilities,
}

impl System for Fake {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    fn dialer(&self) -> Dialer {
        Dialer::Follower
    }

    fn nodes(&self, _: &Experiment, _: Quorum) -> Vec<NodeSpec> {
        Vec::new()
    }

    fn hosting(&self, _: &Experiment) -> Hosting {
        Hosting::Started { processes: true, containers: None }
    }

    fn connect(
        &self,
        _: &Endpoints,
        _: &Experiment,
        quorum: Quorum,
        _: Clock,
    ) -> Result<Arc<dyn Session>, SessionError> {
        Err(SessionError::new(NodeId::Leader, format!("W = {quorum}"), "nothing runs in a test"))
    }

    fn connections_to_a_follower(&self, _: u64) -> u64 {
        1
    }

    fn limit_met(&self, _: &[u8]) -> Option<String> {
        None
    }
}
