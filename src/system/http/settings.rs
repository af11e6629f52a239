//! `[system.NAME]` of kind `http`.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::exchange::Exchange;
use super::rules::{DumpRules, Preparation, ReadRules, WriteRules};
use crate::config::{Timeout, choice};
use crate::model::{QuorumControl, RestartState};
use crate::system::delays::DelaysBy;
use crate::system::start::{Environment, StartSettings};

/// How a system starts, and how to talk to it over HTTP.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct HttpSettings {
    /// Whose interface fills in what the table leaves out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) preset: Option<Preset>,
    /// How W is set.
    pub(super) quorum: QuorumControl,
    /// Whether the system's own number counts the leader: it is then told one more than W.
    pub(super) counts_leader: bool,
    /// Who injects the delays of the network.
    pub(super) delays: DelaysBy,
    /// What its state is.
    pub(super) state: State,
    /// What a node that was killed has when it comes back.
    pub(super) restart: RestartState,
    /// How long dumps must stay equal until the run counts as settled. `None`: a second more than the longest delay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) settle_quiet_s: Option<Timeout>,
    /// How nodes start.
    pub(super) start: StartSettings,
    /// Variables of a node.
    pub(super) environment: Environment,
    /// One write, to the leader.
    pub(super) write: WriteRules,
    /// One read, from any node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) read: Option<ReadRules>,
    /// Everything that a node holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) dump: Option<DumpRules>,
    /// Whether a node takes requests. `None`: whatever `GET /` answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ready: Option<Exchange>,
    /// Sets W before the load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) set_quorum: Option<Preparation>,
    /// Empties nodes before the load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reset: Option<Preparation>,
}

/// Whose interface fills in what a table leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub(super) enum Preset {
    /// That of the lab as written.
    Lab,
}
choice!(Preset);

/// What the state of a system is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub(super) enum State {
    /// A value for each key.
    Keys,
    /// All messages in their order.
    Log,
}
choice!(State);
