//! What is sent to a system and how its answers are read: the tables `write`, `read`, `dump`, `ready`, `set_quorum`
//! and `reset` of a system.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::exchange::{Exchange, Status};
use super::filter::Filter;
use super::placeholders::{OF_A_READ, OF_A_WRITE, OF_ANY};
use super::read;
use crate::config::{Fields, Problems, Setting as _, choice};

const OK: Status = Status::constant(200);
/// The statuses of success of a request that is answered with nothing in particular.
const DONE: [Status; 4] = [OK, Status::constant(201), Status::constant(202), Status::constant(204)];

/// `[system.NAME.write]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct WriteRules {
    /// The request, and the statuses of success.
    #[serde(flatten)]
    pub(super) exchange: Exchange,
    /// Whether an answer with a status of success is one: true or false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ok: Option<Filter>,
    /// The leader's number of the write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<Filter>,
}

/// `[system.NAME.read]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ReadRules {
    /// The request, and the statuses of success.
    #[serde(flatten)]
    pub(super) exchange: Exchange,
    /// The value in the answer; null if the node does not have the key.
    pub(super) value: Filter,
    /// The leader's number of the write of this value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<Filter>,
    /// The statuses that say that the node does not have the key.
    pub(super) absent: Vec<Status>,
}

/// `[system.NAME.dump]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct DumpRules {
    /// Whether a node says everything at once, or key by key.
    pub(super) by: DumpBy,
    /// Which nodes answer the request; the others are read key by key.
    pub(super) of: DumpOf,
    /// The request, and the statuses of success; none if every node is read key by key.
    #[serde(flatten)]
    pub(super) exchange: Option<Exchange>,
    /// What the node holds: an object with `key`, `value` and perhaps `version` for each key, or each message of a log.
    pub(super) entries: Filter,
}

/// How a node is dumped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub(super) enum DumpBy {
    /// By one request.
    Request,
    /// By one read for each key.
    Reads,
}
choice!(DumpBy);

/// Which nodes can be dumped by a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub(super) enum DumpOf {
    /// All of them.
    All,
    /// Followers only.
    Followers,
}
choice!(DumpOf);

/// `[system.NAME.set_quorum]` and `[system.NAME.reset]`: a request before the load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Preparation {
    /// The request, and the statuses of success.
    #[serde(flatten)]
    pub(super) exchange: Exchange,
    /// To whom it is sent.
    pub(super) to: Receivers,
}

/// Who gets a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub(super) enum Receivers {
    /// The leader.
    Leader,
    /// Every node, the followers first.
    All,
}
choice!(Receivers);

impl WriteRules {
    pub(super) fn read_from(
        fields: &mut Fields<'_>,
        default: Option<Self>,
        problems: &mut Problems<'_>,
    ) -> Option<Self> {
        let (exchange, ok, version) =
            default.map_or((None, None, None), |default| (Some(default.exchange), default.ok, default.version));
        let exchange = Exchange::read_from(fields, exchange, &OF_A_WRITE, &[OK], problems);
        let ok = read::filter(fields, "ok", ok, problems);
        let version = read::filter(fields, "version", version, problems);
        Some(Self { exchange: exchange?, ok, version })
    }
}

impl ReadRules {
    pub(super) fn read_from(
        fields: &mut Fields<'_>,
        default: Option<Self>,
        problems: &mut Problems<'_>,
    ) -> Option<Self> {
        let default = default.map(|default| (Some(default.exchange), default.value, default.version, default.absent));
        let (exchange, value, version, absent) =
            default.unwrap_or_else(|| (None, Filter::constant("."), None, vec![Status::constant(404)]));
        let exchange = Exchange::read_from(fields, exchange, &OF_A_READ, &[OK], problems);
        let value = read::filter(fields, "value", Some(value.clone()), problems).unwrap_or(value);
        let version = read::filter(fields, "version", version, problems);
        let absent = Vec::read(fields, "absent", absent, problems);
        Some(Self { exchange: exchange?, value, version, absent })
    }
}

impl DumpRules {
    pub(super) fn read_from(
        fields: &mut Fields<'_>,
        default: Option<Self>,
        problems: &mut Problems<'_>,
    ) -> Option<Self> {
        let default = default.unwrap_or_else(|| Self {
            by: DumpBy::Request,
            of: DumpOf::All,
            exchange: None,
            entries: Filter::constant("to_entries[]"),
        });
        let by = DumpBy::read(fields, "by", default.by, problems);
        let of = DumpOf::read(fields, "of", default.of, problems);
        let exchange = Exchange::read_from(fields, default.exchange, &OF_ANY, &[OK], problems);
        let entries = read::filter(fields, "entries", Some(default.entries.clone()), problems);
        let exchange = exchange.filter(|_| by == DumpBy::Request);
        if exchange.is_none() && by == DumpBy::Request {
            return None;
        }
        Some(Self { by, of, exchange, entries: entries.unwrap_or(default.entries) })
    }
}

impl Preparation {
    /// Reads a request before the load, which goes to `to` unless the file says otherwise.
    pub(super) fn read_from(
        fields: &mut Fields<'_>,
        default: Option<Self>,
        to: Receivers,
        problems: &mut Problems<'_>,
    ) -> Option<Self> {
        let (exchange, to) = default.map_or((None, to), |default| (Some(default.exchange), default.to));
        let exchange = Exchange::read_from(fields, exchange, &OF_ANY, &DONE, problems);
        let to = Receivers::read(fields, "to", to, problems);
        Some(Self { exchange: exchange?, to })
    }
}
