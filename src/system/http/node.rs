//! A system of kind `http` under test: how it starts, and what it lets be seen.

use std::sync::Arc;
use std::time::Duration;

use super::filter::FilterPool;
use super::preset;
use super::session::{HttpConditions, HttpSession};
use super::settings::{HttpSettings, State};
use super::table::read_table;
use crate::config::{Experiment, Fields, Misfits, Problems, SystemSettings};
use crate::model::{Capabilities, Dialer, Endpoints, Hosting, NodeId, NodeSpec, Quorum, Settling, SystemName};
use crate::system::Clock;
use crate::system::delays::DelaysBy;
use crate::system::log_lines::line_with;
use crate::system::session::{Session, SessionError};
use crate::system::start::Replication;
use crate::system::traits::{Presence, System, SystemKind};

/// The name of the kind.
const NAME: &str = "http";
/// How much longer than the longest delay dumps must stay equal, unless the system's table says otherwise.
const QUIET_MARGIN: Duration = Duration::from_secs(1);
/// How many connections to a follower a leader is expected to open at most.
const MAX_KNOWN_CONNECTIONS: u64 = 64;
/// What common runtimes print when they meet a limit of their machine.
const LIMITS: [&str; 4] = ["Too many open files", "too many open files", "EMFILE", "No space left on device"];

/// Systems that speak HTTP, in the list of systems.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HttpKind;

impl SystemKind for HttpKind {
    fn name(&self) -> &'static str {
        NAME
    }

    fn read_settings(&self, fields: &mut Fields<'_>, problems: &mut Problems<'_>) -> SystemSettings {
        read_table(fields, problems).map_or_else(SystemSettings::default, |settings| SystemSettings::of(&settings))
    }

    fn configure(&self, experiment: &Experiment, misfits: &mut Misfits) -> Option<Arc<dyn System>> {
        let settings: HttpSettings = misfits.settings_of(&experiment.system)?;
        let is_started = !matches!(settings.start.hosting(experiment), Hosting::Running(_));
        let by_proxies = settings.delays == DelaysBy::Proxies;
        let replication = Replication { dialer: Dialer::Leader, proxied: by_proxies && is_started };
        settings.start.check(&settings.environment, experiment, replication, misfits);
        Some(Arc::new(Http { name: experiment.system.name.clone(), settings: Arc::new(settings) }))
    }

    fn presence(&self, settings: &SystemSettings) -> Presence {
        match settings.parse::<HttpSettings>() {
            Ok(parsed) => parsed.start.presence(settings.folder()),
            Err(error) => {
                Presence::Missing { what: error.to_string(), advice: "mend the table of the system".to_owned() }
            }
        }
    }
}

/// A leader and its followers that speak HTTP.
#[derive(Debug)]
struct Http {
    name: SystemName,
    settings: Arc<HttpSettings>,
}

impl System for Http {
    fn name(&self) -> &str {
        self.name.as_str()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            trace: false,
            versions: self.settings.write.version.is_some(),
            reads: match self.settings.state {
                State::Keys => self.settings.read.is_some(),
                State::Log => self.settings.dump.is_some(),
            },
            own_delays: self.settings.delays == DelaysBy::Own,
            quorum: self.settings.quorum,
            counts_leader: self.settings.counts_leader,
            settles: Settling::Quiet,
            restart: self.settings.restart,
            ordered_log: false,
            append_log: self.settings.state == State::Log,
            acks_unseen: false,
        }
    }

    fn dialer(&self) -> Dialer {
        Dialer::Leader
    }

    fn nodes(&self, experiment: &Experiment, quorum: Quorum) -> Vec<NodeSpec> {
        let Self { settings, .. } = self;
        let mut nodes =
            settings.start.nodes(&settings.environment, experiment, quorum.as_counted(self.settings.counts_leader));
        preset::trim(settings, &mut nodes);
        nodes
    }

    fn hosting(&self, experiment: &Experiment) -> Hosting {
        self.settings.start.hosting(experiment)
    }

    fn connect(
        &self,
        endpoints: &Endpoints,
        experiment: &Experiment,
        quorum: Quorum,
        clock: Clock,
    ) -> Result<Arc<dyn Session>, SessionError> {
        let labctl = std::env::current_exe().map_err(|error| {
            SessionError::new(NodeId::Leader, "/", format!("cannot tell where labctl itself is: {error}"))
        })?;
        let quiet = self.settings.settle_quiet_s.map(|quiet| quiet.duration());
        let conditions = HttpConditions {
            followers: experiment.followers,
            quorum: quorum.as_counted(self.settings.counts_leader),
            write_limit: experiment.network.global_request_timeout_s.duration(),
            quiet: quiet.unwrap_or_else(|| experiment.network.longest_delay(experiment.followers.get()) + QUIET_MARGIN),
        };
        let settings = (Arc::clone(&self.settings), experiment.system.settings.clone());
        Ok(Arc::new(HttpSession::new(endpoints, settings, FilterPool::new(labctl), conditions, clock)?))
    }

    fn url(&self, address: &str) -> String {
        format!("http://{address}")
    }

    fn connections_to_a_follower(&self, writes: u64) -> u64 {
        // Nobody knows. A limit that a node does meet is found in its log.
        writes.min(MAX_KNOWN_CONNECTIONS)
    }

    fn limit_met(&self, log: &[u8]) -> Option<String> {
        line_with(log, &LIMITS)
    }
}
