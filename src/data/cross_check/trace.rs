//! The leader's trace against the followers', and both against the manifest.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;

use super::contradiction::{Contradiction, RunFile};
use super::facts::{Facts, TOLERANCE, lines};
use crate::data::{ArrivalRow, ReplicationOutcome, ReplicationRow};
use crate::model::{CatchUp, Micros, NodeId, ReplicationOrder, Version};

pub(super) fn check(facts: &Facts<'_>) -> Vec<Contradiction> {
    if !facts.has_trace() || facts.was_restarted(NodeId::Leader) {
        return Vec::new();
    }
    let first_arrivals = first_arrivals(facts);
    let mut found = Vec::new();
    for (line, row) in lines(&facts.run.replication) {
        let tell = |message: String| {
            let message = format!("version {} {message}", row.version);
            Contradiction::new(RunFile::Replication, Some(line), message).at(row.follower, &row.key)
        };
        found.extend(copy(facts, row, &first_arrivals).map(tell));
    }
    found.extend(missing_copies(facts));
    found.extend(arrivals(facts));
    found
}

/// When each version first arrived at each follower, by the followers' traces.
fn first_arrivals(facts: &Facts<'_>) -> HashMap<(Version, NodeId), Micros> {
    let mut first = HashMap::new();
    for row in &facts.run.arrivals {
        let at_us = first.entry((row.version, row.follower)).or_insert(row.at_us);
        *at_us = row.at_us.min(*at_us);
    }
    first
}

/// What cannot be of one copy.
fn copy(facts: &Facts<'_>, row: &ReplicationRow, arrived_us: &HashMap<(Version, NodeId), Micros>) -> Option<String> {
    let manifest = &facts.run.manifest;
    let Some(write) = facts.by_number.get(&row.write) else {
        return Some(format!("is of write {}, which is not in writes.csv", row.write));
    };
    if let Some(sent_us) = row.sent_us
        && sent_us < write.start_us - TOLERANCE
    {
        return Some(format!("left at {sent_us} us, before its client asked at {} us", write.start_us));
    }
    if (row.outcome == ReplicationOutcome::Acked) != row.acked_us.is_some() {
        return Some("is acknowledged without a time, or has a time without being acknowledged".to_owned());
    }
    let was_broken = facts.run.faults.iter().any(|fault| fault.node == row.follower || fault.node.is_leader());
    if row.outcome == ReplicationOutcome::Pending && manifest.settled && !was_broken {
        return Some("is still pending, and by manifest.json nothing was in flight".to_owned());
    }
    let acked_us = row.acked_us?;
    if let Some(sent_us) = row.sent_us.filter(|sent_us| *sent_us > acked_us) {
        return Some(format!("was acknowledged at {acked_us} us, before it left at {sent_us} us"));
    }
    // The trace that would tell may have died with its follower.
    if facts.lost_trace_since(row.follower, acked_us) || !facts.run.settled.contains_key(&row.follower) {
        return None;
    }
    match arrived_us.get(&(row.version, row.follower)) {
        Some(at_us) if *at_us > acked_us + TOLERANCE => {
            Some(format!("was acknowledged at {acked_us} us, before it arrived at {at_us} us by arrivals.csv"))
        }
        None if manifest.trace_dropped == 0 => {
            Some("was acknowledged, and by arrivals.csv it never arrived".to_owned())
        }
        _ => None,
    }
}

/// Answered writes of which the leader's trace lacks a copy.
fn missing_copies(facts: &Facts<'_>) -> Vec<Contradiction> {
    if !facts.has_whole_leader_trace() {
        return Vec::new();
    }
    let followers = NodeId::followers(facts.run.manifest.config.followers);
    let versions: BTreeSet<Version> = facts.traced_keys.keys().copied().collect();
    let mut found = Vec::new();
    for version in versions {
        for follower in followers.clone().filter(|node| !facts.copies.contains_key(&(version, *node))) {
            let message = format!("version {version} went to other followers, and there is no line of this one");
            found.push(Contradiction::new(RunFile::Replication, None, message).of_node(follower));
        }
    }
    found
}

/// What cannot be of arrivals, by follower in their order.
fn arrivals(facts: &Facts<'_>) -> Vec<Contradiction> {
    let mut followers: BTreeMap<NodeId, Follower<'_>> = BTreeMap::new();
    let mut found = Vec::new();
    for (line, row) in lines(&facts.run.arrivals) {
        let follower = followers.entry(row.follower).or_default();
        let wrong = against_leader(facts, row).or_else(|| follower.arrive(facts, row));
        found.extend(wrong.map(|message| {
            let message = format!("version {} {message}", row.version);
            Contradiction::new(RunFile::Arrivals, Some(line), message).at(row.follower, &row.key)
        }));
    }
    found
}

/// What the leader's trace and the clients rule out of an arrival.
fn against_leader(facts: &Facts<'_>, row: &ArrivalRow) -> Option<String> {
    match facts.key_of(row.version) {
        Some(key) if *key != *row.key => return Some(format!("arrived for this key, and wrote key {key}")),
        None if facts.has_whole_leader_trace() || facts.unnumbered.is_empty() => {
            return Some("arrived, and no write has this version".to_owned());
        }
        _ => {}
    }
    // What brings a follower up to date is sent beside the copy that is traced.
    if facts.run.manifest.config.network.catch_up != CatchUp::Off {
        return None;
    }
    let (_, copy) = facts.copies.get(&(row.version, row.follower))?;
    match copy.sent_us {
        Some(sent_us) if row.at_us < sent_us - TOLERANCE => {
            Some(format!("arrived at {} us, before it left at {sent_us} us by replication.csv", row.at_us))
        }
        None => Some("arrived, and by replication.csv it was never sent".to_owned()),
        _ => None,
    }
}

/// A follower as its arrivals so far leave it.
#[derive(Default)]
struct Follower<'a> {
    last_us: Option<Micros>,
    held: BTreeMap<&'a str, Version>,
}

impl<'a> Follower<'a> {
    /// What its earlier arrivals rule out of this one.
    fn arrive(&mut self, facts: &Facts<'_>, row: &'a ArrivalRow) -> Option<String> {
        let network = &facts.run.manifest.config.network;
        let before_us = self.last_us.replace(row.at_us);
        let held = self.held.get(row.key.as_str()).copied();
        if row.applied {
            self.held.insert(&row.key, row.version);
        }
        if let Some(before_us) = before_us.filter(|before_us| *before_us > row.at_us) {
            return Some(format!("arrived at {} us, and the line before it at {before_us} us", row.at_us));
        }
        match network.order {
            ReplicationOrder::Arrival if network.catch_up == CatchUp::Off && !row.applied => {
                Some("was not applied, and followers apply in arrival order".to_owned())
            }
            ReplicationOrder::Version if facts.run.manifest.trace_dropped == 0 => {
                let newer = held.is_none_or(|held| row.version > held);
                let held = held.map_or(0, Version::get);
                match (newer, row.applied) {
                    (true, false) => Some(format!("was not applied over version {held}, which is older")),
                    (false, true) => Some(format!("was applied over version {held}, which is as new")),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}
