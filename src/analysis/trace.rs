//! Each write's way through the cluster, put together from the rows of a run.

use std::collections::HashMap;

use crate::data::{RunData, WriteOutcome, WriteRow, follower_name};

/// One write and where it got to. Times are microseconds from the run's start.
#[derive(Debug)]
pub(crate) struct TracedWrite<'a> {
    pub(crate) row: &'a WriteRow,
    /// The leader's number, from its answer or its trace.
    pub(crate) version: Option<u64>,
    /// By follower index: when it first arrived there, by the follower's trace, or at the latest,
    /// by its acknowledgement: a follower that was killed took its trace with it.
    pub(crate) arrived_us: Vec<Option<i64>>,
    /// By follower index: when the leader had that follower's acknowledgement.
    pub(crate) acked_us: Vec<Option<i64>>,
    /// How many of its replications the leader's trace holds.
    pub(crate) replications: usize,
}

impl TracedWrite<'_> {
    /// When the client heard that the quorum was reached; `None` of a write that was not
    /// acknowledged.
    pub(crate) fn acknowledged_us(&self) -> Option<i64> {
        (self.row.outcome == WriteOutcome::Ok)
            .then(|| i64::try_from(self.row.start_us.saturating_add(self.row.latency_us)).unwrap_or(i64::MAX))
    }

    /// How many followers it had reached by then.
    pub(crate) fn copies_at(&self, at_us: i64) -> usize {
        self.arrived_us.iter().flatten().filter(|arrived_us| **arrived_us <= at_us).count()
    }

    /// When it had reached every follower; `None` if it never did, or the trace does not say.
    pub(crate) fn everywhere_us(&self) -> Option<i64> {
        self.arrived_us.iter().copied().collect::<Option<Vec<i64>>>()?.into_iter().max()
    }

    /// Whether the traces hold every replication, so that what is not there did not happen.
    pub(crate) fn is_complete(&self) -> bool {
        self.replications >= self.arrived_us.len() || self.arrived_us.iter().all(Option::is_some)
    }
}

/// A run's writes, by number, with their ways. Rows of followers there are not are left out.
pub(crate) fn traced_writes(run: &RunData) -> Vec<TracedWrite<'_>> {
    let names: Vec<String> = (0..run.manifest.config.followers.get() as usize).map(follower_name).collect();
    let followers: HashMap<&str, usize> =
        names.iter().enumerate().map(|(index, name)| (name.as_str(), index)).collect();
    let versions: HashMap<u64, u64> = run.replication.iter().map(|row| (row.write, row.version)).collect();
    let mut writes: Vec<TracedWrite<'_>> = run
        .writes
        .iter()
        .map(|row| TracedWrite {
            row,
            version: row.version.or_else(|| versions.get(&row.write).copied()),
            arrived_us: vec![None; names.len()],
            acked_us: vec![None; names.len()],
            replications: 0,
        })
        .collect();
    let by_number: HashMap<u64, usize> = writes.iter().enumerate().map(|(i, write)| (write.row.write, i)).collect();
    let by_version: HashMap<u64, usize> =
        writes.iter().enumerate().filter_map(|(i, write)| Some((write.version?, i))).collect();
    for row in &run.replication {
        let place =
            by_number.get(&row.write).and_then(|i| writes.get_mut(*i)).zip(followers.get(row.follower.as_str()));
        if let Some((write, follower)) = place {
            write.replications += 1;
            write.acked_us[*follower] = row.acked_us;
            write.arrived_us[*follower] = row.acked_us;
        }
    }
    for row in &run.arrivals {
        let place =
            by_version.get(&row.version).and_then(|i| writes.get_mut(*i)).zip(followers.get(row.follower.as_str()));
        if let Some((write, follower)) = place {
            // The first of several arrivals: a follower that came back empty may be sent it again.
            let arrived_us = write.arrived_us[*follower].unwrap_or(i64::MAX);
            write.arrived_us[*follower] = Some(arrived_us.min(row.at_us));
        }
    }
    writes
}
