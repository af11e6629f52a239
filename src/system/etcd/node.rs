//! etcd as a system under test: its members, and what they let be seen.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::reads::MAX_OPERATIONS;
use super::session::EtcdSession;
use super::settings::EtcdSettings;
use super::timing::Timing;
use crate::config::{Experiment, Fields, Misfits, Problems, SystemSettings};
use crate::model::{
    Capabilities, ContainerSpec, Dialer, Endpoints, FailoverFacts, FailoverKind, Hosting, ImageSpec, Lifecycle, NodeId,
    NodeProgram, NodeSpec, Place, Quorum, QuorumControl, Readiness, RestartState, Settling, SystemName, Text,
};
use crate::system::Clock;
use crate::system::log_lines::line_with;
use crate::system::session::{Session, SessionError};
use crate::system::storage_medium::StorageMedium;
use crate::system::traits::{Presence, System, SystemKind};
use crate::system::version_answer::{VersionAnswer, ask_version};

/// The name of the kind.
const NAME: &str = "etcd";
/// The oldest version: it is the first to tell how far a member has applied its log.
const OLDEST: (u64, u64) = (3, 4);
/// How long a program may take to say its version.
const VERSION_LIMIT: Duration = Duration::from_secs(10);
/// How long a member may take until it listens.
const START_LIMIT: Duration = Duration::from_secs(20);
/// The port for clients of a member in a container.
const PORT: u16 = 2379;
/// Where the data folder of a member is in a container.
const STORAGE: &str = "/data";
/// The longest delay, in milliseconds. A member gives a connection up on which it has read nothing for 5 s, and the leader
/// writes something every third of that.
const MAX_DELAY_MS: f64 = 2_000.0;

/// etcd in the list of systems.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EtcdKind;

impl SystemKind for EtcdKind {
    fn name(&self) -> &'static str {
        NAME
    }

    fn read_settings(&self, fields: &mut Fields<'_>, problems: &mut Problems<'_>) -> SystemSettings {
        SystemSettings::of(&EtcdSettings::read_from(fields, EtcdSettings::default(), problems))
    }

    fn configure(&self, experiment: &Experiment, misfits: &mut Misfits) -> Option<Arc<dyn System>> {
        let settings: EtcdSettings = misfits.settings_of(&experiment.system)?;
        settings.storage.check(experiment, misfits);
        check_members(experiment, misfits);
        check_links(experiment, misfits);
        Some(Arc::new(Etcd { name: experiment.system.name.clone(), settings }))
    }

    fn has_followers_by_quorum(&self) -> bool {
        true
    }

    fn presence(&self, settings: &SystemSettings) -> Presence {
        let settings: EtcdSettings = settings.parse().unwrap_or_default();
        let program = settings.program.as_str();
        let missing = |what: String| Presence::Missing {
            what,
            advice: "install etcd-server (or etcd), or say in [system.etcd] program where it is".to_owned(),
        };
        let said = match ask_version(program, VERSION_LIMIT) {
            Err(error) => return missing(format!("{program} cannot be started: {error}")),
            Ok(VersionAnswer::Silent) => {
                return missing(format!("{program} --version has not ended within {} s", VERSION_LIMIT.as_secs()));
            }
            Ok(VersionAnswer::Ended { said, .. }) => said,
        };
        match version_of(&said) {
            Some((number, version)) if number >= OLDEST => Presence::Found(format!("{program} {version}")),
            Some((_, version)) => {
                let (major, minor) = OLDEST;
                missing(format!("{program} is version {version}, and {major}.{minor} is the oldest that works"))
            }
            None => {
                let first = said.lines().next().unwrap_or_default();
                missing(format!("{program} is no etcd: --version says {first:?}"))
            }
        }
    }
}

/// What a line of a member's log says of an error.
#[derive(serde::Deserialize)]
struct LogLine {
    msg: String,
    error: String,
}

/// The version in `etcd Version: 3.4.23`, and its first two numbers.
fn version_of(said: &str) -> Option<((u64, u64), String)> {
    let version = said.lines().find_map(|line| line.strip_prefix("etcd Version: "))?.trim();
    let mut numbers = version.split('.').map_while(|number| number.parse().ok());
    Some(((numbers.next()?, numbers.next()?), version.to_owned()))
}

/// Reports an even number of members.
fn check_members(experiment: &Experiment, misfits: &mut Misfits) {
    let followers = experiment.followers.get();
    if followers % 2 == 1 {
        let why = format!("{} members bear the loss of no more members than {followers} do", followers + 1);
        misfits.add("followers", format!("{why}; followers must be 2 W, or left out, not {followers}"));
    }
}

