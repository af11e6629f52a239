//! Where databases keep what outlives a server: a setting of systems that write it somewhere.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::config::{BackendChoice, Experiment, Misfits, choice};
use crate::model::{ContainerSpec, Hosting, Storage};

/// Where the databases lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub(crate) enum StorageMedium {
    /// In the folder for temporary files, or in a volume of the Docker engine.
    Disk,
    /// In memory.
    Tmpfs,
}
choice!(StorageMedium);

impl StorageMedium {
    /// What readers of the report have to know of databases that are not on a disk.
    pub(crate) const IN_MEMORY: &str =
        "Databases lie in memory: a machine that fails loses them, a process that is killed does not.";

    /// The durable folder of a node.
    pub(crate) const fn storage(self) -> Storage {
        match self {
            Self::Disk => Storage::Disk,
            Self::Tmpfs => Storage::Memory,
        }
    }

    /// Reports containers that are to keep something in memory.
    pub(crate) fn check(self, experiment: &Experiment, misfits: &mut Misfits) {
        if self == Self::Tmpfs && experiment.backend == BackendChoice::Compose {
            let why = "in a container nothing in memory outlives a server that is killed";
            misfits.add(
                "system.storage",
                format!("{why}; storage must be \"disk\" or left out where backend is \"compose\", not \"tmpfs\""),
            );
        }
    }

    /// Where nodes can run that keep something here, which in containers run as `containers` says.
    pub(crate) fn hosting(self, containers: ContainerSpec) -> Hosting {
        Hosting::Started { processes: true, containers: (self == Self::Disk).then_some(containers) }
    }
}
