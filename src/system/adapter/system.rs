//! A store behind an adapter as a system under test.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::adapters::Adapters;
use super::process::Launch;
use super::protocol::{Hello, InjectedDelays, PROTOCOL};
use super::session::{AdapterConditions, AdapterSession, addresses};
use super::settings::AdapterSettings;
use crate::config::{Experiment, Fields, Misfits, Problems, SystemSettings, is_default};
use crate::model::{Capabilities, Dialer, Endpoints, Hosting, NodeId, NodeSpec, Quorum, SystemName};
use crate::programs::{find_program, is_path};
use crate::system::Clock;
use crate::system::delays::DelaysBy;
use crate::system::session::{Session, SessionError};
use crate::system::start::Replication;
use crate::system::traits::{Presence, System, SystemKind};

/// The name of the kind.
const NAME: &str = "adapter";
/// The most writes at a time, each of which has a process of its own.
const MAX_PROCESSES: u32 = 64;
/// How much longer than the longest delay dumps must stay equal, unless the system's table says otherwise.
const QUIET_MARGIN: Duration = Duration::from_secs(1);
/// What a dump may have beside the keys and values of the plan.
const DUMP_MARGIN_BYTES: usize = 1 << 20;
/// What a dump may have around each value.
const ENTRY_BYTES: usize = 256;

/// Adapters in the list of systems.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AdapterKind;

impl SystemKind for AdapterKind {
    fn name(&self) -> &'static str {
        NAME
    }

    fn read_settings(&self, fields: &mut Fields<'_>, problems: &mut Problems<'_>) -> SystemSettings {
        SystemSettings::of(&AdapterSettings::read_from(fields, AdapterSettings::default(), problems))
    }

    fn configure(&self, experiment: &Experiment, misfits: &mut Misfits) -> Option<Arc<dyn System>> {
        let settings: AdapterSettings = misfits.settings_of(&experiment.system)?;
        let name = experiment.system.name.clone();
        check(&settings, experiment, misfits);
        let folder = experiment.system.settings.folder().to_owned();
        Some(Arc::new(Adapter { name, settings, folder }))
    }

    fn presence(&self, settings: &SystemSettings) -> Presence {
        let folder = settings.folder();
        let settings: AdapterSettings = settings.parse().unwrap_or_default();
        let words = settings.session.words();
        // A name is looked up on the path alone.
        let start_in = |program: &Path| is_path(program).then_some(folder);
        match words.first().map(Path::new).and_then(|program| find_program(program, start_in(program)).ok()) {
            Some(_) => Presence::Found(words.join(" ")),
            None => Presence::Missing {
                what: format!("there is no program {}", words.first().map(String::as_str).unwrap_or_default()),
                advice: "install it, or say another session; a relative path begins in the folder of experiments.toml"
                    .to_owned(),
            },
        }
    }
}

/// Reports what an experiment asks for that cannot be done, or not where labctl starts no nodes.
fn check(settings: &AdapterSettings, experiment: &Experiment, misfits: &mut Misfits) {
    let (name, is_given) = (&experiment.system.name, settings.start.is_given());
    let is_started = is_given && !matches!(settings.start.hosting(experiment), Hosting::Running(_));
    let by_proxies = settings.delays == DelaysBy::Proxies;
    if is_given {
        let replication = Replication { dialer: settings.dialer, proxied: by_proxies && is_started };
        settings.start.check(&settings.environment, experiment, replication, misfits);
    } else {
        if !is_default(&settings.environment) {
            let why = format!("these are variables of nodes that labctl starts, and there is no [system.{name}.start]");
            misfits.add("system.environment", why);
        }
    }
    if !is_started {
        if by_proxies && experiment.network.has_delays(experiment.followers.get()) {
            let why = format!(
                "labctl does not start the nodes of {name}, so that no proxy stands between them; delays must be \"own\" \
                 in [system.{name}] if the adapter or its store delays messages, or the experiment's network must have \
                 delay = {{ kind = \"constant\", ms = 0 }}"
            );
            misfits.add("network.delay", why);
        }
        for (index, fault) in experiment.faults.iter().enumerate() {
            let why =
                format!("`{fault}`: labctl does not start the nodes of {name}, so it cannot break them; leave it out");
            misfits.add(format!("fault[{index}]"), why);
        }
    }
    let concurrency = experiment.workload.concurrency.get();
    if !settings.overlap && concurrency > MAX_PROCESSES {
        let why = format!(
            "each write that is under way has a process of its own; concurrency must be at most {MAX_PROCESSES}, or \
             [system.{name}] overlap = true if the adapter takes several requests at once"
        );
        misfits.add("workload.concurrency", why);
    }
}

