//! Foreign nodes of the tests: shell scripts, and the processes that they leave behind.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use labctl::cluster::{ClusterSpec, ProcessCluster};
use labctl::config::Experiment;
use labctl::model::{Dialer, Lifecycle, NodeId, NodeProgram, NodeSpec, Place, Readiness, Text};
use tempfile::TempDir;

/// Longer than anything in a test takes that is not meant to be awaited.
pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) const LEADER: NodeId = NodeId::Leader;
pub(crate) const F1: NodeId = NodeId::Follower(0);

/// The lab's node on the address of the first argument, as a program that knows nothing of labctl.
const LISTEN: &str = r#"ROLE=follower LISTEN_ADDR="$1" exec "$LABCTL" node"#;

/// Starts processes of every kind of descent, each of which ignores SIGTERM and has the marker among
/// its arguments: a child, one in a new session, and a double fork in a new session. Then the node itself.
pub(crate) const SPREADS: &str = r#"
    trap '' TERM
    lives='trap "" TERM HUP INT; echo "$0 lives"; while :; do sleep 0.05; done'
    sh -c "$lives" child "$MARKER" &
    setsid sh -c "$lives" session "$MARKER" &
    (LIVES="$lives" setsid sh -c '(setsid sh -c "$LIVES" daemon "$MARKER" &) &' &)
"#;

/// A folder for scripts, with a marker that no other process has among its arguments.
pub(crate) struct Scripts {
    folder: PathBuf,
    /// Removes the folder, unless it is another process's.
    _owned: Option<TempDir>,
}

impl Scripts {
    pub(crate) fn new() -> Self {
        let owned = tempfile::tempdir().unwrap();
        Self { folder: owned.path().to_owned(), _owned: Some(owned) }
    }

    /// The scripts of another process.
    pub(crate) fn at(folder: PathBuf) -> Self {
        Self { folder, _owned: None }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn marker(&self) -> String {
        self.path("marker").to_str().unwrap().to_owned()
    }

    /// An executable script.
    pub(crate) fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// A node that runs this script with its address as first argument.
    pub(crate) fn node(&self, node: NodeId, text: &str) -> NodeSpec {
        // Through the shell: a script that was just written may still be open in a process that another
        // test is starting, and cannot be executed as long as it is.
        let script = self.script(&node.to_string(), text);
        let variables = [("LABCTL", env!("CARGO_BIN_EXE_labctl")), ("MARKER", &self.marker())];
        NodeSpec {
            node,
            program: NodeProgram::Executable("sh".into()),
            arguments: vec![
                Text::from(script.to_str().unwrap()),
                Text::new().place(Place::Host).text(":").place(Place::Port),
            ],
            environment: variables.map(|(name, value)| (name.to_owned(), Text::from(value))).into(),
            files: BTreeMap::new(),
            start_in: None,
            readiness: Readiness::Accepts,
            start_limit: LONG,
            lifecycle: Lifecycle::default(),
        }
    }

    /// A node that listens once it has done what this script says.
    pub(crate) fn listening(&self, node: NodeId, before: &str) -> NodeSpec {
        self.node(node, &format!("{before}\n{LISTEN}"))
    }

    /// Processes that have the marker among their arguments.
    pub(crate) fn marked(&self) -> Vec<PathBuf> {
        let marker = self.marker();
        let has_marker = |process: &PathBuf| {
            let arguments = fs::read(process.join("cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&arguments).split('\0').any(|argument| argument == marker)
        };
        let processes = fs::read_dir("/proc").unwrap().flatten().map(|process| process.path());
        processes.filter(has_marker).collect()
    }

    /// Waits until this number of processes have the marker among their arguments.
    pub(crate) fn await_marked(&self, count: usize) {
        await_that(&format!("{count} marked processes"), || self.marked().len() == count);
    }
}

/// A cluster of these nodes whose followers connect to the leader.
pub(crate) fn cluster(nodes: Vec<NodeSpec>, own_delays: bool) -> ProcessCluster {
    let experiment = Experiment { followers: 1.try_into().unwrap(), ..Experiment::default() };
    let (name, quorum) = ("foreign".parse().unwrap(), 1.try_into().unwrap());
    let spec = ClusterSpec::new(&name, &experiment, quorum, nodes, Dialer::Follower, own_delays);
    ProcessCluster::new(spec, Path::new(env!("CARGO_BIN_EXE_labctl")), None)
}

pub(crate) fn await_that(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < LONG, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// The state of a process: `S`, `T`, ... (proc_pid_stat(5)).
pub(crate) fn state(process: &Path) -> Option<char> {
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    stat.rsplit_once(')')?.1.trim_start().chars().next()
}
