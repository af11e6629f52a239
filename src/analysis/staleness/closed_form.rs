//! t-visibility where it has a closed form.

use statrs::distribution::{Beta, ContinuousCDF};

use super::visibility::Visible;
use crate::analysis::chance::Chance;
use crate::model::TimeSpan;

/// Reads from R of N followers that take no time, of writes whose delays are independent and
/// uniform, and whose acknowledgements take no time.
///
/// The write is there when the first of the R has it. That is the j-th follower of all with
/// chance C(N - j, R - 1) / C(N, R), and it has it at the j-th smallest delay: at the
/// acknowledgement if j is W at most, else after the difference of two uniform order
/// statistics, which is distributed as the (j - W)-th smallest of N (David and Nagaraja, "Order
/// Statistics", 3rd edition (2003), section 2.5). At the acknowledgement this comes to a
/// hypergeometric chance of a stale read, C(N - W, R) / C(N, R).
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ClosedForm {
    /// By j from 1: the chance that it decides, and when it has the write as a share of the way
    /// from the first moment to the last; none: at once.
    followers: Vec<(f64, Option<Beta>)>,
    from_ms: f64,
    width_ms: f64,
}

impl ClosedForm {
    /// `None` where R is not one of 1 to N, W more than N, or every follower has a write at the
    /// same moment after an acknowledgement that waited for none.
    pub(super) fn new((low_ms, high_ms): (f64, f64), followers: u32, quorum: u32, replicas: u32) -> Option<Self> {
        let width_ms = high_ms - low_ms;
        let is_one_moment = quorum == 0 && width_ms == 0.0 && low_ms > 0.0;
        if !(1..=followers).contains(&replicas) || quorum > followers || is_one_moment {
            return None;
        }
        // Nobody waits at W = 0: the acknowledgement is at the start, not at an arrival.
        let from_ms = if quorum == 0 { low_ms } else { 0.0 };
        let differs = |j: u32| j > quorum && width_ms > 0.0;
        let all = binomial(followers, replicas);
        let followers = (1..=followers).map(|j| {
            let rank = f64::from(j.saturating_sub(quorum));
            let arrival = differs(j).then(|| Beta::new(rank, f64::from(followers) + 1.0 - rank).ok()).flatten();
            (binomial(followers - j, replicas - 1) / all, arrival)
        });
        Some(Self { followers: followers.collect(), from_ms, width_ms })
    }
}

impl Visible for ClosedForm {
    fn seen(&self, t_us: TimeSpan) -> Option<Chance> {
        let share = ((t_us.as_ms() - self.from_ms) / self.width_ms).clamp(0.0, 1.0);
        let arrived = |(weight, arrival): &(f64, Option<Beta>)| {
            weight * arrival.as_ref().map_or(1.0, |arrival| arrival.cdf(share))
        };
        Some(Chance::exact(self.followers.iter().map(arrived).sum::<f64>().clamp(0.0, 1.0)))
    }

    fn last_us(&self) -> TimeSpan {
        TimeSpan::new(((self.from_ms + self.width_ms) * 1000.0).ceil() as u64)
    }
}

/// n over k.
pub(super) fn binomial(n: impl Into<u64>, k: impl Into<u64>) -> f64 {
    let (n, k) = (n.into(), k.into());
    if k > n { 0.0 } else { (0..k).map(|i| (n - i) as f64 / (k - i) as f64).product() }
}
