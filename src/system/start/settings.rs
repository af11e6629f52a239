//! `[system.NAME.start]`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use toml::de::DeTable;

use super::command::NodeCommand;
use super::compose::ComposeStart;
use super::follower_list::FollowerList;
use super::urls::RunningNodes;
use crate::config::{Fields, Problems, Setting, Timeout, is_default, settings};

settings! {
    /// How nodes start, and how they are told of each other.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub(crate) struct StartSettings {
        /// The command that runs one node as a local process.
        #[serde(default, skip_serializing_if = "is_default")]
        command: NodeCommand = NodeCommand::default();
        /// The folder in which the command runs, from the folder of experiments.toml.
        #[serde(default, skip_serializing_if = "is_default")]
        folder: PathBuf = PathBuf::new();
        /// The Compose file of which the nodes are services.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        compose: Option<ComposeStart> = None;
        /// Where nodes run already.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        urls: Option<RunningNodes> = None;
        /// The form of `{followers}`.
        #[serde(default, skip_serializing_if = "is_default")]
        follower_list: FollowerList = FollowerList::default();
        /// How long a node may take until it listens and answers.
        start_limit_s: Timeout = START_LIMIT;
    }
}

const START_LIMIT: Timeout = Timeout::constant(30.0);

/// What a table must have.
const WAYS: &str = "command (starts one node), compose (a Compose file of which the nodes are services), or urls (of \
                    nodes that run already)";

impl StartSettings {
    /// How long the nodes may take until they answer.
    pub(in crate::system) fn start_limit(&self) -> std::time::Duration {
        self.start_limit_s.duration()
    }

    /// Whether anything says how nodes start.
    pub(in crate::system) fn is_given(&self) -> bool {
        self.command.is_given() || self.compose.is_some() || self.urls.is_some()
    }

    /// Reads the table, which must be there.
    pub(in crate::system) fn required(
        fields: &mut Fields<'_>,
        key: &'static str,
        _: Self,
        problems: &mut Problems<'_>,
    ) -> Self {
        if !fields.table.contains_key(key) {
            let message = format!("{}{key} is missing; it must be a table that has {WAYS}", fields.path);
            problems.add(fields.span.clone(), message);
        }
        Self::optional(fields, key, Self::default(), problems)
    }

    /// Reads the table, which may be left out.
    pub(in crate::system) fn optional(
        fields: &mut Fields<'_>,
        key: &'static str,
        default: Self,
        problems: &mut Problems<'_>,
    ) -> Self {
        let path = format!("{}{key}", fields.path);
        if let Some(value) = fields.table.get(key)
            && let Some(table) = value.get_ref().as_table()
        {
            check_keys(table, &path, &value.span(), problems);
        }
        Self::read(fields, key, default, problems)
    }
}

/// Reports keys of which one is missing, or that do not go together.
fn check_keys(table: &DeTable<'_>, path: &str, span: &std::ops::Range<usize>, problems: &mut Problems<'_>) {
    let has = |key: &str| table.contains_key(key);
    if !["command", "compose", "urls"].iter().any(|way| has(way)) {
        problems.add(span.clone(), format!("{path} must have {WAYS}"));
    }
    let aside = ["command", "compose"].into_iter().find(|way| has(way));
    if let (Some((urls, _)), Some(other)) = (table.get_key_value("urls"), aside) {
        let message = format!("{path}.urls are of nodes that run already: leave out either urls or {other}");
        problems.add(urls.span(), message);
    }
    if let Some((folder, _)) = table.get_key_value("folder").filter(|_| !has("command")) {
        problems.add(folder.span(), format!("{path}.folder is where the command runs, and there is no command"));
    }
}
