//! `writes.csv` against `manifest.json`, the leader's trace and itself.

use hashbrown::HashMap;

use super::contradiction::{Contradiction, RunFile};
use super::facts::{Facts, write_lines};
use crate::data::{WriteOutcome, WriteRow};
use crate::model::{NodeId, Version, WriteId};

pub(super) fn check(facts: &Facts<'_>) -> Vec<Contradiction> {
    let mut found = manifest(facts);
    // A system without a trace may number the writes of each key on their own.
    let has_trace = facts.has_trace();
    let mut numbered: HashMap<(&str, Version), WriteId> = HashMap::new();
    for (line, row) in write_lines(&facts.run.writes) {
        let counted = if has_trace { "" } else { row.key.as_str() };
        let mut tell = |message: String| {
            let message = format!("write {} {message}", row.write);
            found.push(Contradiction::new(RunFile::Writes, Some(line), message).of_key(&row.key));
        };
        own(facts, row).into_iter().for_each(&mut tell);
        // A leader that was restarted begins to number anew.
        if facts.was_restarted(NodeId::Leader) {
            continue;
        }
        against_trace(facts, row).into_iter().for_each(&mut tell);
        if let Some(other) = row.version.and_then(|version| numbered.insert((counted, version), row.write)) {
            tell(format!("has the version of write {other}"));
        }
    }
    found
}

/// What a manifest says twice, and not alike.
fn manifest(facts: &Facts<'_>) -> Vec<Contradiction> {
    let manifest = &facts.run.manifest;
    let (measured, configured) = (manifest.system_name(), &manifest.config.system);
    let seed = (manifest.seed != manifest.config.seed)
        .then(|| format!("the seed is {}, and {} in the configuration", manifest.seed, manifest.config.seed));
    // A system goes by the name of its table, and the lab's node by that of its kind.
    let is_other = [&configured.name, &configured.kind].iter().all(|name| name.as_str() != measured);
    let system =
        is_other.then(|| format!("the system is `{measured}`, and `{}` in the configuration", configured.name));
    seed.into_iter().chain(system).map(|message| Contradiction::new(RunFile::Manifest, None, message)).collect()
}

/// What a row says of itself that cannot be under this manifest.
fn own(facts: &Facts<'_>, row: &WriteRow) -> Vec<String> {
    let manifest = &facts.run.manifest;
    let (required, followers) = (manifest.quorum.get(), manifest.config.followers.get());
    let mut wrong = Vec::new();
    let end_us = row.end();
    if end_us > manifest.last_ack_us() {
        wrong.push(format!("ended at {end_us} us, and the load was over at {} us by manifest.json", manifest.load_us));
    }
    if let Some(acks) = row.acks.filter(|acks| *acks > followers) {
        wrong.push(format!("has {acks} acknowledgements of {followers} followers"));
    }
    if row.version.is_some() && !facts.has_versions() {
        wrong.push(format!("has a version, and by manifest.json `{}` tells none", manifest.system_name()));
    }
    if row.outcome == WriteOutcome::Ok {
        match row.acks {
            Some(acks) if acks < required => {
                wrong.push(format!("is `ok` with {acks} acknowledgements where W = {required}"));
            }
            None if facts.has_trace() => wrong.push("is `ok` and has no number of acknowledgements".to_owned()),
            _ => {}
        }
        if row.version.is_none() && facts.has_trace() {
            wrong.push("is `ok` and has no version".to_owned());
        }
    }
    wrong
}

/// What the leader's trace says otherwise.
fn against_trace(facts: &Facts<'_>, row: &WriteRow) -> Option<String> {
    let version = row.version?;
    match (facts.traced_versions.get(&row.write), facts.traced_keys.get(&version)) {
        (Some(traced), _) if *traced != version => {
            Some(format!("has version {version}, and {traced} in replication.csv"))
        }
        (_, Some(key)) if **key != *row.key => {
            Some(format!("wrote key {}, and version {version} is of key {key} in replication.csv", row.key))
        }
        (None, _) if facts.has_whole_leader_trace() => {
            Some(format!("has version {version}, and is not in replication.csv"))
        }
        _ => None,
    }
}
