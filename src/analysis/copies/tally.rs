//! What a replay counts: copies of acknowledged writes over time, and what the leader's death would cost.

use crate::analysis::bounds::Bounds;
use crate::model::Micros;

/// A count over time: its integral over the load, and the most it came to.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CountOverTime {
    /// The count times the microseconds it lasted, within the load.
    pub(crate) area: Bounds<f64>,
    /// The most within the load.
    pub(crate) most: Bounds<f64>,
    /// When the upper end was first that high.
    pub(crate) most_at_us: Micros,
}

impl CountOverTime {
    pub(super) fn add(&mut self, now: Bounds<f64>, from_us: Micros, lasted_us: f64) {
        self.area.lower += now.lower * lasted_us;
        self.area.upper += now.upper * lasted_us;
        self.most.lower = self.most.lower.max(now.lower);
        if now.upper > self.most.upper {
            (self.most.upper, self.most_at_us) = (now.upper, from_us);
        }
    }
}

/// Who held a write when it was acknowledged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AtAck {
    /// Followers that held it or a newer write of its key.
    pub(crate) held: Bounds<usize>,
    /// Followers that could be asked.
    pub(crate) asked: usize,
    /// How many of these held it or a newer one.
    pub(crate) asked_held: Bounds<usize>,
}

/// What would be lost if the leader died now and a follower took its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Losses {
    /// Acknowledged writes that the follower with the newest write does not hold.
    pub(crate) most_advanced: Bounds<f64>,
    /// The mean over the followers that could take over.
    pub(crate) random: Bounds<f64>,
}

/// What a replay ends with.
pub(crate) struct Tally {
    /// The number of acknowledged writes that have 0, 1, ... N copies.
    pub(crate) by_copies: Vec<CountOverTime>,
    /// The same when everything has been played.
    pub(crate) in_the_end: Vec<Bounds<u64>>,
    pub(crate) most_advanced: CountOverTime,
    pub(crate) random: CountOverTime,
    /// Acknowledged writes that an older one is known to have replaced on some follower.
    pub(crate) overwritten_writes: u64,
    /// Copies of acknowledged writes that were so replaced.
    pub(crate) overwritten_copies: u64,
    /// In the order of the acknowledgements.
    pub(crate) at_ack: Vec<AtAck>,
}
