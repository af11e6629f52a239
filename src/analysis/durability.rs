//! What the leader's death would have cost at each instant of the load, and whether an
//! acknowledgement meant what it promised.

use serde::Serialize;

pub use self::model::{ExpectedLoss, LossExpectation};
use super::bounds::Bounds;
use super::copies::{Copies, CountOverTime, Tally};
use crate::data::RunData;
use crate::model::{Micros, TimeSpan, WriteId};

mod model;
#[cfg(test)]
mod tests;

/// How much later than the acknowledgement a copy may seem to arrive before that is a breach:
/// the nodes' clocks are one on one machine, and known to about this much otherwise.
const CLOCK_TOLERANCE: TimeSpan = TimeSpan::new(1_000);

/// The acknowledged writes that have exactly this number of copies.
///
/// A follower holds a copy of a write while it holds that write or a newer one of its key. The
/// leader's own is not counted: it is what would be lost. A killed follower holds nothing.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Exposure {
    /// How many followers hold a copy: 0 is what would be lost with the leader.
    pub copies: u32,
    /// Writes in that state, averaged over every instant of the load.
    pub mean_writes: Bounds<f64>,
    /// The most writes in that state at any instant of the load.
    pub max_writes: Bounds<u64>,
    /// The first instant at which there may have been `max_writes`, in milliseconds from the run's start.
    pub max_at_ms: f64,
    /// Writes in that state once nothing was in flight.
    pub settled_writes: Bounds<u64>,
}

/// Acknowledged writes that would be lost if the leader died at an instant of the load and a
/// follower took its place as it is. Copies that wait for their injected delay die with the leader;
/// on a real network what has been sent would still arrive.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Loss {
    /// Averaged over every instant of the load.
    pub mean_writes: Bounds<f64>,
    /// The most at any instant of the load.
    pub max_writes: Bounds<f64>,
}

/// The loss by who takes the leader's place: a follower that could be asked at that instant.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LossAtDeath {
    /// The follower that has received the newest write, the first by name of several.
    pub most_advanced: Loss,
    /// A random one: the mean over all of them.
    pub random: Loss,
    /// Nobody alone: what any follower holds is put together. Equal to the writes on no follower.
    pub union: Loss,
}

/// What could have been lost at one quorum.
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
    /// Acknowledged writes lost with the leader.
    pub loss: LossAtDeath,
    /// The same by the model, see [`Self::with_model`]; absent where something was broken, and of loads
    /// too large to simulate.
    pub expected_loss: Option<ExpectedLoss>,
    /// Acknowledged writes that an older one is known to have replaced on some follower.
    pub overwritten_writes: u64,
    /// Copies of acknowledged writes that were so replaced.
    pub overwritten_copies: u64,
    /// Acknowledged writes that fewer than W followers held (it or a newer one) when the client heard
    /// of the quorum: an older write had replaced it, or its follower had died.
    pub held_by_fewer: Bounds<u64>,
    /// Acknowledged writes of which it is known whether they had reached W followers.
    pub checked: u64,
    /// Acknowledged writes of which the traces do not say.
    pub unchecked: u64,
    /// What broke the promise that an acknowledged write has reached W followers at least.
    pub breach: Option<GuaranteeBreach>,
}

/// Acknowledged writes had reached fewer than W followers.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize, thiserror::Error)]
#[error(
    "{writes} of the {checked} acknowledged writes that could be checked had reached fewer than W = {quorum} followers when acknowledged, \
     first write {}, which had reached {} at {:.1} ms", .first.write, .first.copies, .first.acknowledged_ms
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BreachedWrite {
    /// Its number in the plan.
    pub write: WriteId,
    /// When its client heard of the quorum, in milliseconds from the run's start.
    pub acknowledged_ms: f64,
    /// Followers that it had reached then.
    pub copies: u32,
}

impl Durability {
    /// What could have been lost in one run.
    #[must_use]
    pub fn of(run: &RunData) -> Self {
        Self::by(run, &Copies::of(run))
    }

