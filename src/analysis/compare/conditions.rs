//! Under which conditions two sets of runs came about, as far as they differ.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use crate::data::Manifest;

/// What a run's manifest says of the run alone, not of its conditions.
const OF_THE_RUN: [&str; 11] = [
    "argv",
    "config_sha256",
    "finished",
    "load_cost",
    "load_us",
    "quorum",
    "settle_us",
    "settled",
    "started",
    "trace_dropped",
    "wall_us",
];

/// A condition that is not the same on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConditionDifference {
    /// Where it is in the manifest, e.g. `config.network.order`.
    pub path: String,
    /// Its value on the left as JSON; absent where there is none.
    pub left: Option<String>,
    /// Its value on the right as JSON; absent where there is none.
    pub right: Option<String>,
}

/// The conditions in which two manifests differ, by path.
pub(super) fn differences(left: &Manifest, right: &Manifest) -> Vec<ConditionDifference> {
    let (left, right) = (conditions(left), conditions(right));
    let paths: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    paths
        .into_iter()
        .filter(|path| left.get(*path) != right.get(*path))
        .map(|path| ConditionDifference {
            path: path.clone(),
            left: left.get(path).cloned(),
            right: right.get(path).cloned(),
        })
        .collect()
}

/// A manifest's conditions as JSON by path.
pub(in crate::analysis) fn conditions(manifest: &Manifest) -> BTreeMap<String, String> {
    let mut flat = BTreeMap::new();
    // A manifest is made of what JSON can hold; there is no other error.
    if let Ok(Value::Object(fields)) = serde_json::to_value(manifest) {
        for (name, value) in fields.iter().filter(|(name, _)| !OF_THE_RUN.contains(&name.as_str())) {
            flatten(name, value, &mut flat);
        }
    }
    flat
}

fn flatten(path: &str, value: &Value, flat: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                flatten(&format!("{path}.{name}"), value, flat);
            }
        }
        Value::Null => {}
        other => {
            flat.insert(path.to_owned(), other.to_string());
        }
    }
}
