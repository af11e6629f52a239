//! `[system.NAME]` of kind `redis`.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::config::{Fields, Problems, choice, is_default, settings};
use crate::model::Quorum;
use crate::system::named::Named;

settings! {
    /// Where the servers come from, when they refuse writes, and what they keep on their disks.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub(super) struct RedisSettings {
        /// The server's program for local processes: a name on the path, or a path.
        program: Named = Named::new("redis-server");
        /// The server's image for containers.
        image: Named = Named::new("redis:7");
        /// How many replicas the leader must have heard of within 10 s to take a write. `None`: it takes writes without any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        min_replicas_to_write: Option<Quorum> = None, read_by read_number;
        /// Whether servers keep a log of all writes, from which they start again.
        #[serde(default, skip_serializing_if = "is_default")]
        appendonly: bool = false;
        /// When servers have the machine write that log to its disk.
        #[serde(default, skip_serializing_if = "is_default")]
        appendfsync: AppendFsync = AppendFsync::Everysec;
    }
}

/// Reads a number that may be left out.
fn read_number(
    fields: &mut Fields<'_>,
    key: &'static str,
    default: Option<Quorum>,
    problems: &mut Problems<'_>,
) -> Option<Quorum> {
    fields.optional(key, problems).value.or(default)
}

/// When the log of all writes is written to the disk: Redis's own setting of this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub(super) enum AppendFsync {
    /// Before a write is answered.
    Always,
    /// Once a second.
    #[default]
    Everysec,
    /// When the machine decides.
    No,
}
choice!(AppendFsync);

impl RedisSettings {
    /// The settings that decide what an acknowledgement means, as sentences for readers of the report.
    pub(super) fn remarks(&self) -> Vec<String> {
        let min_replicas = self.min_replicas_to_write.map(|number| {
            format!(
                "With `min-replicas-to-write {number}` the leader refuses a write while it has heard of fewer than {number} \
                 of its replicas within 10 s."
            )
        });
        let kept = self.appendonly.then(|| {
            let when = match self.appendfsync {
                AppendFsync::Always => "and has it on its disk then: a machine that fails loses nothing of that",
                AppendFsync::Everysec => {
                    "and on its disk within a second: a process that is killed loses nothing of that, a machine that fails \
                     may lose the last second"
                }
                AppendFsync::No => {
                    "and on its disk when the machine decides: a process that is killed loses nothing of that, a machine \
                     that fails may lose more than a second"
                }
            };
            format!(
                "With `appendonly yes` and `appendfsync {}` a server has a write in its own log before it answers, {when}.",
                self.appendfsync
            )
        });
        min_replicas.into_iter().chain(kept).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SystemSettings;

    #[test]
    fn settings_that_are_left_out_are_in_no_manifest_and_need_no_words() {
        let default = RedisSettings::default();
        let kept = serde_json::json!({ "program": "redis-server", "image": "redis:7" });
        assert_eq!(SystemSettings::of(&default), SystemSettings::of(&kept));
        assert_eq!(default.remarks(), [""; 0]);
    }

    #[test]
    fn what_an_acknowledgement_means_is_said() {
        let settings = |appendfsync| RedisSettings {
            min_replicas_to_write: Some(Quorum::constant(2)),
            appendonly: true,
            appendfsync,
            ..RedisSettings::default()
        };
        let said = settings(AppendFsync::Always).remarks().join(" ");
        assert!(said.starts_with("With `min-replicas-to-write 2` the leader refuses a write"), "{said}");
        assert!(said.contains("`appendfsync always`") && said.ends_with("loses nothing of that."), "{said}");
        assert!(settings(AppendFsync::Everysec).remarks()[1].ends_with("may lose the last second."));
        assert!(settings(AppendFsync::No).remarks()[1].contains("`appendfsync no`"));
    }
}
