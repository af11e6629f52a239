//! PostgreSQL as a system under test, and what it lets be seen.

use std::sync::Arc;

use super::programs;
use super::server::{self, DATABASE, DATABASE_USER};
use super::session::PostgresSession;
use super::settings::{PostgresSettings, SynchronousCommit};
use crate::config::{Experiment, Fields, Misfits, Problems, SystemSettings};
use crate::model::{
    Capabilities, ContainerSpec, Dialer, Endpoints, FailoverFacts, FailoverKind, Hosting, ImageSpec, NodeId, NodeSpec,
    Quorum, QuorumControl, RestartState, Settling, SystemName,
};
use crate::system::Clock;
use crate::system::log_lines::line_with;
use crate::system::session::{Session, SessionError};
use crate::system::storage_medium::StorageMedium;
use crate::system::traits::{Presence, System, SystemKind};

/// The name of the kind.
const NAME: &str = "postgres";
/// The port of a server in a container.
const PORT: u16 = 5432;
/// Where images of PostgreSQL keep their databases, in a folder that belongs to their user.
const STORAGE: &str = "/var/lib/postgresql";

/// PostgreSQL in the list of systems.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PostgresKind;

impl SystemKind for PostgresKind {
    fn name(&self) -> &'static str {
        NAME
    }

    fn read_settings(&self, fields: &mut Fields<'_>, problems: &mut Problems<'_>) -> SystemSettings {
        SystemSettings::of(&PostgresSettings::read_from(fields, PostgresSettings::default(), problems))
    }

    fn configure(&self, experiment: &Experiment, misfits: &mut Misfits) -> Option<Arc<dyn System>> {
        let settings: PostgresSettings = misfits.settings_of(&experiment.system)?;
        settings.storage.check(experiment, misfits);
        Some(Arc::new(Postgres { name: experiment.system.name.clone(), settings }))
    }

    fn presence(&self, settings: &SystemSettings) -> Presence {
        programs::presence(&settings.parse().unwrap_or_default())
    }
}

/// A primary and its standbys.
#[derive(Debug)]
struct Postgres {
    name: SystemName,
    settings: PostgresSettings,
}

