//! Names of systems under test.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::accepted::{Accepted, refusal};

/// The name of a system under test: a kind of systems, or a table `[system.NAME]`.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SystemName(String);

impl SystemName {
    /// The lab's own node.
    pub const LABNODE: &str = "labnode";

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for SystemName {
    /// The lab's own node.
    fn default() -> Self {
        Self(Self::LABNODE.to_owned())
    }
}

impl Accepted for SystemName {
    fn accepted() -> String {
        "a lower-case letter and then up to 39 of a-z, 0-9, - and _".to_owned()
    }
}

impl TryFrom<String> for SystemName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let is_good = name.len() <= 40
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_');
        if is_good { Ok(Self(name)) } else { Err(refusal::<Self>("the name of a system", format_args!("{name:?}"))) }
    }
}

impl From<SystemName> for String {
    fn from(name: SystemName) -> Self {
        name.0
    }
}

impl fmt::Display for SystemName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