/// A store behind an adapter.
#[derive(Debug)]
struct Adapter {
    name: SystemName,
    settings: AdapterSettings,
    /// Where the adapter starts.
    folder: PathBuf,
}

impl Adapter {
    /// What every process is told first.
    fn hello(&self, endpoints: &Endpoints, experiment: &Experiment, quorum: Quorum) -> Hello {
        let network = &experiment.network;
        let links =
            if self.settings.delays == DelaysBy::Own { network.links(experiment.followers.get()) } else { Vec::new() };
        let delays = NodeId::followers(experiment.followers)
            .zip(links)
            .map(|(follower, link)| (follower, InjectedDelays { write: link.write, ack: link.ack }));
        Hello {
            protocol: PROTOCOL,
            nodes: NodeId::all(experiment.followers).collect(),
            quorum: quorum.as_counted(self.settings.counts_leader),
            request_timeout_s: network.global_request_timeout_s.secs(),
            replication_timeout_s: network.replication_timeout_s.secs(),
            seed: experiment.seed,
            delays: delays.collect::<BTreeMap<_, _>>(),
            addresses: addresses(endpoints),
        }
    }
}

impl System for Adapter {
    fn name(&self) -> &str {
        self.name.as_str()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            trace: false,
            versions: self.settings.versions,
            reads: self.settings.reads,
            own_delays: self.settings.delays == DelaysBy::Own,
            quorum: self.settings.quorum,
            counts_leader: self.settings.counts_leader,
            settles: self.settings.settles,
            restart: self.settings.restart,
            ordered_log: self.settings.ordered_log,
            append_log: false,
            acks_unseen: false,
        }
    }

    fn dialer(&self) -> Dialer {
        self.settings.dialer
    }

    fn nodes(&self, experiment: &Experiment, quorum: Quorum) -> Vec<NodeSpec> {
        if !self.settings.start.is_given() {
            return Vec::new();
        }
        self.settings.start.nodes(
            &self.settings.environment,
            experiment,
            quorum.as_counted(self.settings.counts_leader),
        )
    }

    fn hosting(&self, experiment: &Experiment) -> Hosting {
        if self.settings.start.is_given() {
            return self.settings.start.hosting(experiment);
        }
        Hosting::Running(Endpoints { leader: String::new(), followers: Vec::new() })
    }

    fn connect(
        &self,
        endpoints: &Endpoints,
        experiment: &Experiment,
        quorum: Quorum,
        clock: Clock,
    ) -> Result<Arc<dyn Session>, SessionError> {
        let workload = &experiment.workload;
        let entry = 2 * workload.value_bytes.get() as usize + ENTRY_BYTES;
        let launch = Launch {
            command: self.settings.session.words().to_vec(),
            folder: self.folder.clone(),
            max_dump_bytes: DUMP_MARGIN_BYTES + workload.keys.get() as usize * entry,
        };
        let hello = self.hello(endpoints, experiment, quorum);
        let quiet = self.settings.settle_quiet_s.map(|quiet| quiet.duration());
        let conditions = AdapterConditions {
            quorum: hello.quorum,
            timeout: experiment.network.global_request_timeout_s.duration(),
            quiet: quiet.unwrap_or_else(|| experiment.network.longest_delay(experiment.followers.get()) + QUIET_MARGIN),
        };
        let adapters = Adapters::new(launch, hello, self.settings.overlap);
        Ok(Arc::new(AdapterSession::new(adapters, self.settings.clone(), conditions, clock)))
    }

    fn connections_to_a_follower(&self, _: u64) -> u64 {
        0
    }

    fn limit_met(&self, _: &[u8]) -> Option<String> {
        None
    }
}
