//! What a node needs beyond its program: preparation, durable storage, a user, a way to end.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::accepted::one_of;
use super::text::Text;

/// What a node needs from its first start to its end. The default is what most nodes need: nothing, and SIGTERM.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lifecycle {
    /// Commands that run one after the other before the node's program starts for the first time. A node that has any
    /// has [`Self::storage`] too, which tells whether they have run.
    pub setup: Vec<SetupStep>,
    /// Its durable folder, [`Place::Storage`](super::Place::Storage). `None` if it needs none.
    pub storage: Option<Storage>,
    /// Who runs it, if it refuses to run as root. `None`: labctl's own user, or that of the image.
    pub user: Option<NodeUser>,
    /// How it is asked to end.
    pub stop: StopRequest,
}

/// Who runs a node in containers, and on local processes where labctl is root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeUser {
    /// The user's name.
    pub name: String,
    /// Whether a labctl that is not root, and so cannot change the user, may not run the node as its own.
    pub is_required: bool,
}

/// A command that prepares a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetupStep {
    /// The program; in a container its file name, which is looked up on the image's path.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<Text>,
    /// The file in the node's own folder that it reads as its standard input. `None` if it reads nothing.
    pub input: Option<String>,
    /// Whether it is tried until it succeeds, as one that needs another node which may still be starting. The time that
    /// the node may take to start limits it.
    pub is_retried: bool,
}

/// Where a node's durable folder is. What lies in it is there again after the node was killed, and goes when the run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// On local processes in the folder for temporary files; in containers in a volume.
    Disk,
    /// In memory: in a folder of `/dev/shm`, on local processes only.
    Memory,
}

/// How a node is asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StopRequest {
    /// The signal that its program gets.
    pub signal: StopSignal,
    /// How long it may take until it is killed, in whole seconds.
    pub limit: Duration,
}

impl Default for StopRequest {
    fn default() -> Self {
        Self { signal: StopSignal::Terminate, limit: Duration::from_secs(2) }
    }
}

/// A signal that asks a program to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopSignal {
    /// SIGTERM.
    Terminate,
    /// SIGINT.
    Interrupt,
}

impl StopSignal {
    const ALL: [Self; 2] = [Self::Terminate, Self::Interrupt];

    /// `SIGTERM` or `SIGINT`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "SIGINT",
        }
    }
}

impl fmt::Display for StopSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for StopSignal {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|signal| signal.name() == name);
        found.ok_or_else(|| format!("a signal must be {}, not {name:?}", one_of(&Self::ALL.map(Self::name))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_read_by_its_name() {
        for signal in StopSignal::ALL {
            assert_eq!(signal.to_string().parse(), Ok(signal));
        }
        assert!("TERM".parse::<StopSignal>().is_err());
    }
}
