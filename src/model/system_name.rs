//! Names of systems under test.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::accepted::{Accepted, one_of, refusal};

/// The name of a system that labctl can measure.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SystemName(String);

impl SystemName {
    /// The lab's own node.
    pub const LABNODE: &str = "labnode";
    /// The names that can be used, each with an entry in the list of `system/`.
    pub const KNOWN: [&str; 1] = [Self::LABNODE];

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
        one_of(&Self::KNOWN)
    }
}

impl TryFrom<String> for SystemName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        if Self::KNOWN.contains(&name.as_str()) {
            Ok(Self(name))
        } else {
            Err(refusal::<Self>("a system", format_args!("`{name}`")))
        }
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
