//! In what the systems that stand side by side differ beside what they are.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::analysis::compare::conditions;
use crate::data::Manifest;

/// What a condition bears on.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Concern {
    /// What is compared: the system, its settings.
    System,
    /// Delays, followers, time limits.
    Network,
    /// Writes, keys, pacing and faults.
    Load,
    /// The seed: which delays were drawn.
    Seed,
    /// Where the nodes ran.
    Machine,
    /// The version of labctl.
    Labctl,
}

/// A condition that is not the same for all systems.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DifferingCondition {
    /// Where it is in the manifest, e.g. `config.network.order`.
    pub path: String,
    /// What it bears on.
    pub concern: Concern,
    /// Its value for each system as JSON; `None` where there is none.
    pub values: Vec<Option<String>>,
}

/// What the paths that begin so bear on; `None` of what the systems do not answer for, or what another path says as well.
const CONCERNS: [(&str, Option<Concern>); 24] = [
    ("absent_nodes", None),
    ("backend.image", None),
    ("backend.reason", None),
    ("backend", Some(Concern::Machine)),
    ("config.backend", None),
    ("config.expect", None),
    ("config.faults", Some(Concern::Load)),
    ("config.followers", Some(Concern::Network)),
    ("config.network", Some(Concern::Network)),
    ("config.quorums", None),
    ("config.reads", None),
    ("config.seed", None),
    ("config.system", Some(Concern::System)),
    ("config.workload", Some(Concern::Load)),
    ("experiment", Some(Concern::System)),
    ("gaps", None),
    ("git", Some(Concern::Labctl)),
    ("host", Some(Concern::Machine)),
    ("jobs", Some(Concern::Machine)),
    ("labctl_version", Some(Concern::Labctl)),
    ("node_sha256", None),
    ("seed", Some(Concern::Seed)),
    ("system.name", Some(Concern::System)),
    ("system.version", Some(Concern::System)),
];

fn concern(path: &str) -> Option<Concern> {
    CONCERNS.iter().find(|(start, _)| path.starts_with(start)).and_then(|(_, concern)| *concern)
}

/// The conditions in which these runs differ, by path.
pub(super) fn differing(manifests: &[Manifest]) -> Vec<DifferingCondition> {
    let all: Vec<BTreeMap<String, String>> = manifests.iter().map(of_one).collect();
    let paths: BTreeSet<&String> = all.iter().flat_map(BTreeMap::keys).collect();
    let condition = |path: &String| {
        let values: Vec<Option<String>> = all.iter().map(|of| of.get(path).cloned()).collect();
        let concern = concern(path)?;
        let differs = values.iter().any(|value| Some(value) != values.first());
        differs.then(|| DifferingCondition { path: path.clone(), concern, values })
    };
    paths.into_iter().filter_map(condition).collect()
}

/// The conditions of one, with the order that its links really keep: left out of the file, that is the system's own.
fn of_one(manifest: &Manifest) -> BTreeMap<String, String> {
    let mut config = manifest.config.clone();
    config.network.link = Some(config.link_order());
    conditions(&Manifest { config, ..manifest.clone() })
}
