//! Why a cluster could not be started, asked or stopped.

use std::io;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use super::docker::advice;
use crate::programs::NoProgram;

/// Why a cluster could not be started, asked or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// A command could not be started at all.
    #[error("cannot run `{command}`: {source}")]
    Spawn {
        /// The command line.
        command: String,
        /// Why not.
        source: io::Error,
    },
    /// There is no place for a temporary file.
    #[error(
        "cannot make a temporary file in {}: {source}; set TMPDIR to a folder that can be written",
        .folder.display()
    )]
    Temporary {
        /// Where it was to be.
        folder: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A command ended badly.
    #[error("`{command}` failed ({status}){}{}", indented(.stderr), indented(advice(.stderr)))]
    Failed {
        /// The command line.
        command: String,
        /// `exit status 1`, `killed by signal 9`.
        status: String,
        /// What it printed, its last lines.
        stderr: String,
    },
    /// A command did not end in time and was killed.
    #[error("`{command}` did not end within {} s and was killed{}", .limit.as_secs(), indented(.stderr))]
    Deadline {
        /// The command line.
        command: String,
        /// How long it had.
        limit: Duration,
        /// What it printed, its last lines.
        stderr: String,
    },
    /// A node did not start, or not in time.
    #[error("{node}: {reason}{}", indented(.log))]
    Node {
        /// Which one.
        node: String,
        /// What was seen.
        reason: String,
        /// The last lines of its log.
        log: String,
    },
    /// A node could not have its port.
    #[error("{node}: another program listens on its port, {address}{}", indented(.log))]
    PortTaken {
        /// Which node.
        node: String,
        /// The port, with its address.
        address: SocketAddr,
        /// The last lines of the node's log.
        log: String,
    },
    /// An image is not on this machine and cannot be pulled.
    #[error("{found}; {advice}")]
    NoImage {
        /// Which image, and why it cannot be pulled.
        found: String,
        /// What to do instead.
        advice: String,
    },
    /// A program is missing.
    #[error(transparent)]
    Program(#[from] NoProgram),
    /// Something about this machine or checkout is missing; the message says what to do.
    #[error("{0}")]
    Setup(String),
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
}

/// How many of a node's last lines an error shows.
const LOG_LINES: usize = 8;

impl ClusterError {
    /// A temporary file or folder could not be made.
    #[must_use]
    pub fn temporary(source: io::Error) -> Self {
        Self::Temporary { folder: std::env::temp_dir(), source }
    }

    /// The folder in which labctl runs cannot be told.
    pub(super) fn no_current_folder(error: &io::Error) -> Self {
        Self::Setup(format!("cannot tell in which folder labctl runs: {error}"))
    }

    /// What is wrong with a node, with the end of its log.
    #[must_use]
    pub fn of_node(node: &str, reason: impl Into<String>, log: &[u8]) -> Self {
        let log = last_lines(log);
        Self::Node { node: node.to_owned(), reason: reason.into(), log }
    }
}

/// The last lines of a log.
pub(super) fn last_lines(log: &[u8]) -> String {
    let text = String::from_utf8_lossy(log);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
}

/// Each line of a text that is not blank, indented, after a line break.
fn indented(text: &str) -> String {
    text.lines().filter(|line| !line.trim().is_empty()).map(|line| format!("\n    {line}")).collect()
}

/// How a process ended, in words.
pub(super) fn status_text(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("killed by signal {signal}"),
        (None, None) => status.to_string(),
    }
}
