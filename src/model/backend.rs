//! What is recorded of the place where nodes ran.

use serde::{Deserialize, Serialize};

/// Where the nodes ran, and with which versions of what.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackendFacts {
    /// `compose`, `process` or `sim`.
    pub name: String,
    /// Why this one, if `auto` chose it.
    pub reason: Option<String>,
    /// Docker Engine's version.
    pub engine: Option<String>,
    /// Docker Compose's version.
    pub compose: Option<String>,
    /// The node image's content digest.
    pub image: Option<String>,
}
