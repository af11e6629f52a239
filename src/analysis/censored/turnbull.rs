//! Turnbull's estimate: where the mass may lie, and how much of it lies where.

use std::collections::BTreeMap;

/// Later than any time: the end of a time that may never come.
pub(crate) const NEVER_US: i64 = i64::MAX;

/// One time, in microseconds, that lies between two ends; both are included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Censored {
    /// The earliest that it may be; [`i64::MIN`] if nothing bounds it.
    pub(crate) earliest_us: i64,
    /// The latest that it may be; [`NEVER_US`] if it may never come.
    pub(crate) latest_us: i64,
}

impl Censored {
    /// A time between two ends, in any order.
    pub(crate) fn between(one_us: i64, other_us: i64) -> Self {
        Self { earliest_us: one_us.min(other_us), latest_us: one_us.max(other_us) }
    }
}

/// How far a share may be from the estimate's: the greatest slope of the likelihood by which the
/// iteration ends, less 1. R. Gentleman and C. J. Geyer, "Maximum likelihood for interval censored
/// data: consistency and computation", Biometrika 81 (1994), 618-623: at the maximum no slope is above 1.
pub(super) const TOLERANCE: f64 = 1e-6;

/// Most rounds of the iteration, a bound on time where it creeps.
const MAX_ROUNDS: usize = 2_000;

/// Shares below this are nothing.
const NOTHING: f64 = 1e-12;

/// A share of the times, somewhere between two ends; nothing tells where.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Mass {
    pub(crate) earliest_us: i64,
    pub(crate) latest_us: i64,
    /// 0 to 1.
    pub(crate) share: f64,
}

/// The maximum likelihood estimate, by self-consistency: a time's share of 1 is split over the
/// intervals in which it may lie, in proportion to what lies there.
pub(super) fn estimate(times: &[Censored]) -> Vec<Mass> {
    let innermost = innermost(times);
    let groups = groups(times, &innermost);
    let n = times.len() as f64;
    let mut shares = vec![1.0 / innermost.len().max(1) as f64; innermost.len()];
    for _ in 0..MAX_ROUNDS {
        let slopes = slopes(&groups, &shares, n);
        shares.iter_mut().zip(&slopes).for_each(|(share, slope)| *share *= slope);
        if slopes.iter().all(|slope| *slope <= 1.0 + TOLERANCE) {
            break;
        }
    }
    let masses = innermost.into_iter().zip(shares);
    let masses = masses.map(|((earliest_us, latest_us), share)| Mass { earliest_us, latest_us, share });
    masses.filter(|mass| mass.share > NOTHING).collect()
}

/// The intervals that begin with the beginning of a time's and end with the end of a time's, and have
/// no other end within them: only there does the likelihood have any use for mass.
fn innermost(times: &[Censored]) -> Vec<(i64, i64)> {
    // Both ends belong to an interval, so of one instant beginnings come first.
    let mut ends: Vec<(i64, bool)> =
        times.iter().flat_map(|time| [(time.earliest_us, false), (time.latest_us, true)]).collect();
    ends.sort_unstable();
    ends.windows(2).filter(|pair| !pair[0].1 && pair[1].1).map(|pair| (pair[0].0, pair[1].0)).collect()
}

/// Times that may lie in the same innermost intervals, from a first to a last, and how many they are.
type Group = (usize, usize, f64);

fn groups(times: &[Censored], innermost: &[(i64, i64)]) -> Vec<Group> {
    let mut counts: BTreeMap<(usize, usize), f64> = BTreeMap::new();
    for time in times {
        let first = innermost.partition_point(|(from_us, _)| *from_us < time.earliest_us);
        let after = innermost.partition_point(|(_, to_us)| *to_us <= time.latest_us);
        // Every interval holds an innermost one, so that `after` is above `first`.
        *counts.entry((first, after - 1)).or_default() += 1.0;
    }
    counts.into_iter().map(|((first, last), count)| (first, last, count)).collect()
}

/// By innermost interval: by which factor self-consistency changes its share, and how steeply the
/// likelihood rises with it.
fn slopes(groups: &[Group], shares: &[f64], n: f64) -> Vec<f64> {
    let mut before = Vec::with_capacity(shares.len() + 1);
    before.push(0.0);
    let mut sum = 0.0;
    before.extend(shares.iter().map(|share| {
        sum += share;
        sum
    }));
    let mut steps = vec![0.0; shares.len() + 1];
    for (first, last, count) in groups {
        let there = if first == last { shares[*first] } else { before[last + 1] - before[*first] };
        // A time has at least the share 1/n in its interval, but for rounding.
        let by = count / (n * there.max(f64::MIN_POSITIVE));
        steps[*first] += by;
        steps[last + 1] -= by;
    }
    let mut slope = 0.0;
    let slopes = steps.iter().take(shares.len()).map(|step| {
        slope += step;
        slope.max(0.0)
    });
    slopes.collect()
}
