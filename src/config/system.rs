//! The system that an experiment measures, as experiments.toml and manifests say it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::reader::{Fields, Problems};
use super::setting::Setting;
use crate::model::SystemName;

/// The system that an experiment measures, and how it is configured. A manifest holds it, so
/// that it must be readable for systems that this labctl does not know.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SystemConfig {
    /// The name of its table `[system.NAME]`, or of its kind if it has no table.
    pub name: SystemName,
    /// Its kind, by the name in the list of systems.
    pub kind: SystemName,
    /// The settings of its kind.
    #[serde(default, skip_serializing_if = "SystemSettings::is_empty")]
    pub settings: SystemSettings,
}

impl fmt::Display for SystemConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)?;
        if self.name == self.kind { Ok(()) } else { write!(f, " ({})", self.kind) }
    }
}

impl SystemConfig {
    /// The system with its settings: `system mine (redis): image = "redis:7"`. Tables of a mapping are left out: they
    /// read best where they are written.
    #[must_use]
    pub fn in_words(&self) -> String {
        let short = self.settings.settings.iter().filter(|(_, value)| !value.is_object());
        let settings: Vec<String> = short.map(|(key, value)| format!("{key} = {value}")).collect();
        let colon = if settings.is_empty() { "" } else { ": " };
        format!("system {self}{colon}{}", settings.join(", "))
    }
}

impl Setting for SystemConfig {
    /// Tables of systems are read before all experiments: the default is what the file says.
    fn read(_: &mut Fields<'_>, _: &'static str, default: Self, _: &mut Problems<'_>) -> Self {
        default
    }
}

/// The settings of a system, resolved: those that its table leaves out have their defaults. What
/// they mean is known to the system's kind alone.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SystemSettings {
    settings: Map<String, Value>,
    /// Where relative paths among them begin. No manifest holds it: it differs from machine to machine.
    #[serde(skip)]
    folder: PathBuf,
    /// Where each of them stands, `experiments.toml:12:8`, by its key below the table. No manifest holds it either.
    #[serde(skip)]
    places: BTreeMap<String, String>,
}

/// Two systems are configured alike wherever their files lie.
impl PartialEq for SystemSettings {
    fn eq(&self, other: &Self) -> bool {
        self.settings == other.settings
    }
}

impl SystemSettings {
    /// The settings that a kind has read.
    ///
    /// # Panics
    /// When `settings` is not a struct that JSON can hold.
    #[must_use]
    #[expect(clippy::panic, reason = "whether a type is a JSON object is decided where it is written")]
    pub fn of(settings: &impl Serialize) -> Self {
        match serde_json::to_value(settings) {
            // TOML, which a recipe is written in, has no null.
            Ok(Value::Object(settings)) => {
                let settings = settings.into_iter().filter(|(_, value)| !value.is_null()).collect();
                Self { settings, ..Self::default() }
            }
            other => panic!("the settings of a system must be a JSON object, not {other:?}"),
        }
    }

    /// The settings as their kind's own type.
    ///
    /// # Errors
    /// When they are not those of the kind.
    pub fn parse<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_value(Value::Object(self.settings.clone()))
    }

    /// The folder of the experiments.toml that they were read from, where relative paths among them begin. Empty for
    /// the folder in which labctl runs.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Says that they were read from this file: relative paths begin in its folder.
    pub(super) fn set_file(&mut self, path: &Path) {
        self.folder = path.parent().unwrap_or(Path::new("")).to_owned();
        for place in self.places.values_mut() {
            *place = format!("{}:{place}", path.display());
        }
    }

    /// Says where they stand in their file, as `line:column` by key below the table.
    pub(super) fn set_places(&mut self, places: BTreeMap<String, String>) {
        self.places = places;
    }

    /// Where the setting of a key below the table stands, e.g. `experiments.toml:12:8`. `None` of a default.
    #[must_use]
    pub fn place(&self, key: &str) -> Option<&str> {
        self.places.get(key).map(String::as_str)
    }

    /// Whether the kind has no settings.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.settings.is_empty()
    }
}
