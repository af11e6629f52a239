//! One server as a node: its settings, and how its database comes about.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::programs::{self, ASK_WHETHER_READY, COPY_DATABASE, MAKE_DATABASE, SERVER};
use super::settings::PostgresSettings;
use crate::config::Experiment;
use crate::model::{
    Lifecycle, NodeId, NodeProgram, NodeSpec, NodeUser, Place, Quorum, Readiness, SetupStep, StopRequest, StopSignal,
    Text,
};
use crate::system::delays::longest_delay;

/// The database user of labctl and of standbys: it may replicate and look at statistics, and is no superuser, who could
/// run programs on this machine. Superusers cannot connect.
pub(super) const DATABASE_USER: &str = "labctl";
/// The database in which the table is.
pub(super) const DATABASE: &str = "postgres";

/// The user who runs servers in containers, and where labctl is root.
const USER: &str = "postgres";
/// How long a server may take until it listens: on a slow disk its database has to be made first.
const START_LIMIT: Duration = Duration::from_mins(2);
/// How long a fast shutdown may take, beside what a standby may still be sent.
const STOP_LIMIT: Duration = Duration::from_secs(10);
/// A link is taken for broken after this time at least, in seconds: PostgreSQL's own default.
const REPLICATION_TIMEOUT_S: u64 = 60;
/// Connections beside those of writes: questions, statistics, and those that PostgreSQL keeps for superusers.
const SPARE_CONNECTIONS: u32 = 50;
/// Connections of given up writes that stay open in the server, at most. Each waits there for its quorum.
const MAX_GIVEN_UP: u32 = 1_000;

/// Who may connect.
const HBA_FILE: &str = "hba.conf";
/// What a new database is told, in the server's single-user mode: a command in each line.
const SQL_FILE: &str = "first.sql";

/// The server of a node.
pub(super) fn spec(node: NodeId, settings: &PostgresSettings, experiment: &Experiment, quorum: Quorum) -> NodeSpec {
    let longest_s = longest_delay(experiment).as_secs();
    let program = program(settings, SERVER);
    let mut arguments = vec![Text::from("-D"), data()];
    for (name, value) in server_settings(node, settings, experiment, quorum) {
        arguments.extend([Text::from("-c"), Text::joined([Text::from(format!("{name}=")), value], "")]);
    }
    let user = settings.run_as.as_ref().map_or(USER, |user| user.as_str()).to_owned();
    NodeSpec {
        node,
        program: NodeProgram::Executable(program),
        arguments,
        environment: BTreeMap::new(),
        files: files(),
        start_in: None,
        readiness: Readiness::Accepts,
        start_limit: START_LIMIT,
        lifecycle: Lifecycle {
            setup: if node.is_leader() { make_database(settings) } else { copy_database(settings) },
            storage: Some(settings.storage.storage()),
            user: Some(NodeUser { name: user, is_required: settings.run_as.is_some() }),
            // SIGINT is a fast shutdown: it ends connections, and does not wait for clients to close them.
            stop: StopRequest {
                signal: StopSignal::Interrupt,
                limit: STOP_LIMIT + Duration::from_secs(longest_s.saturating_mul(4)),
            },
        },
    }
}

/// A program of PostgreSQL by its path; by its name where none is installed, which only containers do with.
fn program(settings: &PostgresSettings, name: &str) -> PathBuf {
    programs::folder(settings).map_or_else(|| name.into(), |folder| folder.join(name))
}

/// The folder of a server's database.
fn data() -> Text {
    Text::new().place(Place::Storage).text("/data")
}

/// Files of each server. Whoever reaches its port is let in, without a password, as no superuser.
fn files() -> BTreeMap<String, Text> {
    let hba = format!("host all {DATABASE_USER} all trust\nhost replication {DATABASE_USER} all trust\n");
    let sql = [
        format!("CREATE ROLE {DATABASE_USER} LOGIN REPLICATION;"),
        format!("GRANT pg_monitor TO {DATABASE_USER};"),
        format!("GRANT EXECUTE ON FUNCTION pg_promote(boolean, integer) TO {DATABASE_USER};"),
        "CREATE TABLE store (key text PRIMARY KEY, value text NOT NULL);".to_owned(),
        format!("ALTER TABLE store OWNER TO {DATABASE_USER};\n"),
    ];
    [(HBA_FILE, hba), (SQL_FILE, sql.join("\n"))].map(|(name, text)| (name.to_owned(), Text::from(text))).into()
}

