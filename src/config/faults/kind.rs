//! A kind of fault with its settings: what it does, and how it is read.

use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value};

use super::event::Beginning;
use super::kinds::{FaultEvent, FaultKind};
use crate::config::reader::{Fields, Problems};
use crate::model::{Act, one_of};

impl FaultKind {
    /// What is done to the node when it begins, in this order.
    #[must_use]
    pub fn acts(&self) -> Vec<Act> {
        self.settings().acts()
    }

    /// What is done at its end: its acts are undone, the last first.
    pub(super) fn undoing(&self) -> Vec<Act> {
        self.acts().iter().rev().filter_map(|act| act.undone_by()).collect()
    }

    /// Whether the node loses what it holds.
    #[must_use]
    pub fn ends_the_node(&self) -> bool {
        self.acts().iter().any(|act| matches!(act, Act::Kill | Act::Stop))
    }

    /// Whether clients get no answer from the node while it lasts.
    #[must_use]
    pub fn hides_the_node(&self) -> bool {
        Act::leave_reachable(&self.acts()) == Some(false)
    }

    /// Whether it is done to links, which then lead through proxies.
    #[must_use]
    pub fn works_on_links(&self) -> bool {
        self.acts().iter().any(|act| act.undone_by() == Some(Act::Pass))
    }

    /// The milliseconds it adds to all that the leader sends to the node. `None` if it does something else.
    #[must_use]
    pub fn added_delay_ms(&self) -> Option<u32> {
        match *self.acts() {
            [Act::Slow { added_ms }] => Some(added_ms),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for FaultKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Tagged {
            kind: Beginning,
            #[serde(flatten)]
            settings: Map<String, Value>,
        }
        let Tagged { kind: Beginning(event), settings } = Tagged::deserialize(deserializer)?;
        Self::from_json(event, Value::Object(settings)).map_err(de::Error::custom)
    }
}

/// Reads `kind` and the keys of that kind. Those of other kinds are reported.
pub(super) fn read_kind(fields: &mut Fields<'_>, problems: &mut Problems<'_>) -> Option<FaultKind> {
    let kind = fields.optional::<Beginning>("kind", problems);
    let chosen = kind.value.map(|Beginning(event)| event);
    let own = chosen.map(keys).unwrap_or_default();
    let mut read = None;
    for event in FaultEvent::BEGINNINGS.iter().copied() {
        let is_meant = keys(event).iter().any(|key| fields.table.contains_key(*key));
        if chosen == Some(event) {
            read = FaultKind::read(event, fields, &kind.span, problems);
        } else if chosen.is_none() && is_meant {
            // The kind is wrong; its settings may be as well.
            FaultKind::read(event, fields, &kind.span, problems);
        } else {
            for key in keys(event).iter().filter(|key| !own.contains(key)) {
                if let Some(value) = fields.take(key) {
                    let message = format!("{}{key} is for kind = {} alone; leave it out", fields.path, owners(key));
                    problems.add(value.span(), message);
                }
            }
        }
    }
    read
}

/// The keys of the kind that begins so.
fn keys(event: FaultEvent) -> &'static [&'static str] {
    event.fault_type().map(|fault| fault.keys).unwrap_or_default()
}

/// The kinds that have a key.
fn owners(key: &str) -> String {
    let have = FaultEvent::BEGINNINGS.iter().filter(|event| keys(**event).contains(&key));
    one_of(&have.map(|event| event.name()).collect::<Vec<_>>())
}

#[cfg(test)]
impl schemars::JsonSchema for FaultKind {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "FaultKind".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "The name of a kind of fault, and its settings.",
            "type": "object",
            "required": ["kind"],
            "properties": { "kind": { "type": "string" } },
            "additionalProperties": true
        })
    }
}
