//! Whether writes of one key wait for each other, and how long, by what their clients saw.
//!
//! A store that holds a lock on a key until the quorum has acknowledged a write serves the writes of that key one after
//! the other. What is left of a write's latency once the one before it has ended is then as long as the latency of a write
//! that met no other of its key. Where writes of one key pass each other, the whole latency is as long as that.
//!
//! Latencies alone could mislead: where they are distributed exponentially, what is left of one is always as long as a whole
//! one. But the holder of a lock ends before all that wait for it: writes that began first, and were passed by later ones of their
//! key, show that they do not wait. Single ones may have been passed on their way to the lock, on a machine with much to do.

use std::collections::BTreeMap;

use serde::Serialize;
use statrs::distribution::{Binomial, DiscreteCDF};

use super::latency::Latency;
use super::stats::Sample;
use crate::data::{RunData, WriteOutcome, WriteRow};
use crate::model::{Micros, TimeSpan, WriteId};

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests;

/// The fewest writes of one sort whose median is used.
const MIN_WRITES: usize = 10;
/// How much nearer one explanation has to be than the other, as a share of both distances.
const MIN_NEARNESS: f64 = 0.75;

/// How much earlier one write has to begin or end than another, so that the server has seen them in that order too.
const CLEARLY_EARLIER: TimeSpan = TimeSpan::new(1_000);
/// How seldom as few writes at the head of others would be passed if there were no lock and each were with a chance of one half.
const MAX_CHANCE: f64 = 1.0 / 128.0;
/// The fewest writes at the head of others that show a lock by that, if none of them is passed.
const MIN_HEADS: u64 = 7;
/// Where this many writes met another for each one at the head, latencies tell a lock without any chance of confusion.
const CROWD: u64 = 3;

/// How writes behaved that met another one of their key under way.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct KeyWaits {
    /// Acknowledged writes that began while another write of their key was under way.
    pub met: u64,
    /// Their median latency, in milliseconds.
    pub met_ms: f64,
    /// The median of what was left of it once the write of the key before it had ended, in milliseconds.
    pub rest_ms: f64,
    /// The latency of a write that meets no other, in milliseconds: the median of those that did not, or if there are
    /// fewer than 10, the predicted median.
    pub alone_ms: f64,
    /// Whether that is the predicted one.
    pub is_alone_predicted: bool,
    /// Whether writes of one key wait for each other. `None` if neither explains what was measured.
    pub is_queue: Option<bool>,
    /// The part of the mean latency that was waiting for earlier writes of the same key, in milliseconds: 0 where they do
    /// not wait. `None` if that is not known.
    pub waiting_ms: Option<f64>,
}

/// An acknowledged write beside the others of its key.
struct WriteBeside {
    latency_us: TimeSpan,
    /// Whether any of them was under way when it began.
    has_met: bool,
    /// How long after its beginning the last of them ended that ended before it. A store need not serve those that wait
    /// in the order in which they came.
    wait_us: TimeSpan,
}

impl KeyWaits {
    /// Of a run with this latency. `None` if too few writes met another one, if nothing tells how long a write takes that
    /// meets none, and where something was broken.
    #[must_use]
    pub fn of(run: &RunData, latency: &Latency) -> Option<Self> {
        if !run.manifest.config.faults.is_empty() {
            return None;
        }
        let mut by_key: BTreeMap<&str, Vec<&WriteRow>> = BTreeMap::new();
        for row in &run.writes {
            by_key.entry(&row.key).or_default().push(row);
        }
        for rows in by_key.values_mut() {
            rows.sort_by_key(|row| (row.start_us, row.write));
        }
        let heads = Heads::of(by_key.values());
        let all: Vec<WriteBeside> = by_key.into_values().flat_map(beside).collect();
        let (met, alone): (Vec<&WriteBeside>, Vec<&WriteBeside>) = all.iter().partition(|write| write.has_met);
        if met.len() < MIN_WRITES {
            return None;
        }
        let is_alone_predicted = alone.len() < MIN_WRITES;
        let alone_ms = if is_alone_predicted {
            latency.best_predicted()?.median_ms
        } else {
            median_ms(alone.iter().map(|write| write.latency_us))?
        };
        let met_ms = median_ms(met.iter().map(|write| write.latency_us))?;
        let rest_ms = median_ms(met.iter().map(|write| write.latency_us.saturating_sub(write.wait_us)))?;
        let is_queue = heads.judge(is_queue(alone_ms, met_ms, rest_ms), met.len() as u64);
        let waits = || all.iter().map(|write| write.wait_us).collect::<Sample>();
        let waiting_ms = is_queue.and_then(|is_queue| if is_queue { waits().mean_ms() } else { Some(0.0) });
        Some(Self { met: met.len() as u64, met_ms, rest_ms, alone_ms, is_alone_predicted, is_queue, waiting_ms })
    }
}