    /// The same by one account of the run.
    pub(super) fn by(run: &RunData, copies: &Copies<'_>) -> Self {
        let quorum = run.manifest.quorum.get();
        let promise = Promise::of(quorum, copies);
        let tally = copies.tally();
        let acked = copies.writes.iter().filter(|write| write.acknowledged_us().is_some());
        let (known, unknown): (Vec<_>, Vec<_>) = acked.partition(|write| write.place.is_some());
        let exposure = exposures(tally, run.manifest.last_ack_us());
        let fewer = |copies: usize| copies < quorum as usize;
        let held = |end: fn(Bounds<usize>) -> usize| {
            tally.at_ack.iter().filter(|at_ack| fewer(end(at_ack.held))).count() as u64
        };
        let loss = |course: &CountOverTime| Loss {
            mean_writes: course.area.map(|area| mean(area, run.manifest.last_ack_us())),
            max_writes: course.most,
        };
        Self {
            quorum,
            acknowledged: known.len() as u64,
            without_version: unknown.len() as u64,
            loss: LossAtDeath {
                most_advanced: loss(&tally.most_advanced),
                random: loss(&tally.random),
                union: tally.by_copies.first().map_or(loss(&CountOverTime::default()), loss),
            },
            expected_loss: None,
            exposure,
            overwritten_writes: tally.overwritten_writes,
            overwritten_copies: tally.overwritten_copies,
            held_by_fewer: Bounds { lower: held(|held| held.upper), upper: held(|held| held.lower) },
            checked: promise.checked,
            unchecked: promise.unchecked,
            breach: promise.breach(quorum),
        }
    }

    /// With what the model says of runs that differ in their seed: one run's loss is one draw.
    #[must_use]
    pub fn with_model(self, run: &RunData) -> Self {
        Self { expected_loss: ExpectedLoss::of(&run.manifest.config, run.manifest.quorum), ..self }
    }

    /// Whether every acknowledged write that could be checked had reached W followers.
    ///
    /// # Errors
    /// With what broke the promise.
    pub fn guarantee(&self) -> Result<(), GuaranteeBreach> {
        self.breach.map_or(Ok(()), Err)
    }
}

/// An integral over the load as a mean.
fn mean(area: f64, load_us: Micros) -> f64 {
    if load_us > Micros::ZERO { area / load_us.get() as f64 } else { 0.0 }
}

fn exposures(tally: &Tally, load_us: Micros) -> Vec<Exposure> {
    let states = (0..).zip(tally.by_copies.iter().zip(&tally.in_the_end));
    states
        .map(|(copies, (course, settled_writes))| Exposure {
            copies,
            mean_writes: course.area.map(|area| mean(area, load_us)),
            max_writes: course.most.map(|most| most as u64),
            max_at_ms: course.most_at_us.as_ms(),
            settled_writes: *settled_writes,
        })
        .collect()
}

/// "Acknowledged means that W followers have received it", write by write.
struct Promise {
    checked: u64,
    unchecked: u64,
    broken: Vec<BreachedWrite>,
}

impl Promise {
    fn of(quorum: u32, copies: &Copies<'_>) -> Self {
        let mut promise = Self { checked: 0, unchecked: 0, broken: Vec::new() };
        for write in &copies.writes {
            let Some(acknowledged_us) = write.acknowledged_us() else { continue };
            let (certainly, possibly) = write.reached(acknowledged_us + CLOCK_TOLERANCE);
            if certainly >= quorum {
                promise.checked += 1;
            } else if possibly >= quorum {
                promise.unchecked += 1;
            } else {
                promise.checked += 1;
                let acknowledged_ms = acknowledged_us.as_ms();
                promise.broken.push(BreachedWrite { write: write.row.write, acknowledged_ms, copies: possibly });
            }
        }
        promise
    }

    fn breach(&self, quorum: u32) -> Option<GuaranteeBreach> {
        let first = *self.broken.iter().min_by_key(|write| write.write)?;
        Some(GuaranteeBreach { quorum, writes: self.broken.len() as u64, checked: self.checked, first })
    }
}