/// The settings of a server. All others have the defaults of its version.
fn server_settings(
    node: NodeId,
    settings: &PostgresSettings,
    experiment: &Experiment,
    quorum: Quorum,
) -> Vec<(&'static str, Text)> {
    let workload = &experiment.workload;
    let connections = workload.concurrency.get() + workload.writes.get().min(MAX_GIVEN_UP) + SPARE_CONNECTIONS;
    let senders = experiment.followers.get() * 2 + 4;
    let timeout_s = REPLICATION_TIMEOUT_S.max(longest_delay(experiment).as_secs().saturating_mul(10));
    let on_or_off = |is_on: bool| if is_on { "on" } else { "off" };
    let mut all = vec![
        ("listen_addresses", Text::new().place(Place::Host)),
        ("port", Text::new().place(Place::Port)),
        ("unix_socket_directories", Text::new()),
        ("hba_file", Text::new().place(Place::Folder).text(format!("/{HBA_FILE}"))),
        ("cluster_name", Text::from(node.to_string())),
        ("max_connections", Text::from(connections.to_string())),
        ("max_wal_senders", Text::from(senders.to_string())),
        // A standby that was away finds all that it lacks.
        ("wal_keep_size", Text::from("1GB")),
        ("wal_sender_timeout", Text::from(format!("{timeout_s}s"))),
        ("wal_receiver_timeout", Text::from(format!("{timeout_s}s"))),
        // Its leader tells by that whether a standby can be reached.
        ("wal_receiver_status_interval", Text::from("1s")),
        ("wal_retrieve_retry_interval", Text::from("100ms")),
        ("synchronous_commit", Text::from(settings.synchronous_commit.to_string())),
        ("fsync", Text::from(on_or_off(settings.fsync))),
        // Files in the folder of the database, which goes with the run: what lies in /dev/shm would outlive SIGKILL.
        ("dynamic_shared_memory_type", Text::from("mmap")),
        ("lc_messages", Text::from("C")),
    ];
    if node.is_leader() {
        all.push(("synchronous_standby_names", Text::from(synchronous_standbys(experiment, quorum))));
    } else {
        let leader = Text::from("host=").place(Place::HostOf(NodeId::Leader));
        let leader = leader.text(" port=").place(Place::PortOf(NodeId::Leader));
        let own = format!(" user={DATABASE_USER} application_name={node} sslmode=disable gssencmode=disable");
        all.push(("primary_conninfo", leader.text(own)));
    }
    all
}

/// Any W of the standbys, by the names that they give themselves; at W = 0 none.
fn synchronous_standbys(experiment: &Experiment, quorum: Quorum) -> String {
    let names: Vec<String> = NodeId::followers(experiment.followers).map(|node| node.to_string()).collect();
    if quorum.get() == 0 { String::new() } else { format!("ANY {quorum} ({})", names.join(", ")) }
}

/// Makes a primary's database, and in it the table and the user who may connect.
fn make_database(settings: &PostgresSettings) -> Vec<SetupStep> {
    let words = |words: &[&str]| words.iter().map(|word| Text::from(*word)).collect::<Vec<Text>>();
    let mut make = words(&["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]);
    // Small pieces of the log: a base backup fetches the whole of the last one.
    make.extend([Text::from("--wal-segsize=1"), Text::from("-D"), data()]);
    let mut tell = words(&["--single", "-D"]);
    tell.extend([data(), Text::from(DATABASE)]);
    let step = |name: &str, arguments: Vec<Text>, input: Option<&str>| SetupStep {
        program: program(settings, name),
        arguments,
        input: input.map(str::to_owned),
        is_retried: false,
    };
    vec![step(MAKE_DATABASE, make, None), step(SERVER, tell, Some(SQL_FILE))]
}

/// Copies the primary's database past the proxies, once the primary takes connections. What then fails would fail again.
fn copy_database(settings: &PostgresSettings) -> Vec<SetupStep> {
    let primary = [
        Text::from("--host=").place(Place::DirectHostOf(NodeId::Leader)),
        Text::from("--port=").place(Place::DirectPortOf(NodeId::Leader)),
        Text::from(format!("--username={DATABASE_USER}")),
    ];
    let words =
        ["--no-password", "--write-recovery-conf", "--checkpoint=fast", "--wal-method=fetch", "--no-sync", "-D"];
    let copy = primary.iter().cloned().chain(words.map(Text::from)).chain([data()]).collect();
    let step = |name: &str, arguments: Vec<Text>, is_retried: bool| SetupStep {
        program: program(settings, name),
        arguments,
        input: None,
        is_retried,
    };
    vec![step(ASK_WHETHER_READY, primary.into(), true), step(COPY_DATABASE, copy, false)]
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn a_commit_waits_for_any_w_of_the_standbys() {
        let experiment = Experiment { followers: 3.try_into().unwrap(), ..Experiment::default() };
        assert_eq!(synchronous_standbys(&experiment, Quorum::constant(2)), "ANY 2 (f1, f2, f3)");
        assert_eq!(synchronous_standbys(&experiment, Quorum::constant(0)), "");
    }

    #[test]
    fn a_standby_fetches_the_log_through_its_proxy_and_the_copy_past_it() {
        let spec = spec(NodeId::Follower(0), &PostgresSettings::default(), &Experiment::default(), Quorum::constant(1));
        let fill = |text: &Text| {
            text.fill(|place| match place {
                Place::PortOf(NodeId::Leader) => "9001".to_owned(),
                Place::DirectPortOf(NodeId::Leader) => "5432".to_owned(),
                Place::Storage => "/s".to_owned(),
                _ => "h".to_owned(),
            })
        };
        let arguments: Vec<String> = spec.arguments.iter().map(fill).collect();
        let conninfo = arguments.iter().find(|argument| argument.starts_with("primary_conninfo=")).unwrap();
        assert!(
            conninfo.starts_with("primary_conninfo=host=h port=9001 user=labctl application_name=f1 "),
            "{conninfo}"
        );
        assert_eq!(arguments[..2], ["-D", "/s/data"]);
        let copy: Vec<String> = spec.lifecycle.setup[1].arguments.iter().map(fill).collect();
        assert!(copy.contains(&"--port=5432".to_owned()), "{copy:?}");
    }
}
