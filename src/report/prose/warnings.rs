//! What a reader must know before believing the rest.

use std::collections::BTreeSet;

use crate::analysis::Diagnosis;
use crate::data::Manifest;
use crate::report::model::RunReport;
use crate::report::number::{count, list};

/// Broken promises, faults, and whatever makes the runs less than comparable.
pub(in crate::report) fn warnings(runs: &[RunReport], diagnoses: &[Diagnosis]) -> Vec<String> {
    let breaches = runs.iter().filter_map(|run| run.durability.breach).map(|breach| format!("{breach}."));
    let faults = diagnoses.iter().map(|diagnosis| diagnosis.sentence.clone());
    breaches.chain(faults).chain(runs.iter().flat_map(of_run)).chain(mixed(runs)).collect()
}

fn of_run(run: &RunReport) -> Vec<String> {
    let (quorum, manifest) = (run.quorum, &run.manifest);
    let mut warnings = Vec::new();
    if !manifest.settled {
        warnings.push(format!(
            "At W = {quorum} replications were still in flight when the deadline passed, so what the followers held in \
             the end is not known."
        ));
    }
    if manifest.trace_dropped > 0 {
        warnings.push(format!(
            "At W = {quorum} the nodes forgot {} for want of room.",
            count(manifest.trace_dropped, "trace record")
        ));
    }
    let absent = &run.consistency.settled.absent;
    if !absent.is_empty() {
        let verb = if absent.len() == 1 { "was" } else { "were" };
        warnings.push(format!("At W = {quorum} {} did not answer at the end and {verb} not compared.", list(absent)));
    }
    warnings
}

/// Conditions that should be the same in all runs and are not.
fn mixed(runs: &[RunReport]) -> Option<String> {
    let differs =
        |of: fn(&Manifest) -> String| runs.iter().map(|run| of(&run.manifest)).collect::<BTreeSet<_>>().len() > 1;
    let names: Vec<String> = [
        ("configuration", differs(|m| m.config_sha256.clone())),
        ("seed", differs(|m| m.seed.to_string())),
        ("backend", differs(|m| m.backend.name.clone())),
        ("node executable", differs(|m| m.node_sha256.clone().unwrap_or_default())),
        ("host", differs(|m| format!("{:?}", m.host))),
    ]
    .into_iter()
    .filter(|(_, differs)| *differs)
    .map(|(name, _)| name.to_owned())
    .collect();
    (!names.is_empty())
        .then(|| format!("The runs were not made with the same {}: compare them with care.", list(&names)))
}