/// Reports links that cannot be had where all followers reach the leader at one address.
fn check_links(experiment: &Experiment, misfits: &mut Misfits) {
    let one = "members of etcd reach their leader at one address, so all links have one delay that never changes";
    match experiment.network.common_delay(experiment.followers.get()).and_then(|delay| delay.as_constant_ms()) {
        None => misfits.add(
            match &experiment.network {
                network if !network.follower.is_empty() => "network.follower",
                network if network.ack_delay.is_some() => "network.ack_delay",
                _ => "network",
            },
            format!(
                "{one}, and acknowledgements have none; set delay = {{ kind = \"constant\", ms = 50 }}, or min_delay_ms \
                 and max_delay_ms alike, and leave ack_delay and follower out"
            ),
        ),
        Some(ms) if ms > MAX_DELAY_MS => {
            let why = "a member of etcd gives up connections over which nothing comes for 5 s";
            misfits.add("network", format!("{why}; the delay must be at most {MAX_DELAY_MS} ms, not {ms}"));
        }
        Some(_) => {}
    }
    for (index, fault) in experiment.faults.iter().enumerate().filter(|(_, fault)| fault.kind.works_on_links()) {
        let why = "members of etcd reach each other at one address each, so labctl cannot break the link of one alone";
        misfits.add(format!("fault[{index}]"), format!("`{fault}`: {why}; kind must be kill, stop or pause"));
    }
}

/// The members of one cluster. What a member has acknowledged is in its data folder when it comes back.
#[derive(Debug)]
struct Etcd {
    name: SystemName,
    settings: EtcdSettings,
}

impl Etcd {
    fn member(&self, node: NodeId, experiment: &Experiment) -> NodeSpec {
        let url = |host, port| Text::from("http://").place(host).text(":").place(port);
        let peer = |node: NodeId| Text::new().url_of(node);
        let members = NodeId::all(experiment.followers)
            .map(|member| Text::joined([Text::from(member.to_string()), peer(member)], "="));
        let Timing { heartbeat, election, .. } = Timing::of(experiment);
        let ms = |duration: Duration| Text::from(duration.as_millis().to_string());
        let settings = [
            ("name", Text::from(node.to_string())),
            ("data-dir", Text::new().place(Place::Storage).text("/data")),
            ("listen-client-urls", url(Place::Host, Place::Port)),
            // Nobody asks for it: labctl knows where the members are.
            ("advertise-client-urls", url(Place::Host, Place::Port)),
            ("listen-peer-urls", url(Place::Host, Place::PeerPort)),
            ("initial-advertise-peer-urls", peer(node)),
            ("initial-cluster", Text::joined(members, ",")),
            ("initial-cluster-state", Text::from("new")),
            ("heartbeat-interval", ms(heartbeat)),
            ("election-timeout", ms(election)),
            // A member that comes back does not depose a leader that works. From 3.5 on that is the default.
            ("pre-vote", Text::from("true")),
            ("max-txn-ops", Text::from(MAX_OPERATIONS.to_string())),
            ("logger", Text::from("zap")),
            ("log-outputs", Text::from("stderr")),
        ];
        NodeSpec {
            node,
            program: NodeProgram::Executable(self.settings.program.as_str().into()),
            arguments: settings.map(|(name, value)| Text::joined([Text::from(format!("--{name}")), value], "=")).into(),
            environment: BTreeMap::new(),
            files: BTreeMap::new(),
            start_in: None,
            readiness: Readiness::Accepts,
            start_limit: START_LIMIT,
            lifecycle: Lifecycle { storage: Some(self.settings.storage.storage()), ..Lifecycle::default() },
        }
    }
}

