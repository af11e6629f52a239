//! Redis as a system under test: its servers, and what it lets be seen.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::session::RedisSession;
use super::settings::{AppendFsync, RedisSettings};
use crate::config::{Experiment, Fields, Misfits, Problems, SystemSettings};
use crate::model::{
    Capabilities, ContainerSpec, Dialer, Endpoints, FailoverFacts, FailoverKind, Hosting, ImageSpec, Lifecycle, NodeId,
    NodeProgram, NodeSpec, Place, Quorum, QuorumControl, Readiness, RestartState, Settling, Storage, SystemName, Text,
};
use crate::system::Clock;
use crate::system::delays::longest_delay;
use crate::system::log_lines::line_with;
use crate::system::session::{Session, SessionError};
use crate::system::traits::{Presence, System, SystemKind};
use crate::system::version_answer::{VersionAnswer, ask_version};

/// The name of the kind.
const NAME: &str = "redis";
/// The oldest major version: replicas announce names since 5.
const OLDEST: u64 = 5;
/// How long a program may take to say its version.
const VERSION_LIMIT: Duration = Duration::from_secs(10);
/// How long a server may take until it listens.
const START_LIMIT: Duration = Duration::from_secs(20);
/// The port of a server in a container.
const PORT: u16 = 6379;
/// Where images of Redis keep what outlives a server.
const STORAGE: &str = "/data";
/// The program of Valkey.
const VALKEY: &str = "valkey-server";
/// A link is taken for broken after this time at least, in seconds: Redis's own default.
const REPLICATION_TIMEOUT_S: u64 = 60;

/// Redis and Valkey in the list of systems.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RedisKind;

impl SystemKind for RedisKind {
    fn name(&self) -> &'static str {
        NAME
    }

    fn read_settings(&self, fields: &mut Fields<'_>, problems: &mut Problems<'_>) -> SystemSettings {
        let path = format!("{}appendfsync", fields.path);
        let settings = RedisSettings::read_from(fields, RedisSettings::default(), problems);
        if !settings.appendonly && settings.appendfsync != AppendFsync::default() {
            let needs = "is only for servers that keep a log of all writes; set appendonly = true or leave it out";
            problems.add_at(&path, format!("{path} {needs}"));
        }
        SystemSettings::of(&settings)
    }

    fn configure(&self, experiment: &Experiment, misfits: &mut Misfits) -> Option<Arc<dyn System>> {
        let settings = misfits.settings_of(&experiment.system)?;
        Some(Arc::new(Redis { name: experiment.system.name.clone(), settings }))
    }

    fn presence(&self, settings: &SystemSettings) -> Presence {
        let settings: RedisSettings = settings.parse().unwrap_or_default();
        let program = settings.program.as_str();
        let missing = |what: String| Presence::Missing {
            what,
            advice: "install redis-server or valkey-server, or say in [system.redis] program where it is".to_owned(),
        };
        match ask_version(program, VERSION_LIMIT) {
            Err(error) => missing(format!("{program} cannot be started: {error}")),
            Ok(VersionAnswer::Silent) => {
                missing(format!("{program} --version has not ended within {} s", VERSION_LIMIT.as_secs()))
            }
            Ok(VersionAnswer::Ended { is_success, said }) => match version_of(&said) {
                Some((major, version)) if major >= OLDEST => Presence::Found(format!("{program} {version}")),
                Some((_, version)) => {
                    missing(format!("{program} is version {version}, and {OLDEST} is the oldest that works"))
                }
                // A script that adds arguments: Redis then takes `--version` for a setting, and refuses it.
                None if !is_success => Presence::Found(format!("{program}, which does not say its version")),
                None => missing(format!("{program} is no Redis server: --version says {}", first_line(&said))),
            },
        }
    }
}

/// What a program says first, in quotes.
fn first_line(said: &str) -> String {
    format!("{:?}", said.lines().next().unwrap_or_default())
}

/// The version in `Redis server v=7.0.15 sha=...`, and its first number.
fn version_of(said: &str) -> Option<(u64, String)> {
    let version = said.split_whitespace().find_map(|word| word.strip_prefix("v="))?;
    Some((version.split('.').next()?.parse().ok()?, version.to_owned()))
}

/// A leader and its replicas. Nothing outlives a server, unless `appendonly` is set.
#[derive(Debug)]
struct Redis {
    name: SystemName,
    settings: RedisSettings,
}

