//! What `faults.csv` calls the beginnings and ends of faults.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::kinds::FaultEvent;
use super::settings::FaultEnd;
use crate::model::{Accepted, one_of};

/// The beginning of a fault, by the name of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Beginning(pub(super) FaultEvent);

impl FaultEvent {
    /// Its name in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match (self, self.fault_type()) {
            (_, Some(fault)) => fault.name,
            (Self::Restart, None) => "restart",
            (Self::Resume, None) => "resume",
            (_, None) => "heal",
        }
    }

    /// What ends the fault that begins so. `None` if this ends one.
    #[must_use]
    pub fn ended_by(self) -> Option<Self> {
        self.fault_type().map(|fault| match fault.end {
            FaultEnd::Restart => Self::Restart,
            FaultEnd::Resume => Self::Resume,
            FaultEnd::Heal => Self::Heal,
        })
    }

    /// Whether the node dies of it.
    #[must_use]
    pub fn ends_the_node(self) -> bool {
        self.ended_by() == Some(Self::Restart)
    }

    /// Whether clients get no answer from the node while the fault lasts that begins so, with this detail in
    /// `faults.csv`.
    #[must_use]
    pub fn hides_the_node(self, detail: Option<&str>) -> bool {
        self.fault_type().is_some_and(|fault| (fault.hides_the_node)(detail))
    }
}

impl fmt::Display for FaultEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for FaultEvent {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let ends = [Self::Restart, Self::Resume, Self::Heal];
        let mut all = Self::BEGINNINGS.iter().copied().chain(ends);
        all.find(|event| event.name() == name).ok_or_else(|| format!("`{name}` is not done to nodes"))
    }
}

impl Serialize for FaultEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for FaultEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl Accepted for Beginning {
    fn accepted() -> String {
        let names: Vec<&str> = FaultEvent::BEGINNINGS.iter().map(|event| event.name()).collect();
        one_of(&names)
    }
}

impl<'de> Deserialize<'de> for Beginning {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let event = FaultEvent::BEGINNINGS.iter().copied().find(|event| event.name() == name);
        event.map(Self).ok_or_else(|| {
            de::Error::custom(format_args!("the kind of a fault must be {}, not `{name}`", Self::accepted()))
        })
    }
}

#[cfg(test)]
impl schemars::JsonSchema for FaultEvent {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "FaultEvent".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "What was done to a node on purpose: the kind of the fault that began, or `restart`, `resume` \
                            or `heal`, which end one.",
            "type": "string"
        })
    }
}
