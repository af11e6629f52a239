//! t-visibility: the chance that a read begun t after a write's acknowledgement returns it.

use serde::Serialize;

use crate::analysis::chance::Chance;
use crate::analysis::series::{Dependence, is_open_beyond};
use crate::analysis::stats::{Interval, first_that, quantile_ranks};
use crate::model::TimeSpan;

/// Differences of chances that mean nothing.
const ROUNDING: f64 = 1e-9;

/// Fewest pairs of a write and a follower that are to lie beyond a quantile: with fewer it is
/// little else than the sample's greatest value. 99.9 % takes 4,000 pairs, 99 % takes 400.
const FEWEST_BEYOND: f64 = 4.0;

/// Whether this number of pairs of a write and a follower tells the `p` quantile: at least 4 / (1 - p).
#[must_use]
pub fn is_enough(pairs: u64, p: f64) -> bool {
    pairs as f64 * (1.0 - p) >= FEWEST_BEYOND - ROUNDING
}

/// The t-visibility of one read.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Visibility {
    /// The chance that a read at the acknowledgement does not return the write.
    pub stale_at_ack: Chance,
    /// From when on half of the reads return it; absent where they never do.
    pub p50: Option<VisibleAfter>,
    /// From when on 90 % of reads return it; absent where they never do.
    pub p90: Option<VisibleAfter>,
    /// From when on 99 % of reads return it; absent where they never do.
    pub p99: Option<VisibleAfter>,
    /// From when on 99.9 % of reads return it; absent where they never do.
    pub p999: Option<VisibleAfter>,
}

/// From when on some share of reads returns a write.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct VisibleAfter {
    /// Milliseconds after the acknowledgement; absent where there are too few pairs of a write and a
    /// follower to say, at least 4 / (1 - share).
    #[cfg_attr(test, schemars(range(min = 0.0)))]
    pub ms: Option<f64>,
    /// Its 95 % interval; without an end where the data do not give it. Without `ms` the lower end
    /// is what it is at least.
    pub interval_ms: Interval,
}

/// A chance that grows with the time since the acknowledgement.
pub(super) trait Visible {
    /// The chance that a read begun `t_us` after the acknowledgement returns the write; none
    /// without data.
    fn seen(&self, t_us: TimeSpan) -> Option<Chance>;

    /// How far a chance may be from what it estimates, below and above; `None` if it has no interval.
    fn margins(&self, chance: &Chance) -> Option<[f64; 2]> {
        let Interval { lower, upper } = chance.interval;
        Some([chance.value - lower?, upper? - chance.value])
    }

    /// Of how many pairs of a write and a follower, or reads, it is the average; `None` if it is exact.
    fn pairs(&self) -> Option<u64> {
        None
    }

    /// Whether the chance at the acknowledgement only repeats how many acknowledgements it waits for.
    fn is_identity(&self) -> bool {
        false
    }

    /// Whether neighbouring writes depend on each other; `None` of a prediction.
    fn dependence(&self) -> Option<Dependence> {
        None
    }

    /// Whether neighbouring writes depend on each other.
    fn is_dependent(&self) -> bool {
        self.dependence().is_some_and(|dependence| dependence.is_dependent)
    }

    /// A time from which on the chance does not grow any more.
    fn last_us(&self) -> TimeSpan;

    /// The least time from which on the chance is `p` at least.
    fn visible_us(&self, p: f64) -> Option<TimeSpan> {
        let holds = |t_us| self.seen(TimeSpan::new(t_us)).is_some_and(|chance| chance.value >= p - ROUNDING);
        let last = self.last_us().get();
        holds(last).then(|| TimeSpan::new(first_that(last, holds)))
    }

    /// The same with its interval: between the times at which the chance is `p` less and more what may
    /// be missing of it there. R. S. Woodruff, "Confidence intervals for medians and
    /// other position measures", Journal of the American Statistical Association 47 (1952), 635-646.
    /// It has no upper end if every read of the sample sees the write only then, nor in the tail of
    /// writes that depend on each other, see [`is_open_beyond`].
    fn visible_after(&self, p: f64) -> Option<VisibleAfter> {
        if self.is_identity() && self.seen(TimeSpan::ZERO).is_some_and(|at_ack| at_ack.value >= p - ROUNDING) {
            // What only repeats how many acknowledgements are waited for is there at once in every run.
            let at_once = Interval { lower: Some(0.0), upper: Some(0.0) };
            return Some(VisibleAfter { ms: Some(0.0), interval_ms: at_once });
        }
        if let Some(pairs) = self.pairs().filter(|pairs| !is_enough(*pairs, p)) {
            return self.visible_at_least(p, pairs);
        }
        let t_us = self.visible_us(p)?;
        let chance = self.seen(t_us)?;
        let [below, above] = self.margins(&chance).map_or([None; 2], |margins| margins.map(Some));
        let at = |chance: f64| self.visible_us(chance).map(TimeSpan::as_ms);
        // Past the last of a sample nothing tells how much later the next may be.
        let is_last = t_us > TimeSpan::ZERO && chance.value >= 1.0 - ROUNDING;
        let is_open = is_last || self.is_dependent() && is_open_beyond(p);
        let interval_ms = Interval {
            lower: below.and_then(|below| at(p - below)),
            upper: above.filter(|_| !is_open).and_then(|above| at(p + above)),
        };
        Some(VisibleAfter { ms: Some(t_us.as_ms()), interval_ms })
    }

    /// The lower end of the distribution-free interval of order statistics; nothing of writes that
    /// depend on each other.
    fn visible_at_least(&self, p: f64, pairs: u64) -> Option<VisibleAfter> {
        if self.is_dependent() {
            return Some(VisibleAfter { ms: None, interval_ms: Interval { lower: None, upper: None } });
        }
        let rank = quantile_ranks(pairs as usize, p).0;
        let share = rank.map_or(0.0, |rank| rank as f64 / pairs as f64);
        let lower = Some(self.visible_us(share)?.as_ms());
        Some(VisibleAfter { ms: None, interval_ms: Interval { lower, upper: None } })
    }

    /// The figures; none without data.
    fn figures(&self) -> Option<Visibility> {
        Some(Visibility {
            stale_at_ack: self.seen(TimeSpan::ZERO)?.complement(),
            p50: self.visible_after(0.5),
            p90: self.visible_after(0.9),
            p99: self.visible_after(0.99),
            p999: self.visible_after(0.999),
        })
    }
}
