//! `[system.NAME]` of kind `postgres`.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::config::{Fields, Problems, choice, settings};
use crate::system::named::Named;
use crate::system::storage_medium::StorageMedium;

settings! {
    /// Where the servers come from, and what they do before they acknowledge a commit.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub(super) struct PostgresSettings {
        /// The folder of the programs for local processes. `None`: that of the newest version that is installed.
        programs: Option<Named> = None, read_by read_name;
        /// The servers' image for containers.
        image: Named = Named::new("postgres:17");
        /// What a commit waits for.
        synchronous_commit: SynchronousCommit = SynchronousCommit::On;
        /// Where the databases lie.
        storage: StorageMedium = StorageMedium::Disk;
        /// Whether servers have the machine write to its disk what they promise to keep.
        fsync: bool = true;
        /// Who runs the servers, which refuse to run as root. `None`: `postgres` in containers and where labctl is root,
        /// otherwise whoever runs labctl.
        run_as: Option<Named> = None, read_by read_name;
    }
}

/// Reads a name that may be left out.
fn read_name(
    fields: &mut Fields<'_>,
    key: &'static str,
    default: Option<Named>,
    problems: &mut Problems<'_>,
) -> Option<Named> {
    fields.optional(key, problems).value.or(default)
}

/// What a commit waits for: PostgreSQL's own setting of this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub(super) enum SynchronousCommit {
    /// Nothing: not even that the primary has written it to its disk.
    Off,
    /// That the primary has written it to its disk.
    Local,
    /// That W standbys have received it too.
    RemoteWrite,
    /// That W standbys have written it to their disks too.
    On,
    /// That W standbys show it to those who read there.
    RemoteApply,
}
choice!(SynchronousCommit);

impl SynchronousCommit {
    /// Whether a commit waits for W standbys.
    pub(super) const fn waits_for_standbys(self) -> bool {
        !matches!(self, Self::Off | Self::Local)
    }

    /// What an acknowledged write has, as a sentence for readers of the report.
    pub(super) const fn sentence(self) -> &'static str {
        match self {
            Self::Off => {
                "With `synchronous_commit = off` a write is acknowledged before the leader has written it to its disk, and \
                 waits for no follower: W does not hold."
            }
            Self::Local => {
                "With `synchronous_commit = local` a write is acknowledged once the leader has written it to its disk, and \
                 waits for no follower: W does not hold."
            }
            Self::RemoteWrite => {
                "With `synchronous_commit = remote_write` a follower acknowledges a write that it has received, and may not \
                 have written to its disk yet."
            }
            Self::On => {
                "With `synchronous_commit = on` a follower acknowledges a write that it has written to its disk, and may \
                 not show to readers yet."
            }
            Self::RemoteApply => {
                "With `synchronous_commit = remote_apply` a follower acknowledges a write that it shows to readers."
            }
        }
    }
}
