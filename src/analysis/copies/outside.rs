//! The account of a run by what clients saw of it, for systems that keep no trace, and beside the trace of those that do.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use super::looks::{Looks, Showing};
use super::order::{Span, known_order};
use super::seen::SeenFollower;
use super::terms::{ByKey, Terms, counts_each_key, numbered_by_start, place};
use super::write::WriteCopies;
use crate::analysis::early::EarlyFollower;
use crate::data::RunData;
use crate::model::{Micros, NodeId, Version, WriteId};

/// How many copies of acknowledged writes were seen.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Sightings {
    /// Acknowledged writes times followers.
    pub(crate) copies: u64,
    /// Of which both ends of the arrival are known.
    pub(crate) resolved: u64,
    /// That were never seen, while a newer write of the key was.
    pub(crate) hidden: u64,
    /// How long the intervals of the resolved ones are.
    pub(crate) widths_us: Vec<Micros>,
}

/// A run by what clients saw.
pub(super) struct Seen<'a> {
    /// By number in the plan.
    pub(super) writes: Vec<WriteCopies<'a>>,
    /// By key number, then by place: indices into `writes`.
    pub(super) of_key: Vec<Vec<usize>>,
    /// By index.
    pub(super) followers: Vec<SeenFollower>,
}

impl<'a> Seen<'a> {
    pub(super) fn of(run: &'a RunData) -> Self {
        let index: HashMap<WriteId, usize> =
            run.writes.iter().enumerate().map(|(index, row)| (row.write, index)).collect();
        let early = EarlyFollower::all(run);
        let is_believed = |node: NodeId| early.iter().all(|of| of.follower != node);
        let nodes = NodeId::followers(run.manifest.config.followers);
        let mut followers: Vec<SeenFollower> =
            nodes.map(|node| SeenFollower::of(run, node, is_believed(node), &index)).collect();
        // A reader may have heard the version of a write whose client had no answer.
        let read: HashMap<WriteId, Version> = run.reads.iter().filter_map(|row| row.write.zip(row.version)).collect();
        let writes = run.writes.iter().map(|row| {
            let version = row.version.or_else(|| read.get(&row.write).copied());
            WriteCopies { row, version, place: None, arrivals: Vec::new() }
        });
        let mut writes: Vec<WriteCopies<'a>> = writes.collect();
        let capabilities = run.manifest.capabilities();
        let by_key = if capabilities.versions {
            by_version(run, &writes)
        } else {
            by_clients(&writes, &followers, capabilities.ordered_log)
        };
        let of_key = place(&mut writes, by_key);
        let place_of = |write: usize| writes[write].place.map_or(0, |place| place.place + 1);
        let showing = Showing::of(&capabilities);
        followers.iter_mut().for_each(|follower| follower.rank(place_of, showing));
        for (index, write) in writes.iter_mut().enumerate() {
            write.arrivals = followers.iter().map(|follower| follower.arrival(index, write)).collect();
        }
        Self { writes, of_key, followers }
    }
}

impl Sightings {
    pub(super) fn of(followers: &[SeenFollower], writes: &[WriteCopies<'_>]) -> Self {
        let mut sightings = Self::default();
        for (index, write) in writes.iter().enumerate().filter(|(_, write)| write.acknowledged_us().is_some()) {
            for (follower, arrival) in followers.iter().zip(&write.arrivals) {
                sightings.copies += 1;
                sightings.hidden += u64::from(follower.is_hidden(index, write));
                if let Some((earliest_us, latest_us)) = arrival.earliest_us.zip(arrival.latest_us) {
                    sightings.resolved += 1;
                    sightings.widths_us.push(latest_us - earliest_us);
                }
            }
        }
        sightings
    }
}

/// The writes of each key, by the leader's numbers.
fn by_version<'a>(run: &RunData, writes: &[WriteCopies<'a>]) -> ByKey<'a> {
    let terms = Terms::of(run);
    let mut by_key = ByKey::new();
    for (index, write) in writes.iter().enumerate() {
        if let Some(version) = write.version {
            let term = if write.row.version.is_some() { terms.at(write.row.end()) } else { terms.last() };
            by_key.entry(&write.row.key).or_default().push((term, version, index));
        }
    }
    if counts_each_key(&by_key) {
        for of_one in by_key.values_mut() {
            of_one.sort_unstable();
            *of_one = numbered_by_start(of_one.iter().map(|(term, _, index)| (*term, *index)), writes);
        }
    }
    by_key
}

/// The writes of each key whose order is known, by their clients and by what followers showed.
fn by_clients<'a>(writes: &[WriteCopies<'a>], followers: &[SeenFollower], is_log: bool) -> ByKey<'a> {
    let mut spans: BTreeMap<&str, Vec<Span>> = BTreeMap::new();
    for (index, write) in writes.iter().enumerate() {
        spans.entry(&write.row.key).or_default().push(Span::of(index, write.row));
    }
    let of_key = |(key, spans)| {
        let looks: Vec<&Looks> = followers.iter().filter_map(|follower| follower.looks(key)).collect();
        let is_before = |a: usize, b: usize| {
            let shown = looks.iter().filter_map(|looks| Some(looks.phase_of(a)? < looks.phase_of(b)?));
            let mut shown = shown.filter(|_| is_log);
            let first = shown.next()?;
            shown.all(|other| other == first).then_some(first)
        };
        (key, numbered_by_start(known_order(spans, is_before).into_iter().map(|index| (0, index)), writes))
    };
    spans.into_iter().map(of_key).collect()
}
