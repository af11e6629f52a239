//! What the faults of a run did: to the writes that met them, to the copies, and to what was
//! left at the end.

use std::collections::BTreeMap;

use serde::Serialize;

use super::consistency::{Cause, CellState, Counts, FollowerConsistency, RunConsistency};
use super::need::{Need, Withheld};
use super::stats::Sample;
use crate::data::{FaultEvent, FaultRow, ReplicationOutcome, ReplicationRow, RunData, WriteOutcome, WriteRow};
use crate::model::{Micros, NodeId, WriteId};

mod left_out;
mod loss;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests;

pub use left_out::faults_left_out;
pub use loss::{LeaderLoss, LostWrite};

/// What the faults of one run did.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FaultFigures {
    /// W.
    pub quorum: u32,
    /// Each fault as it came about, in the order in which they began.
    pub spells: Vec<Spell>,
    /// Writes that were under way at any time of any of them, each counted once.
    pub met: u64,
    /// Those among them that were not acknowledged.
    pub missed: u64,
    /// What became of the followers that came back, by follower.
    pub returned: Vec<Returned>,
    /// What the leader's death cost; `None` if it lived, or the system does not tell what arrived where.
    pub leader_loss: Option<LeaderLoss>,
}

/// One fault, from its beginning to its end.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Spell {
    /// Whom it met.
    pub node: NodeId,
    /// Its kind: `kill`, `stop`, `pause`, `partition`, `slow` or another.
    pub kind: FaultEvent,
    /// How: the signal, from whom the node was cut off, or what was added.
    pub detail: Option<String>,
    /// When it began to be brought about, in milliseconds from the run's start.
    pub begun_ms: f64,
    /// When the node was back; absent where it never was.
    pub ended_ms: Option<f64>,
    /// The writes that were under way at any time of it.
    pub writes: Met,
    /// Copies for the node that were sent, or begun and never sent, meanwhile and were lost.
    /// Absent where the leader's trace is lost.
    pub lost_copies: Option<LostCopies>,
}

/// How the writes ended that a fault met.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Met {
    /// With their quorum.
    pub ok: u64,
    /// Without it.
    pub failed: u64,
    /// Without an answer.
    pub unknown: u64,
    /// How soon those that failed did, from the fault's beginning or their own start, whichever
    /// was later.
    pub failed_after: Option<Spread>,
    /// How soon those that failed did once the copy that put the quorum out of reach had been
    /// sent: at once where the refusal is certain, at the replication timeout where it is not.
    pub failed_after_sent: Option<Spread>,
    /// As `failed_after`, for those without an answer.
    pub unknown_after: Option<Spread>,
}

/// Times in milliseconds.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// The least.
    pub min_ms: f64,
    /// The median.
    pub median_ms: f64,
    /// The greatest.
    pub max_ms: f64,
}

/// Copies that did not get through, by what the leader saw of them.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct LostCopies {
    /// Refused: the loss was certain at once.
    pub failed: u64,
    /// Unanswered until the replication timeout.
    pub timeout: u64,
}

/// A follower that was down, frozen, cut off or slow, and is no more.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Returned {
    /// The follower.
    pub follower: NodeId,
    /// Its pairs at the end against the leader's; absent where either could not be asked, or
    /// replications were still in flight.
    pub pairs: Option<Counts>,
    /// Pairs without a value, or that differ because the newest write was lost or erased: what it
    /// never made good.
    pub missed: u64,
    /// Pairs that differ because an older write arrived last, as may happen without any fault.
    pub overtaken: u64,
    /// Whether it has made good all it missed; absent where its pairs are not known, or the trace
    /// does not say why one of them differs.
    pub caught_up: Option<bool>,
}

impl FaultFigures {
    /// The figures of a run; `None` of one in which nothing was broken.
    #[must_use]
    pub fn of(run: &RunData, consistency: &RunConsistency) -> Option<Self> {
        let spells = spells(run);
        let has_trace = Withheld::of(run, &[Need::Trace]).is_none();
        let met = |row: &&WriteRow| spells.iter().any(|span| span.meets(row.start_us, row.end()));
        let met: Vec<&WriteRow> = run.writes.iter().filter(met).collect();
        (!spells.is_empty()).then(|| Self {
            quorum: run.manifest.quorum.get(),
            met: met.len() as u64,
            missed: met.iter().filter(|row| row.outcome != WriteOutcome::Ok).count() as u64,
            returned: returned(run, &spells, consistency),
            leader_loss: (leader_died(&spells) && has_trace).then(|| LeaderLoss::of(run)),
            spells: spells.iter().map(|span| Spell::of(run, span)).collect(),
        })
    }
}

/// Tells the writes that met no fault: all of them in a run without any.
pub(crate) fn undisturbed(run: &RunData) -> impl Fn(&WriteRow) -> bool {
    let spells = spells(run);
    move |row| !spells.iter().any(|span| span.meets(row.start_us, row.end()))
}

/// A fault's rows put together: what began it and what ended it. Times are microseconds.
struct Span<'a> {
    row: &'a FaultRow,
    ended_us: Option<Micros>,
}

impl Span<'_> {
    /// Whether any of these times, the later one open, is within the fault.
    fn meets(&self, from_us: Micros, to_us: Micros) -> bool {
        to_us >= self.row.begun_us && self.ended_us.is_none_or(|ended_us| from_us <= ended_us)
    }
}

/// Pairs each beginning with the next end of its kind at its node.
fn spells(run: &RunData) -> Vec<Span<'_>> {
    let rows = &run.faults;
    let end = |after: usize, node: NodeId, kind| {
        rows.iter().skip(after + 1).find(|row| row.node == node && row.kind == kind).map(|row| row.ended_us)
    };
    let begun = rows.iter().enumerate().filter_map(|(index, row)| Some((index, row, row.kind.ended_by()?)));
    begun.map(|(index, row, kind)| Span { row, ended_us: end(index, row.node, kind) }).collect()
}

