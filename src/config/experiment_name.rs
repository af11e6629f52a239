//! The name of an experiment.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::model::Accepted;

/// An experiment's name: it becomes a folder, a Compose project and a heading.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ExperimentName(String);

impl ExperimentName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ExperimentName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let good = name != "all"
            && name.len() <= 40
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_');
        if !good {
            return Err(format!("an experiment must have {}, not {name:?}", Self::accepted()));
        }
        Ok(Self(name))
    }
}

impl Accepted for ExperimentName {
    fn accepted() -> String {
        "a name of a lower-case letter and then up to 39 of a-z, 0-9, - and _, other than all".to_owned()
    }
}

impl FromStr for ExperimentName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::try_from(name.to_owned())
    }
}

impl From<ExperimentName> for String {
    fn from(name: ExperimentName) -> Self {
        name.0
    }
}

impl fmt::Display for ExperimentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
