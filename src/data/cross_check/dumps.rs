//! The dumps against what arrived, what was written, and their own place.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Micros, Role, Version};

use super::contradiction::{Contradiction, RunFile};
use super::facts::{Facts, TOLERANCE, lines};
use crate::data::StoreDump;
use crate::model::NodeId;

/// When a dump was taken: after `from_us` and, where that is known, before `until_us`.
struct Window {
    from_us: Micros,
    until_us: Micros,
    file: fn(NodeId) -> RunFile,
    settled: bool,
}

pub(super) fn check(facts: &Facts<'_>) -> Vec<Contradiction> {
    let manifest = &facts.run.manifest;
    let settled_us = manifest.settled_us();
    let at_last_ack = Window {
        from_us: manifest.last_ack_us() - TOLERANCE,
        until_us: settled_us + TOLERANCE,
        file: RunFile::AtLastAck,
        settled: false,
    };
    let settled =
        Window { from_us: settled_us - TOLERANCE, until_us: Micros::MAX, file: RunFile::Settled, settled: true };
    let mut found = Vec::new();
    for (snapshot, window) in [(&facts.run.at_last_ack, at_last_ack), (&facts.run.settled, settled)] {
        for (&node, dump) in snapshot {
            let tell = |key: Option<&str>, message: String| {
                let one = Contradiction::new((window.file)(node), None, message).of_node(node);
                key.map_or(one.clone(), |key| one.of_key(key))
            };
            if dump.node != node.to_string() {
                found.push(tell(None, format!("this is the dump of `{}`", dump.node)));
            }
            let role = if node.is_leader() { Role::Leader } else { Role::Follower };
            if dump.node == node.to_string() && dump.role != role {
                found.push(tell(None, format!("this is the dump of a {}", dump.role)));
            }
            let wrong = keys(facts, node, dump, &window);
            found.extend(wrong.into_iter().map(|(key, message)| tell(Some(&key), message)));
        }
    }
    found
}

/// What is wrong with each key of a dump.
fn keys(facts: &Facts<'_>, node: NodeId, dump: &StoreDump, window: &Window) -> Vec<(String, String)> {
    let expected = if node.is_leader() { leader(facts, window) } else { follower(facts, node, window) };
    let keys: BTreeSet<&str> =
        dump.store.keys().chain(dump.versions.keys()).map(String::as_str).chain(expected.keys().copied()).collect();
    let wrong = |key: &str| {
        let value = dump.store.get(key).map(String::as_str);
        let version = dump.versions.get(key).copied().map(Version::new);
        let told = match (value, version) {
            (_, Some(_)) if !facts.has_versions() => Some(format!(
                "it has a version, and by manifest.json `{}` tells none",
                facts.run.manifest.system_name()
            )),
            (Some(value), Some(version)) => written(facts, key, value, version),
            (Some(_), None) if !facts.has_versions() => None,
            (None, None) => None,
            _ => Some("it has a value without a version, or a version without a value".to_owned()),
        };
        told.or_else(|| expected.get(key)?.refuse(version))
            .or_else(|| (!expected.contains_key(key)).then(|| unexpected(facts, node, version)).flatten())
    };
    keys.into_iter().filter_map(|key| Some((key.to_owned(), wrong(key)?))).collect()
}

/// What rules out that this value of this version is held for this key.
fn written(facts: &Facts<'_>, key: &str, value: &str, version: Version) -> Option<String> {
    if facts.was_restarted(NodeId::Leader) || !facts.has_trace() {
        return None;
    }
    match facts.by_version.get(&version) {
        Some(row) if row.key != key => Some(format!("it holds version {version}, which is of key {}", row.key)),
        Some(row) if row.value != value => {
            Some(format!("it holds another value than version {version} wrote (write {})", row.write))
        }
        Some(_) => None,
        None if facts.unnumbered.iter().any(|row| row.key == key && row.value == value) => None,
        None => Some(format!("it holds version {version} and a value that no write of this key wrote")),
    }
}

/// What is wrong with a key of which nothing is known to have got there.
fn unexpected(facts: &Facts<'_>, node: NodeId, version: Option<Version>) -> Option<String> {
    let is_known =
        if node.is_leader() { facts.has_whole_leader_trace() } else { facts.run.manifest.trace_dropped == 0 };
    (is_known && facts.has_trace() && !facts.was_restarted(NodeId::Leader)).then(|| {
        let source =
            if node.is_leader() { "no write wrote this key" } else { "by arrivals.csv this key never arrived" };
        format!("it holds version {}, and {source}", version.map_or(0, Version::get))
    })
}

/// What a dump may hold of one key.
struct Held {
    /// The version held when the dump could first have been taken; `None` of nothing.
    before: Option<Version>,
    /// Versions that took its place while the dump may have been taken.
    later: BTreeSet<Version>,
    /// Where it is written that this one was last.
    source: String,
    /// Whether writes without a known version may have followed.
    open: bool,
}

impl Held {
    /// What is wrong with a dump that has this version, or nothing.
    fn refuse(&self, version: Option<Version>) -> Option<String> {
        let fits = self.open || version == self.before || version.is_some_and(|version| self.later.contains(&version));
        let last = self.later.last().copied().or(self.before)?;
        (!fits).then(|| {
            let holds =
                version.map_or_else(|| "lacks this key".to_owned(), |version| format!("holds version {version}"));
            format!("it {holds}, and {} version {last} was the last to be applied", self.source)
        })
    }
}

/// By key, what a follower holds by its arrivals.
fn follower<'a>(facts: &Facts<'a>, node: NodeId, window: &Window) -> BTreeMap<&'a str, Held> {
    let mut held: BTreeMap<&str, Held> = BTreeMap::new();
    let applied = lines(&facts.run.arrivals).filter(|(_, row)| row.follower == node && row.applied);
    for (line, row) in applied.filter(|(_, row)| row.at_us <= window.until_us) {
        let source = format!("by arrivals.csv:{line}");
        let key = held.entry(row.key.as_str()).or_insert_with(|| Held {
            before: None,
            later: BTreeSet::new(),
            source: String::new(),
            open: false,
        });
        key.source = source;
        if row.at_us < window.from_us {
            key.before = Some(row.version);
        } else {
            key.later.insert(row.version);
        }
    }
    held
}

/// By key, what the leader holds: the write that it numbered last.
fn leader<'a>(facts: &Facts<'a>, window: &Window) -> BTreeMap<&'a str, Held> {
    let mut held: BTreeMap<&str, Held> = BTreeMap::new();
    if facts.was_restarted(NodeId::Leader) || !facts.has_trace() {
        return held;
    }
    let is_whole = facts.has_whole_leader_trace();
    let mut in_order: Vec<_> = facts.by_version.iter().collect();
    in_order.sort_unstable_by_key(|(version, _)| **version);
    for (version, row) in in_order {
        let key = held.entry(row.key.as_str()).or_insert_with(|| Held {
            before: None,
            later: BTreeSet::new(),
            source: "by writes.csv and replication.csv".to_owned(),
            open: false,
        });
        // A write that had no answer may have been applied after the last one that had.
        if row.version.is_some() || window.settled {
            (key.before, key.later) = (Some(*version), BTreeSet::new());
        } else {
            key.later.insert(*version);
        }
    }
    for row in facts.unnumbered.iter().filter(|_| !is_whole) {
        if let Some(key) = held.get_mut(row.key.as_str()) {
            key.open = true;
        }
    }
    held
}
