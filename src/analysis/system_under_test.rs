//! What was measured, and on what: one run may tell a figure of another only if both are the same.

use crate::data::{HostFacts, RunData};
use crate::model::SystemFacts;

/// A version of a system, where its nodes ran, and the machine.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SystemUnderTest {
    system: Option<(String, String)>,
    node_sha256: Option<String>,
    backend: String,
    host: Option<HostFacts>,
}

impl SystemUnderTest {
    /// What a run measured.
    pub(super) fn of(run: &RunData) -> Self {
        let manifest = &run.manifest;
        Self {
            system: manifest.system.as_ref().map(|system| (system.name.clone(), system.version.clone())),
            node_sha256: manifest.node_sha256.clone(),
            backend: manifest.backend.name.clone(),
            host: manifest.host.clone(),
        }
    }
}

/// The version that a system told.
pub(super) fn version(system: &SystemFacts) -> Option<String> {
    Some(system.version.clone()).filter(|version| !version.is_empty())
}
