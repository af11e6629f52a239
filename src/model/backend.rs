//! What is recorded of the place where nodes ran.

use serde::{Deserialize, Serialize};

/// Where the nodes ran, and with which versions of what.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackendFacts {
    /// `compose`, `process`, `sim`, or `running` if labctl did not start the nodes.
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

/// The name of the backend whose nodes run in virtual time.
pub const VIRTUAL_TIME: &str = "sim";

impl BackendFacts {
    /// A backend of which nothing is recorded but its name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), reason: None, engine: None, compose: None, image: None }
    }

    /// Whether the nodes ran in virtual time.
    #[must_use]
    pub fn is_virtual_time(&self) -> bool {
        self.name == VIRTUAL_TIME
    }
}
