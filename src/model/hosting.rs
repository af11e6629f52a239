//! Where the nodes of a system can run.

use std::fmt;

use super::container_spec::ContainerSpec;
use super::node_spec::Endpoints;

/// As what a backend runs nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunsAs {
    /// In containers.
    Containers,
    /// As processes of this machine.
    Processes,
    /// As code of labctl, in virtual time.
    VirtualTime,
}

impl fmt::Display for RunsAs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Containers => "in containers",
            Self::Processes => "as local processes",
            Self::VirtualTime => "in virtual time",
        })
    }
}

/// Where the nodes of a system can run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hosting {
    /// Where labctl starts them.
    Started {
        /// Whether as local processes.
        processes: bool,
        /// How in containers. `None` if they cannot.
        containers: Option<ContainerSpec>,
    },
    /// Where they run already: labctl starts and stops nothing.
    Running(Endpoints),
}

impl From<ContainerSpec> for Hosting {
    /// As local processes, and in containers.
    fn from(containers: ContainerSpec) -> Self {
        Self::Started { processes: true, containers: Some(containers) }
    }
}