impl System for Etcd {
    fn name(&self) -> &str {
        self.name.as_str()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            reads: true,
            trace: false,
            versions: true,
            own_delays: false,
            quorum: QuorumControl::Majority,
            counts_leader: true,
            settles: Settling::Reported,
            restart: RestartState::Durable,
            ordered_log: true,
            append_log: false,
            acks_unseen: true,
        }
    }

    fn dialer(&self) -> Dialer {
        Dialer::Both
    }

    fn nodes(&self, experiment: &Experiment, _: Quorum) -> Vec<NodeSpec> {
        NodeId::all(experiment.followers).map(|node| self.member(node, experiment)).collect()
    }

    fn hosting(&self, _: &Experiment) -> Hosting {
        self.settings.storage.hosting(ContainerSpec::Image(ImageSpec {
            image: self.settings.image.as_str().to_owned(),
            command: vec!["etcd".to_owned()],
            port: PORT,
            storage: STORAGE,
            setting: format!("[system.{}] image", self.name),
        }))
    }

    fn connect(
        &self,
        endpoints: &Endpoints,
        experiment: &Experiment,
        _: Quorum,
        clock: Clock,
    ) -> Result<Arc<dyn Session>, SessionError> {
        Ok(Arc::new(EtcdSession::new(endpoints, experiment, Timing::of(experiment), clock)?))
    }

    fn url(&self, address: &str) -> String {
        format!("http://{address}")
    }

    fn examples(&self, endpoints: &Endpoints) -> Vec<String> {
        let follower = endpoints.followers.first().unwrap_or(&endpoints.leader);
        vec![
            format!("etcdctl --endpoints={} put k0 hello", endpoints.leader),
            format!("etcdctl --endpoints={follower} get k0 --consistency=s"),
        ]
    }

    fn connections_to_a_follower(&self, _: u64) -> u64 {
        // Two streams each way, and up to four connections each way for snapshots and what no stream takes.
        12
    }

    fn failover(&self) -> Option<FailoverFacts> {
        Some(FailoverFacts {
            kind: FailoverKind::Election,
            none_lost_from: Some(1),
            documented: "etcd documents that completed operations are durable (API guarantees): a write is answered once a \
                         majority of the members has it in its log, and no member that lacks an entry which a majority has \
                         is elected."
                .to_owned(),
        })
    }

    fn remarks(&self) -> Vec<String> {
        let in_memory = (self.settings.storage == StorageMedium::Tmpfs).then(|| StorageMedium::IN_MEMORY.to_owned());
        in_memory.into_iter().collect()
    }

    fn limit_met(&self, log: &[u8]) -> Option<String> {
        let line = line_with(log, &["too many open files", "cannot allocate memory", "no space left on device"])?;
        let told: Option<LogLine> = serde_json::from_str(&line).ok();
        Some(told.map_or(line, |told| format!("{}: {}", told.msg, told.error)))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_found_in_what_the_program_prints() {
        let said =
            "etcd Version: 3.4.23\nGit SHA: Not provided (use ./build instead of go build)\nGo Version: go1.19.8\n";
        assert_eq!(version_of(said), Some(((3, 4), "3.4.23".to_owned())));
        assert_eq!(version_of("etcd Version: 3.6.0-rc.1\n"), Some(((3, 6), "3.6.0-rc.1".to_owned())));
        assert_eq!(version_of("bash: 1.0"), None);
        assert!((3, 3) < OLDEST && (10, 0) > OLDEST);
    }

    #[test]
    fn every_member_is_told_the_same_members() {
        let etcd = Etcd { name: SystemName::default(), settings: EtcdSettings::default() };
        let experiment = Experiment { followers: 2.try_into().unwrap(), ..Experiment::default() };
        let filled = |spec: &NodeSpec| -> Vec<String> {
            let fill = |place| match place {
                Place::Host => "h".to_owned(),
                Place::Port => "1".to_owned(),
                Place::PeerPort => "2".to_owned(),
                Place::Storage => "/d".to_owned(),
                Place::Folder | Place::DirectHostOf(_) | Place::DirectPortOf(_) => String::new(),
                Place::HostOf(node) => node.to_string(),
                Place::PortOf(_) => "9".to_owned(),
            };
            spec.arguments.iter().map(|text| text.fill(fill)).collect()
        };
        let nodes = etcd.nodes(&experiment, Quorum::constant(1));
        assert!(nodes.iter().all(NodeSpec::has_peer_port));
        let told: Vec<Vec<String>> = nodes.iter().map(filled).collect();
        let members = "--initial-cluster=leader=http://leader:9,f1=http://f1:9,f2=http://f2:9";
        assert!(told.iter().all(|arguments| arguments.iter().any(|argument| argument == members)), "{told:?}");
        assert!(told[1].contains(&"--listen-peer-urls=http://h:2".to_owned()), "{told:?}");
        assert!(told[1].contains(&"--initial-advertise-peer-urls=http://f1:9".to_owned()), "{told:?}");
    }

    #[test]
    fn a_limit_of_the_machine_is_found_in_the_log() {
        let etcd = Etcd { name: SystemName::default(), settings: EtcdSettings::default() };
        assert_eq!(etcd.limit_met(b"{\"level\":\"info\",\"msg\":\"ready to serve client requests\"}\n"), None);
        let log = b"{\"level\":\"info\"}\n{\"level\":\"fatal\",\"error\":\"write wal: no space left on device\"}\n";
        assert_eq!(
            etcd.limit_met(log).as_deref(),
            Some("{\"level\":\"fatal\",\"error\":\"write wal: no space left on device\"}")
        );
        let log = b"{\"level\":\"warn\",\"msg\":\"failed to preallocate\",\"error\":\"no space left on device\"}\n";
        assert_eq!(etcd.limit_met(log).as_deref(), Some("failed to preallocate: no space left on device"));
    }
}