impl Redis {
    fn server(&self, node: NodeId, longest_delay: Duration) -> NodeSpec {
        // A replica that waits this long for a byte gives its leader up and starts over.
        let timeout_s = REPLICATION_TIMEOUT_S.max(longest_delay.as_secs().saturating_mul(10));
        let mut arguments: Vec<Text> = Vec::new();
        let mut set = |name: &str, value: Text| arguments.extend([Text::from(format!("--{name}")), value]);
        set("port", Text::new().place(Place::Port));
        set("bind", Text::new().place(Place::Host));
        set("protected-mode", Text::from("no"));
        set("save", Text::from(""));
        let RedisSettings { min_replicas_to_write, appendonly, appendfsync, .. } = &self.settings;
        set("appendonly", Text::from(if *appendonly { "yes" } else { "no" }));
        if *appendonly {
            set("appendfsync", Text::from(appendfsync.to_string()));
        }
        if let Some(number) = min_replicas_to_write {
            set("min-replicas-to-write", Text::from(number.to_string()));
        }
        set("dir", Text::new().place(if *appendonly { Place::Storage } else { Place::Folder }));
        // The log of a run is read by people: without the banner.
        set("always-show-logo", Text::from("no"));
        set("repl-diskless-sync", Text::from("yes"));
        set("repl-diskless-sync-delay", Text::from("0"));
        set("repl-timeout", Text::from(timeout_s.to_string()));
        if !node.is_leader() {
            arguments.extend([
                Text::from("--replicaof"),
                Text::new().place(Place::HostOf(NodeId::Leader)),
                Text::new().place(Place::PortOf(NodeId::Leader)),
            ]);
            // By this name the leader lists it.
            arguments.extend([Text::from("--replica-announce-ip"), Text::from(node.to_string())]);
        }
        NodeSpec {
            node,
            program: NodeProgram::Executable(self.settings.program.as_str().into()),
            arguments,
            environment: BTreeMap::new(),
            files: BTreeMap::new(),
            start_in: None,
            readiness: Readiness::Accepts,
            start_limit: START_LIMIT,
            lifecycle: Lifecycle { storage: appendonly.then_some(Storage::Disk), ..Lifecycle::default() },
        }
    }
}

impl System for Redis {
    fn name(&self) -> &str {
        self.name.as_str()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            trace: false,
            versions: false,
            reads: true,
            own_delays: false,
            quorum: QuorumControl::PerWrite,
            counts_leader: false,
            settles: Settling::Reported,
            restart: if self.settings.appendonly { RestartState::Durable } else { RestartState::Resync },
            ordered_log: true,
            append_log: false,
            acks_unseen: false,
        }
    }

    fn dialer(&self) -> Dialer {
        Dialer::Follower
    }

    fn nodes(&self, experiment: &Experiment, _: Quorum) -> Vec<NodeSpec> {
        let longest = longest_delay(experiment);
        NodeId::all(experiment.followers).map(|node| self.server(node, longest)).collect()
    }

    fn hosting(&self, _: &Experiment) -> Hosting {
        let server = if self.settings.program.as_str().ends_with(VALKEY) { VALKEY } else { "redis-server" };
        Hosting::from(ContainerSpec::Image(ImageSpec {
            image: self.settings.image.as_str().to_owned(),
            command: vec![server.to_owned()],
            port: PORT,
            storage: STORAGE,
            setting: format!("[system.{}] image", self.name),
        }))
    }

    fn connect(
        &self,
        endpoints: &Endpoints,
        experiment: &Experiment,
        quorum: Quorum,
        _: Clock,
    ) -> Result<Arc<dyn Session>, SessionError> {
        Ok(Arc::new(RedisSession::new(endpoints, experiment, quorum, longest_delay(experiment))))
    }

    fn connections_to_a_follower(&self, _: u64) -> u64 {
        // The link itself, and a second one while a replica is synchronised.
        2
    }

    fn failover(&self) -> Option<FailoverFacts> {
        Some(FailoverFacts {
            kind: FailoverKind::Promotion,
            none_lost_from: Some(1),
            documented:
                "Redis documents a best effort (WAIT, Consistency): W replicas have a write that was acknowledged, and \
                         it is lost if another one is promoted. A replica that has more of the log has all that comes \
                         before, so none is lost if the most advanced one is promoted, as here."
                    .to_owned(),
        })
    }

    fn remarks(&self) -> Vec<String> {
        self.settings.remarks()
    }

    fn limit_met(&self, log: &[u8]) -> Option<String> {
        let limits = [
            "Too many open files",
            "Out Of Memory",
            "Can't save in background: fork",
            "No space left on device",
            // Where only a part of an entry still fits on the disk, the system gives no reason.
            "Short write while writing to the AOF file",
        ];
        line_with(log, &limits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_found_in_what_the_program_prints() {
        let said = "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=ae4d7c971a948f0\n";
        assert_eq!(version_of(said), Some((7, "7.0.15".to_owned())));
        assert_eq!(version_of("Valkey server v=8.0.1 sha=0"), Some((8, "8.0.1".to_owned())));
        assert_eq!(version_of("bash: 1.0"), None);
    }

    #[test]
    fn a_limit_of_the_machine_is_found_in_the_log() {
        let redis = Redis { name: SystemName::default(), settings: RedisSettings::default() };
        assert_eq!(redis.limit_met(b"1:M * Ready to accept connections\n"), None);
        let log = b"1:M * Ready\n1:M # Accepting client connection: accept: Too many open files\n";
        assert_eq!(
            redis.limit_met(log).as_deref(),
            Some("1:M # Accepting client connection: accept: Too many open files")
        );
        let log = b"7:S # Short write while writing to the AOF file: (nwritten=105, expected=306)\n7:S # Exiting...\n";
        assert!(redis.limit_met(log).is_some_and(|line| line.starts_with("7:S # Short write")));
    }
}