impl System for Postgres {
    fn name(&self) -> &str {
        self.name.as_str()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            trace: false,
            versions: false,
            reads: true,
            own_delays: false,
            quorum: QuorumControl::PerStart,
            counts_leader: false,
            settles: Settling::Reported,
            restart: RestartState::Durable,
            ordered_log: true,
            append_log: false,
            acks_unseen: self.settings.synchronous_commit != SynchronousCommit::RemoteApply,
        }
    }

    fn dialer(&self) -> Dialer {
        Dialer::Follower
    }

    fn nodes(&self, experiment: &Experiment, quorum: Quorum) -> Vec<NodeSpec> {
        NodeId::all(experiment.followers).map(|node| server::spec(node, &self.settings, experiment, quorum)).collect()
    }

    fn hosting(&self, _: &Experiment) -> Hosting {
        let image = ContainerSpec::Image(ImageSpec {
            image: self.settings.image.as_str().to_owned(),
            command: vec![programs::SERVER.to_owned()],
            port: PORT,
            storage: STORAGE,
            setting: format!("[system.{}] image", self.name),
        });
        self.settings.storage.hosting(image)
    }

    fn connect(
        &self,
        endpoints: &Endpoints,
        experiment: &Experiment,
        quorum: Quorum,
        _: Clock,
    ) -> Result<Arc<dyn Session>, SessionError> {
        Ok(Arc::new(PostgresSession::new(endpoints, experiment, quorum)))
    }

    fn examples(&self, endpoints: &Endpoints) -> Vec<String> {
        let psql = |address: &str, sql: &str| {
            let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
            format!("psql -h {host} -p {port} -U {DATABASE_USER} {DATABASE} -c \"{sql}\"")
        };
        let write = psql(&endpoints.leader, "INSERT INTO store VALUES ('a', 'b')");
        let read = endpoints.followers.first().map(|address| psql(address, "SELECT * FROM store"));
        std::iter::once(write).chain(read).collect()
    }

    fn connections_to_a_follower(&self, _: u64) -> u64 {
        // The link itself, and a second one while a standby connects anew.
        2
    }

    fn limit_met(&self, log: &[u8]) -> Option<String> {
        let limits = [
            "Too many open files",
            "No space left on device",
            "Cannot allocate memory",
            "out of memory",
            "could not fork",
            "Disk quota exceeded",
        ];
        line_with(log, &limits)
    }

    fn failover(&self) -> Option<FailoverFacts> {
        let waits = self.settings.synchronous_commit.waits_for_standbys();
        let documented = if waits {
            "PostgreSQL documents that a commit is not acknowledged before W standbys have received its record of the log \
             (Synchronous Replication). A standby that has more of the log has all that comes before, so none is lost if the \
             most advanced one is promoted, as here."
        } else {
            "With this `synchronous_commit` a commit waits for no standby, whatever W is."
        };
        let none_lost_from = waits.then_some(1);
        Some(FailoverFacts { kind: FailoverKind::Promotion, none_lost_from, documented: documented.to_owned() })
    }

    fn remarks(&self) -> Vec<String> {
        let fsync = "With `fsync = false` nothing is written to a disk before it is acknowledged: a machine that fails \
                     loses it, a process that is killed does not.";
        let commit = self.settings.synchronous_commit.sentence();
        let storage = match (self.settings.storage, self.settings.fsync) {
            (StorageMedium::Tmpfs, _) => Some(StorageMedium::IN_MEMORY),
            (StorageMedium::Disk, false) => Some(fsync),
            (StorageMedium::Disk, true) => None,
        };
        [Some(commit), storage].into_iter().flatten().map(str::to_owned).collect()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::config::{BackendChoice, SystemConfig};

    fn postgres(settings: PostgresSettings) -> Postgres {
        Postgres { name: SystemName::default(), settings }
    }

    #[test]
    fn a_limit_of_the_machine_is_found_in_the_log() {
        let postgres = postgres(PostgresSettings::default());
        assert_eq!(postgres.limit_met(b"LOG:  database system is ready to accept connections\n"), None);
        let line = "PANIC:  could not write to file \"pg_wal/xlogtemp.9\": No space left on device";
        assert_eq!(postgres.limit_met(format!("LOG:  works\n{line}\n").as_bytes()).as_deref(), Some(line));
    }

    #[test]
    fn what_weakens_an_acknowledgement_is_remarked() {
        let strong = postgres(PostgresSettings::default()).remarks();
        assert!(
            strong.len() == 1 && strong[0].contains("on its disk") || strong[0].contains("to its disk"),
            "{strong:?}"
        );
        let weak = PostgresSettings {
            synchronous_commit: super::super::settings::SynchronousCommit::Off,
            fsync: false,
            ..PostgresSettings::default()
        };
        let weak = postgres(weak).remarks();
        assert!(weak[0].ends_with("W does not hold.") && weak[1].starts_with("With `fsync = false`"), "{weak:?}");
    }

    #[test]
    fn databases_in_memory_are_for_local_processes() {
        let settings = PostgresSettings { storage: StorageMedium::Tmpfs, ..PostgresSettings::default() };
        let kind = SystemName::try_from(NAME.to_owned()).unwrap();
        let system = SystemConfig { name: kind.clone(), kind, settings: SystemSettings::of(&settings) };
        let on = |backend| {
            let experiment = Experiment { system: system.clone(), backend, ..Experiment::default() };
            let mut misfits = Misfits::default();
            let hosting = PostgresKind.configure(&experiment, &mut misfits).unwrap().hosting(&experiment);
            assert_eq!(hosting, Hosting::Started { processes: true, containers: None });
            misfits.into_vec()
        };
        assert_eq!(on(BackendChoice::Process), []);
        assert_eq!(on(BackendChoice::Compose)[0].key, "system.storage");
    }
}
