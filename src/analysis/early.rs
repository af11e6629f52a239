//! Followers that show writes sooner than their links let them arrive.
//!
//! Between a write and the first answer of a follower that shows it lies at least the delay of the link to that follower:
//! the copy leaves the leader after the client has sent the write. A follower that answers from its leader is as fresh as
//! the leader, and gives itself away by that. The chances of such short delays are put together by R. A. Fisher's method
//! (Statistical Methods for Research Workers, 1925): of n independent delays, minus twice the sum of the logarithms of
//! their distribution function has the chi-squared distribution with 2n degrees of freedom. An answer comes after the
//! arrival, so that the sum of an honest follower is smaller.

use std::time::Duration;

use hashbrown::HashMap;
use serde::Serialize;
use statrs::distribution::{ChiSquared, ContinuousCDF};

use super::stats::Sample;
use crate::config::Coherence;
use crate::data::{ReadPurpose, RunData, WriteRow};
use crate::model::{CatchUp, Distribution, LinkOrder, Micros, NodeId, OrderedDirection, TimeSpan, WriteId};

/// A follower that is named has a chance below this. A report tests some hundred followers at most, and no honest one is as
/// early as its link alone would let it be.
const CHANCE: f64 = 1e-6;

/// How much sooner than its delay says a copy may seem to arrive: clocks and timers are that exact.
const TOLERANCE: TimeSpan = TimeSpan::new(1_000);

/// Writes that are this many slots of an ordered link apart have drawn their delays independently, however long the software
/// took before each entered the link.
const SLOTS_APART: u32 = 2;

/// A follower that showed writes sooner than its link lets them arrive. What it showed is left out of all figures.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct EarlyFollower {
    /// Which one.
    pub follower: NodeId,
    /// Writes that were looked at: on an ordered link those far enough apart to have met different delays.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub writes: u64,
    /// How many milliseconds after it was sent half of those that it showed had been seen there.
    pub shown_after_ms: f64,
    /// How many milliseconds the link alone delays half of all copies.
    pub link_ms: f64,
    /// The chance that a link delays copies so little, 0 to 1.
    #[cfg_attr(test, schemars(range(min = 0.0, max = 1.0)))]
    pub chance: f64,
}

impl EarlyFollower {
    /// Those of one run, by name. Only followers that no fault touched can be judged.
    pub(super) fn all(run: &RunData) -> Vec<Self> {
        let config = &run.manifest.config;
        let is_undisturbed =
            run.faults.iter().all(|row| !row.node.is_leader()) && config.network.catch_up == CatchUp::Off;
        if !is_undisturbed || run.reads.is_empty() || !config.network.has_delays(config.followers.get()) {
            return Vec::new();
        }
        let shown = first_shown(run);
        let mut writes: Vec<&WriteRow> = run.writes.iter().collect();
        writes.sort_by_key(|row| (row.start_us, row.write));
        let followers = NodeId::followers(config.followers).zip(config.network.links(config.followers.get()));
        let undisturbed = followers.filter(|(node, _)| run.faults.iter().all(|row| row.node != *node));
        undisturbed.filter_map(|(node, link)| Self::of(run, node, &link.write, &writes, &shown)).collect()
    }

    fn of(
        run: &RunData,
        follower: NodeId,
        delay: &Distribution,
        writes: &[&WriteRow],
        shown: &HashMap<(NodeId, WriteId), Micros>,
    ) -> Option<Self> {
        let config = &run.manifest.config;
        let spacing = match config.link_order() {
            LinkOrder::Independent => Duration::ZERO,
            LinkOrder::Ordered => {
                let own = config.network.coherence_ms.map(Coherence::duration);
                SLOTS_APART * own.unwrap_or_else(|| OrderedDirection::default_coherence(delay))
            }
        };
        let mut next_us = Micros::MIN;
        let (mut count, mut sum, mut after_us) = (0_u64, 0.0, Vec::new());
        for write in writes {
            if write.start_us < next_us {
                continue;
            }
            next_us = write.start_us + TimeSpan::from(spacing);
            count += 1;
            // One that was not shown may have met any delay.
            if let Some(shown_us) = shown.get(&(follower, write.write)) {
                let at_most_us = shown_us.since(write.start_us);
                sum -= 2.0 * delay.cdf((at_most_us + TOLERANCE).as_ms()).ln();
                after_us.push(at_most_us);
            }
        }
        let chance = if sum.is_finite() { ChiSquared::new(2.0 * count as f64).ok()?.sf(sum) } else { 0.0 };
        let shown_after_ms = after_us.into_iter().collect::<Sample>().quantile_ms(0.5)?;
        let link_ms = delay.quantile_ms(0.5);
        (chance < CHANCE).then_some(Self { follower, writes: count, shown_after_ms, link_ms, chance })
    }
}

/// When the first answer with each write had come from each follower.
fn first_shown(run: &RunData) -> HashMap<(NodeId, WriteId), Micros> {
    let mut shown = HashMap::new();
    for row in run.reads.iter().filter(|row| row.purpose == ReadPurpose::Probe) {
        if let Some(write) = row.write {
            let first_us = shown.entry((row.node, write)).or_insert(Micros::MAX);
            *first_us = row.end().min(*first_us);
        }
    }
    shown
}
