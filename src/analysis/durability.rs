//! What the leader's death would have cost at each instant of the load, and whether an
//! acknowledgement meant what it promised.

use serde::Serialize;

use self::replay::{Replay, Tally};
use super::stats::ms;
use super::trace::{TracedWrite, traced_writes};
use crate::data::RunData;

mod replay;
#[cfg(test)]
mod tests;

/// How much later than the acknowledgement a copy may seem to arrive before that is a breach:
/// the nodes' clocks are one on one machine, and known to about this much otherwise.
const CLOCK_TOLERANCE_US: i64 = 1_000;

/// Acknowledged writes with exactly so many copies.
///
/// A follower holds a copy of a write while it holds that write or a newer one of its key. The
/// leader's own is not counted: it is what would be lost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Exposure {
    /// How many followers hold a copy: 0 is what would be lost with the leader.
    pub copies: u32,
    /// Writes in that state, averaged over every instant of the load.
    pub mean_writes: f64,
    /// The most writes in that state at any instant of the load.
    pub max_writes: u64,
    /// The first instant at which there were so many, in milliseconds from the run's start.
    pub max_at_ms: f64,
    /// Writes in that state once nothing was in flight.
    pub settled_writes: u64,
}

/// What could have been lost at one quorum.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Durability {
    /// W.
    pub quorum: u32,
    /// Acknowledged writes whose version is known: what the figures are made of.
    pub acknowledged: u64,
    /// Acknowledged writes whose version is not known.
    pub without_version: u64,
    /// By number of copies, from 0 to N.
    pub exposure: Vec<Exposure>,
    /// Acknowledged writes that an older one replaced on some follower.
    pub overwritten_writes: u64,
    /// Copies of acknowledged writes that were so replaced.
    pub overwritten_copies: u64,
    /// Acknowledged writes whose promise could be checked against the trace.
    pub checked: u64,
    /// Acknowledged writes whose trace is not complete and shows fewer than W copies.
    pub unchecked: u64,
    /// What broke the promise that an acknowledged write is on W followers at least.
    pub breach: Option<GuaranteeBreach>,
}

/// Acknowledged writes were on fewer than W followers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, thiserror::Error)]
#[error(
    "{writes} of {checked} acknowledged writes were on fewer than W = {quorum} followers when acknowledged, \
     first write {}, on {} at {:.1} ms", .first.write, .first.copies, .first.acknowledged_ms
)]
pub struct GuaranteeBreach {
    /// W.
    pub quorum: u32,
    /// How many writes.
    pub writes: u64,
    /// Of how many that could be checked.
    pub checked: u64,
    /// The first of them, by number.
    pub first: BreachedWrite,
}

/// A write that was acknowledged too early.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BreachedWrite {
    /// Its number in the plan.
    pub write: u64,
    /// When its client heard of the quorum, in milliseconds from the run's start.
    pub acknowledged_ms: f64,
    /// Followers that had it then.
    pub copies: u32,
}

impl Durability {
    /// What could have been lost in one run.
    #[must_use]
    pub fn of(run: &RunData) -> Self {
        let writes = traced_writes(run);
        let promise = Promise::of(run, &writes);
        let tally = Replay::new(run, &writes).run();
        let acked = writes.iter().filter(|write| write.acknowledged_us().is_some());
        let (known, unknown): (Vec<_>, Vec<_>) = acked.partition(|write| write.version.is_some());
        Self {
            quorum: run.manifest.quorum.get(),
            acknowledged: known.len() as u64,
            without_version: unknown.len() as u64,
            exposure: exposures(&tally, run.manifest.load_us),
            overwritten_writes: tally.overwritten_writes,
            overwritten_copies: tally.overwritten_copies,
            checked: promise.checked,
            unchecked: promise.unchecked,
            breach: promise.breach(run.manifest.quorum.get()),
        }
    }

    /// Whether every acknowledged write that could be checked was on W followers.
    ///
    /// # Errors
    /// With what broke the promise.
    pub fn guarantee(&self) -> Result<(), GuaranteeBreach> {
        self.breach.map_or(Ok(()), Err)
    }
}

fn exposures(tally: &Tally, load_us: u64) -> Vec<Exposure> {
    let states = tally.states.iter().enumerate();
    states
        .map(|(copies, state)| Exposure {
            copies: u32::try_from(copies).unwrap_or(u32::MAX),
            mean_writes: if load_us > 0 { state.write_us as f64 / load_us as f64 } else { 0.0 },
            max_writes: state.most,
            max_at_ms: ms(state.most_at_us),
            settled_writes: state.writes,
        })
        .collect()
}

/// "Acknowledged means on W followers", write by write.
struct Promise {
    checked: u64,
    unchecked: u64,
    broken: Vec<BreachedWrite>,
}

impl Promise {
    fn of(run: &RunData, writes: &[TracedWrite<'_>]) -> Self {
        let quorum = run.manifest.quorum.get();
        let mut promise = Self { checked: 0, unchecked: 0, broken: Vec::new() };
        for write in writes {
            let Some(acknowledged_us) = write.acknowledged_us() else { continue };
            let copies = u32::try_from(received(write, acknowledged_us)).unwrap_or(u32::MAX);
            if copies < quorum && !write.is_complete() {
                promise.unchecked += 1;
                continue;
            }
            promise.checked += 1;
            if copies < quorum {
                let acknowledged_ms = ms(acknowledged_us);
                promise.broken.push(BreachedWrite { write: write.row.write, acknowledged_ms, copies });
            }
        }
        promise
    }

    fn breach(&self, quorum: u32) -> Option<GuaranteeBreach> {
        let first = *self.broken.iter().min_by_key(|write| write.write)?;
        Some(GuaranteeBreach { quorum, writes: self.broken.len() as u64, checked: self.checked, first })
    }
}

/// How many followers had received a write by then, by their own trace or the leader's.
fn received(write: &TracedWrite<'_>, at_us: i64) -> usize {
    let by = |time: &Option<i64>| time.is_some_and(|time| time <= at_us.saturating_add(CLOCK_TOLERANCE_US));
    write.arrived_us.iter().zip(&write.acked_us).filter(|(arrived, acked)| by(arrived) || by(acked)).count()
}
