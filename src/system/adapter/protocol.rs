//! What labctl and an adapter say to each other, a line of JSON each.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::model::{Distribution, NodeId, Version, WriteOutcome};
use crate::system::session::{Found, PendingCopies, WriteAnswer};

/// The version of the protocol.
pub(super) const PROTOCOL: u64 = 1;
/// How much of a line a message quotes, in characters.
const QUOTED: usize = 120;

/// One request.
#[derive(Debug, Serialize)]
pub(super) struct AdapterRequest<'a> {
    /// By this number its answer is told apart from others.
    pub(super) id: u64,
    /// What is asked.
    #[serde(flatten)]
    pub(super) question: &'a Question<'a>,
}

/// What labctl asks.
#[derive(Debug, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(super) enum Question<'a> {
    /// The first question to every process: what is measured.
    Hello(&'a Hello),
    /// Get ready for a run: empty the store, set the quorum. Asked once.
    Prepare { quorum: u32 },
    /// Set the quorum again: a node was started again since.
    SetQuorum { node: NodeId, quorum: u32 },
    /// Whether a node takes requests.
    Ready { node: NodeId },
    /// Write a value.
    Write { key: &'a str, value: &'a str, quorum: u32 },
    /// Read a key from one node.
    Read { node: NodeId, key: &'a str },
    /// Everything that one node holds.
    Dump { node: NodeId },
    /// How many copies are under way.
    InFlight,
}

/// What every process is told first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Hello {
    /// The version of the protocol.
    pub(super) protocol: u64,
    /// Every node, the leader first.
    pub(super) nodes: Vec<NodeId>,
    /// How many acknowledgements a write needs.
    pub(super) quorum: u32,
    /// How long a write may take.
    pub(super) request_timeout_s: f64,
    /// How long one replication may take.
    pub(super) replication_timeout_s: f64,
    /// The seed of everything random.
    pub(super) seed: u64,
    /// The delays that the store is to inject, by follower; empty if it injects none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) delays: BTreeMap<NodeId, InjectedDelays>,
    /// Where each node listens, `HOST:PORT`; empty if labctl does not know.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) addresses: BTreeMap<NodeId, String>,
}

/// The delays that the store is to inject between the leader and one follower.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct InjectedDelays {
    /// Of a write on its way there.
    pub(super) write: Distribution,
    /// Of an acknowledgement on its way back. `None`: it takes no time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ack: Option<Distribution>,
}

impl Question<'_> {
    /// Its name.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Hello(_) => "hello",
            Self::Prepare { .. } => "prepare",
            Self::SetQuorum { .. } => "set_quorum",
            Self::Ready { .. } => "ready",
            Self::Write { .. } => "write",
            Self::Read { .. } => "read",
            Self::Dump { .. } => "dump",
            Self::InFlight => "in_flight",
        }
    }

    /// The node that it is about.
    pub(super) const fn node(&self) -> NodeId {
        match self {
            Self::SetQuorum { node, .. } | Self::Ready { node } | Self::Read { node, .. } | Self::Dump { node } => {
                *node
            }
            _ => NodeId::Leader,
        }
    }
}

/// One answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AdapterAnswer {
    /// The number of its request.
    pub(super) id: u64,
    fields: Map<String, Value>,
}

impl fmt::Display for AdapterAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Value::Object(self.fields.clone()).fmt(f)
    }
}

impl AdapterAnswer {
    /// The answer in a line.
    ///
    /// # Errors
    /// When it is no JSON object with an `id`; the reason quotes it.
    pub(super) fn parse(line: &[u8]) -> Result<Self, String> {
        let text = String::from_utf8_lossy(line);
        let not = |what: &str| format!("{what}: {}", quoted(&text));
        let value: Value = serde_json::from_str(&text).map_err(|_| {
            not("it wrote a line that is no JSON (standard output is for answers, standard error for all else)")
        })?;
        let Value::Object(fields) = value else { return Err(not("it wrote a line that is no JSON object")) };
        match fields.get("id").and_then(Value::as_u64) {
            Some(id) => Ok(Self { id, fields }),
            None => Err(not("it wrote a line without the `id` of a request, a whole number")),
        }
    }

    /// The error that it tells. `None` if it tells none.
    pub(super) fn error(&self) -> Option<String> {
        match self.fields.get("error") {
            None | Some(Value::Null) => None,
            Some(Value::String(error)) => Some(shortened(error)),
            Some(other) => Some(shortened(&other.to_string())),
        }
    }

    /// The store's version, as an answer to `hello` tells it.
    ///
    /// # Errors
    /// When the adapter speaks another version of the protocol.
    pub(super) fn hello(&self) -> Result<String, String> {
        match self.fields.get("protocol").and_then(Value::as_u64) {
            Some(PROTOCOL) => {}
            _ => return Err(self.must("protocol", &format!("{PROTOCOL}, the protocol of this labctl"))),
        }
        match self.fields.get("version") {
            None | Some(Value::Null) => Ok(String::new()),
            Some(Value::String(version)) => Ok(shortened(version)),
            Some(_) => Err(self.must("version", "a text, or left out")),
        }
    }