/// Writes that began while no other of their key was under way, and met later ones.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Heads {
    /// How many.
    all: u64,
    /// How many of them began clearly earlier than one that they met.
    clear: u64,
    /// How many of them a later write passed.
    passed: u64,
}

impl Heads {
    /// Of the writes of each key, in the order in which they began.
    fn of<'a>(keys: impl Iterator<Item = &'a Vec<&'a WriteRow>>) -> Self {
        let mut heads = Self::default();
        for rows in keys {
            // What has no acknowledgement may be under way for ever.
            let mut rows = rows.iter().take_while(|row| row.outcome == WriteOutcome::Ok).peekable();
            while let Some(head) = rows.next() {
                let (mut last_end, mut has_others) = (head.end(), false);
                let (mut is_clear, mut is_passed) = (false, false);
                while let Some(row) = rows.next_if(|row| row.start_us < last_end) {
                    last_end = last_end.max(row.end());
                    has_others = true;
                    let is_behind = row.start_us < head.end() && row.start_us.since(head.start_us) >= CLEARLY_EARLIER;
                    is_clear |= is_behind;
                    is_passed |= is_behind && head.end().since(row.end()) >= CLEARLY_EARLIER;
                }
                heads.all += u64::from(has_others);
                heads.clear += u64::from(is_clear);
                heads.passed += u64::from(is_passed);
            }
        }
        heads
    }

    /// Whether as many were passed as without a lock. Without one that would be one half, or more where many met: what is left of a
    /// head's latency is at most as long as the whole of a later one, where that is distributed as latencies could mislead.
    fn are_passed(self) -> bool {
        let without_lock = Binomial::new(0.5, self.clear);
        self.passed > 0 && without_lock.is_ok_and(|passed| passed.cdf(self.passed) > MAX_CHANCE)
    }

    /// What latencies say, unless heads were passed, or too few could have been. Where latencies say nothing, one that was passed is
    /// enough.
    fn judge(self, by_latency: Option<bool>, met: u64) -> Option<bool> {
        match by_latency {
            Some(true) if self.are_passed() => Some(false),
            None if self.passed > 0 => Some(false),
            Some(true) if self.clear < MIN_HEADS && met < CROWD * self.all => None,
            by_latency => by_latency,
        }
    }
}

fn median_ms(of: impl Iterator<Item = TimeSpan>) -> Option<f64> {
    of.collect::<Sample>().quantile_ms(0.5)
}

/// Whether what was left after the earlier write is like the latency of writes that met none, and the whole latency is
/// not; `None` if neither is clearly nearer.
fn is_queue(alone_ms: f64, met_ms: f64, rest_ms: f64) -> Option<bool> {
    let (from_queue, from_passing) = ((rest_ms - alone_ms).abs(), (met_ms - alone_ms).abs());
    let nearness = from_passing / (from_queue + from_passing);
    match nearness {
        near if near >= MIN_NEARNESS => Some(true),
        near if near <= 1.0 - MIN_NEARNESS => Some(false),
        // In between; or no number, as all three are the same.
        _ => None,
    }
}

/// The acknowledged writes of one key, in the order in which they began, each beside the others.
fn beside(rows: Vec<&WriteRow>) -> Vec<WriteBeside> {
    let is_ok = |row: &&&WriteRow| row.outcome == WriteOutcome::Ok;
    let mut ends: Vec<(Micros, WriteId)> = rows.iter().filter(is_ok).map(|row| (row.end(), row.write)).collect();
    ends.sort_unstable();
    let mut all = Vec::with_capacity(ends.len());
    let mut under_way_until = Micros::MIN;
    for row in rows {
        if row.outcome == WriteOutcome::Ok {
            let ended_before = ends.partition_point(|end| *end < (row.end(), row.write));
            let last = ended_before.checked_sub(1).and_then(|index| ends.get(index));
            all.push(WriteBeside {
                latency_us: row.latency_us,
                has_met: under_way_until > row.start_us,
                wait_us: last.map_or(TimeSpan::ZERO, |(end, _)| end.since(row.start_us)),
            });
        }
        // One without an acknowledgement may be under way for ever.
        under_way_until = under_way_until.max(if row.outcome == WriteOutcome::Ok { row.end() } else { Micros::MAX });
    }
    all
}
