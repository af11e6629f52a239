//! The order of writes by the leader's numbers, and each write's place in it.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use super::write::{PlaceInOrder, WriteCopies};
use crate::data::{FaultEvent, RunData};
use crate::model::{Micros, Version};

/// By key: the term, the number and the index of each write whose number is known.
pub(super) type ByKey<'a> = BTreeMap<&'a str, Vec<(u32, Version, usize)>>;

/// Gives the writes of each key their places, by term and version; returns their indices by key and place.
pub(super) fn place(writes: &mut [WriteCopies<'_>], by_key: ByKey<'_>) -> Vec<Vec<usize>> {
    let mut order: Vec<(u32, Version, usize)> = by_key.values().flatten().copied().collect();
    order.sort_unstable();
    let overall: HashMap<usize, usize> =
        order.iter().enumerate().map(|(place, (_, _, index))| (*index, place)).collect();
    let mut of_key = Vec::with_capacity(by_key.len());
    for (key, mut of_one) in by_key.into_values().enumerate() {
        of_one.sort_unstable();
        for (place, (_, _, index)) in of_one.iter().enumerate() {
            let overall = overall.get(index).copied().unwrap_or_default();
            writes[*index].place = Some(PlaceInOrder { key, place, overall });
        }
        of_key.push(of_one.into_iter().map(|(_, _, index)| index).collect());
    }
    of_key
}

/// Whether the leader numbers the writes of each key by themselves: it gave two writes the same number.
pub(super) fn counts_each_key(by_key: &ByKey<'_>) -> bool {
    let mut numbers: Vec<(u32, Version)> =
        by_key.values().flatten().map(|(term, number, _)| (*term, *number)).collect();
    numbers.sort_unstable();
    numbers.windows(2).any(|pair| pair[0] == pair[1])
}

/// Numbers the writes of one key, given in their order, so that they stand among those of other keys by when their clients
/// sent them.
pub(super) fn numbered_by_start(
    in_order: impl IntoIterator<Item = (u32, usize)>,
    writes: &[WriteCopies<'_>],
) -> Vec<(u32, Version, usize)> {
    let mut last = 0;
    let numbered = in_order.into_iter().map(|(term, index)| {
        let sent_us = u64::try_from(writes[index].row.start_us.get()).unwrap_or(0);
        last = sent_us.max(last + 1);
        (term, Version::new(last), index)
    });
    numbered.collect()
}

/// When which leader was in office: one that was restarted counts its versions from 1 again.
pub(super) struct Terms(Vec<Micros>);

impl Terms {
    pub(super) fn of(run: &RunData) -> Self {
        let restarts = run.faults.iter().filter(|row| row.node.is_leader() && row.kind == FaultEvent::Restart);
        Self(restarts.map(|row| row.begun_us).collect())
    }

    pub(super) fn at(&self, at_us: Micros) -> u32 {
        self.0.iter().filter(|begun_us| **begun_us <= at_us).map(|_| 1).sum()
    }

    pub(super) fn last(&self) -> u32 {
        self.at(Micros::MAX)
    }
}