    /// What became of a write. `counts_leader` says whether the leader is one of its acknowledgements.
    ///
    /// # Errors
    /// When it does not say that.
    pub(super) fn written(&self, reads_versions: bool, counts_leader: bool) -> Result<WriteAnswer, String> {
        let outcome = match self.fields.get("outcome") {
            // An adapter that could not ask its store does not know what became of the write.
            None if self.error().is_some() => Some(WriteOutcome::Unknown),
            outcome => outcome.and_then(|outcome| serde_json::from_value(outcome.clone()).ok()),
        };
        let Some(outcome) = outcome else {
            return Err(self.must("outcome", "\"ok\", \"failed\" or \"unknown\""));
        };
        let acks = match self.fields.get("acks") {
            None | Some(Value::Null) => None,
            Some(acks) => match acks.as_u64().and_then(|acks| u32::try_from(acks).ok()) {
                Some(acks) => Some(acks.saturating_sub(u32::from(counts_leader))),
                None => return Err(self.must("acks", "a whole number, or left out")),
            },
        };
        let version = self.version(&self.fields, "version")?.filter(|_| reads_versions);
        Ok(WriteAnswer { outcome, http_status: None, version, acks, error: self.error(), answered_us: None })
    }

    /// The value that was read. `None` if the node does not have the key.
    ///
    /// # Errors
    /// When it does not say that.
    pub(super) fn found(&self, reads_versions: bool) -> Result<Option<Found>, String> {
        match self.fields.get("value") {
            Some(Value::Null) => Ok(None),
            Some(Value::String(value)) => {
                let version = self.version_of(&self.fields, "version", reads_versions)?;
                Ok(Some(Found { value: value.clone(), version }))
            }
            _ => Err(self.must("value", "a text, or null where the node does not have the key (a system whose adapter cannot read has reads = false)")),
        }
    }

    /// Every key, its value and its version.
    ///
    /// # Errors
    /// When it does not say that, or a key twice.
    pub(super) fn entries(&self, reads_versions: bool) -> Result<BTreeMap<String, Found>, String> {
        let Some(Value::Array(entries)) = self.fields.get("entries") else {
            return Err(self.must("entries", "a list of {\"key\", \"value\"}"));
        };
        let mut found = BTreeMap::new();
        for (index, entry) in entries.iter().enumerate() {
            let name = |field: &str| format!("entries[{index}].{field}");
            let text = |field: &str| {
                let text = entry.get(field).and_then(Value::as_str).map(str::to_owned);
                text.ok_or_else(|| self.must(&name(field), "a text"))
            };
            let (key, value) = (text("key")?, text("value")?);
            let fields = entry.as_object().ok_or_else(|| self.must(&format!("entries[{index}]"), "an object"))?;
            let version = self.version_of(fields, &name("version"), reads_versions)?;
            if found.insert(key.clone(), Found { value, version }).is_some() {
                return Err(format!("entries has the key {key:?} twice"));
            }
        }
        Ok(found)
    }

    /// How many copies are under way, and to which followers none is.
    ///
    /// # Errors
    /// When it does not say that.
    pub(super) fn pending(&self) -> Result<PendingCopies, String> {
        let Some(copies) = self.fields.get("copies").and_then(Value::as_u64) else {
            return Err(self.must("copies", "a whole number"));
        };
        let unreachable = match self.fields.get("unreachable") {
            None | Some(Value::Null) => Some(Vec::new()),
            Some(nodes) => serde_json::from_value::<Vec<NodeId>>(nodes.clone()).ok(),
        };
        match unreachable {
            Some(nodes) => Ok(PendingCopies { copies, unreachable: nodes.iter().map(ToString::to_string).collect() }),
            None => Err(self.must("unreachable", "a list of followers, [\"f1\"], or left out")),
        }
    }

    /// A version that has to be there if the system tells versions, and is not looked at if not.
    fn version_of(&self, fields: &Map<String, Value>, name: &str, is_told: bool) -> Result<Option<Version>, String> {
        match self.version(fields, name)? {
            Some(version) => Ok(Some(version).filter(|_| is_told)),
            None if is_told => Err(self.must(name, "a whole number, since the system has versions = true")),
            None => Ok(None),
        }
    }

    fn version(&self, fields: &Map<String, Value>, name: &str) -> Result<Option<Version>, String> {
        match fields.get("version") {
            None | Some(Value::Null) => Ok(None),
            Some(version) => match version.as_u64() {
                Some(version) => Ok(Some(Version::new(version))),
                None => Err(self.must(name, "a whole number, or left out")),
            },
        }
    }

    /// Why an answer says nothing, and the answer.
    fn must(&self, name: &str, accepted: &str) -> String {
        format!("{name} must be {accepted}; it answered {}", shortened(&self.to_string()))
    }
}

/// A text in quotes, with its beginning if it is long.
pub(super) fn quoted(text: &str) -> String {
    format!("{:?}", shortened(text))
}

/// One line, or the beginning of one.
pub(super) fn shortened(text: &str) -> String {
    let line = text.trim().replace(['\n', '\r'], " ");
    let mut short: String = line.chars().take(QUOTED).collect();
    if short.len() < line.len() {
        short.push_str("...");
    }
    short
}

#[cfg(test)]
#[path = "protocol_tests.rs"]
mod tests;
