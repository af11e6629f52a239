//! `reads.csv` against `writes.csv` and `manifest.json`.

use super::contradiction::{Contradiction, RunFile};
use super::facts::{Facts, lines_of};
use crate::data::ReadRow;
use crate::model::NodeId;

pub(super) fn check(facts: &Facts<'_>) -> Vec<Contradiction> {
    let rows = lines_of(&facts.run.reads, |row| [Some(row.key.as_str()), row.error.as_deref()]);
    let wrong = rows.filter_map(|(line, row)| {
        let message = format!("read {} {}", row.read, refuse(facts, row)?);
        Some(Contradiction::new(RunFile::Reads, Some(line), message).at(row.node, &row.key))
    });
    wrong.collect()
}

/// What the other files rule out of a read.
fn refuse(facts: &Facts<'_>, row: &ReadRow) -> Option<String> {
    if row.version.is_some() && !facts.has_versions() {
        return Some(format!("has a version, and by manifest.json `{}` tells none", facts.run.manifest.system_name()));
    }
    let write = row.write?;
    // Every write of the plan has a row.
    let written = facts.by_number.get(&write)?;
    if written.key != row.key {
        return Some(format!("found write {write}, which wrote key {}", written.key));
    }
    if row.end() < written.start_us {
        return Some(format!(
            "found write {write} at {} us, which was sent at {} us by writes.csv",
            row.end(),
            written.start_us
        ));
    }
    match (row.version, written.version) {
        (Some(read), Some(version)) if read != version && !facts.was_restarted(NodeId::Leader) => {
            Some(format!("found version {read} of write {write}, which has version {version} by writes.csv"))
        }
        _ => None,
    }
}