fn leader_died(spells: &[Span<'_>]) -> bool {
    spells.iter().any(|span| span.row.node.is_leader() && span.row.kind.ends_the_node())
}

/// What the followers that came back hold at the end.
fn returned(run: &RunData, spells: &[Span<'_>], consistency: &RunConsistency) -> Vec<Returned> {
    let back = |node: NodeId| spells.iter().any(|span| span.row.node == node && span.ended_us.is_some());
    let known = run.manifest.settled && consistency.settled.has_leader();
    let followers = consistency.settled.followers.iter().filter(|follower| back(follower.follower));
    followers.map(|follower| Returned::of(follower, follower.counts.filter(|_| known), consistency)).collect()
}

impl Returned {
    fn of(follower: &FollowerConsistency, pairs: Option<Counts>, consistency: &RunConsistency) -> Self {
        let own = consistency.settled.differing().filter(|cell| pairs.is_some() && cell.follower == follower.follower);
        let (mut missed, mut overtaken, mut unexplained) = (0, 0, 0);
        for cell in own {
            match (cell.state, cell.cause) {
                // No older write leaves a key empty.
                (CellState::Missing, _) | (_, Some(Cause::Lost { .. } | Cause::Erased { .. })) => missed += 1,
                (_, Some(Cause::Overtaken { .. })) => overtaken += 1,
                (_, Some(Cause::Lagging { .. } | Cause::Unknown) | None) => unexplained += 1,
            }
        }
        let caught_up = match (pairs, missed, unexplained) {
            (None, ..) | (_, 0, 1..) => None,
            (_, missed, _) => Some(missed == 0),
        };
        Self { follower: follower.follower, pairs, missed, overtaken, caught_up }
    }
}

impl Spell {
    fn of(run: &RunData, span: &Span<'_>) -> Self {
        Self {
            node: span.row.node,
            kind: span.row.kind,
            detail: span.row.detail.clone(),
            begun_ms: span.row.begun_us.as_ms(),
            ended_ms: span.ended_us.map(Micros::as_ms),
            writes: Met::of(run, span),
            lost_copies: (!run.replication.is_empty()).then(|| LostCopies::of(run, span)),
        }
    }
}

impl Met {
    fn of(run: &RunData, span: &Span<'_>) -> Self {
        let met: Vec<&WriteRow> = run.writes.iter().filter(|row| span.meets(row.start_us, row.end())).collect();
        let with = |outcome| met.iter().filter(move |row| row.outcome == outcome);
        let after = |outcome| {
            let times = with(outcome).map(|row| row.end() - row.start_us.max(span.row.begun_us));
            Spread::of(&times.collect::<Sample>())
        };
        Self {
            ok: with(WriteOutcome::Ok).count() as u64,
            failed: with(WriteOutcome::Failed).count() as u64,
            unknown: with(WriteOutcome::Unknown).count() as u64,
            failed_after: after(WriteOutcome::Failed),
            failed_after_sent: Spread::of(&failed_after_sent(run, with(WriteOutcome::Failed))),
            unknown_after: after(WriteOutcome::Unknown),
        }
    }
}

/// From the sending of the copy that put each write's quorum out of reach to its refusal: with N
/// followers and a quorum of W that is the (N - W + 1)-th of the copies that were lost.
fn failed_after_sent<'a>(run: &RunData, failed: impl Iterator<Item = &'a &'a WriteRow>) -> Sample {
    let mut sent: BTreeMap<WriteId, Vec<Option<Micros>>> = BTreeMap::new();
    let is_lost =
        |row: &&ReplicationRow| matches!(row.outcome, ReplicationOutcome::Failed | ReplicationOutcome::Timeout);
    for row in run.replication.iter().filter(is_lost) {
        sent.entry(row.write).or_default().push(row.sent_us);
    }
    let (followers, quorum) = (run.manifest.config.followers.get(), run.manifest.quorum.get());
    let spare = followers.checked_sub(quorum);
    let after = |row: &WriteRow| {
        // One that was never sent, its delay being longer than the timeout, has no such time.
        let mut of_write: Vec<Micros> = sent.get(&row.write)?.iter().copied().collect::<Option<_>>()?;
        of_write.sort_unstable();
        Some(row.end() - *of_write.get(spare? as usize)?)
    };
    failed.filter_map(|row| after(row)).collect()
}

impl Spread {
    fn of(sample: &Sample) -> Option<Self> {
        let median_ms = sample.quantile(0.5)?.value_ms;
        Some(Self { min_ms: sample.min_ms()?, median_ms, max_ms: sample.max_ms()? })
    }
}

impl LostCopies {
    /// Lost copies for the node, or for every follower where it is the leader, that were on
    /// their way at any time of the fault.
    fn of(run: &RunData, span: &Span<'_>) -> Self {
        let started: BTreeMap<WriteId, Micros> = run.writes.iter().map(|row| (row.write, row.start_us)).collect();
        let limit_us = run.manifest.config.network.replication_timeout_s.span();
        let meets = |row: &&ReplicationRow| {
            let begun_us = started.get(&row.write).copied().unwrap_or_default();
            (span.row.node.is_leader() || span.row.node == row.follower)
                && span.meets(row.sent_us.unwrap_or(begun_us), begun_us + limit_us)
        };
        let count = |outcome| run.replication.iter().filter(meets).filter(|row| row.outcome == outcome).count() as u64;
        Self { failed: count(ReplicationOutcome::Failed), timeout: count(ReplicationOutcome::Timeout) }
    }
}
