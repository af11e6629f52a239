//! t-visibility of the writes of a run, from its trace.

use rand::rngs::ChaCha8Rng;

use super::closed_form::binomial;
use super::reading::{DrawnRead, ReadPath, Reader};
use super::visibility::Visible;
use crate::analysis::chance::Chance;
use crate::analysis::copies::{Arrival, WriteCopies};
use crate::analysis::series::{Dependence, MIN_BATCHES, Series, TAIL, error_of_batches};
use crate::analysis::stats::{Interval, t_quantile};
use crate::model::{Micros, TimeSpan};

/// Reads that are drawn in all, where reads take time.
const READS: usize = 200_000;

/// Most reads that are drawn after one write.
const MOST_READS: usize = 2_000;

/// The chance that a read returns a write, averaged over a run's writes: a step wherever it
/// grows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Steps {
    writes: u64,
    followers: u64,
    /// Whether the chance at the acknowledgement only repeats how many acknowledgements it waits for.
    is_identity: bool,
    /// Whether neighbouring writes depend on each other in when a read finds them.
    dependence: Option<Dependence>,
    /// Consecutive parts of the writes, where those depend on each other and give an interval.
    batches: Vec<Batch>,
    /// Ascending.
    at_us: Vec<TimeSpan>,
    /// The chances of all writes together and their squares, from each step on.
    sums: Vec<(f64, f64)>,
}

/// What the intervals of a run's writes depend on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Circumstances {
    /// Writes under way together.
    pub(super) concurrency: u32,
    /// Whether it was saturated in real time.
    pub(super) is_saturated: bool,
    /// Whether its writes hang together.
    pub(super) hangs_together: bool,
}

/// Consecutive writes.
#[derive(Debug, Clone, PartialEq)]
struct Batch {
    writes: u64,
    /// Ascending, with the chances of its writes together from then on.
    sums: Vec<(TimeSpan, f64)>,
}

/// When a write's chance grows, and by how much.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Gain {
    at_us: TimeSpan,
    write: usize,
    by: f64,
}

/// When each follower had each acknowledged write, in order of start, by one end of its arrival:
/// after the acknowledgement, negative before it, [`Micros::MAX`] never.
pub(super) fn leads(writes: &[WriteCopies<'_>], end: impl Fn(&Arrival) -> Option<Micros>) -> Vec<Vec<Micros>> {
    let lead = |write: &WriteCopies<'_>| {
        let acknowledged_us = write.acknowledged_us()?;
        let after = |arrival: &Arrival| end(arrival).map_or(Micros::MAX, |at_us| at_us - acknowledged_us);
        Some(write.arrivals.iter().map(after).collect())
    };
    let mut in_order: Vec<&WriteCopies<'_>> = writes.iter().collect();
    in_order.sort_by_key(|write| (write.row.start_us, write.row.write));
    in_order.into_iter().filter_map(lead).collect()
}

impl Steps {
    /// Reads that take no time, from each number of followers R: exact over all choices of
    /// followers. The first of R random ones to have the write is the j-th of all N to have it
    /// with chance C(N - j, R - 1) / C(N, R).
    pub(super) fn instant(leads: &[Vec<Micros>], replicas: u32, is_identity: bool, run: Option<Circumstances>) -> Self {
        let mut gains = Vec::new();
        for (write, leads_us) in leads.iter().enumerate() {
            let followers = leads_us.len() as u64;
            let all = binomial(followers, replicas);
            let mut sorted_us = leads_us.clone();
            sorted_us.sort_unstable();
            let arrived = (1..).zip(sorted_us).filter(|(_, lead_us)| *lead_us != Micros::MAX);
            gains.extend(arrived.map(|(j, lead_us)| Gain {
                at_us: lead_us.since(Micros::ZERO),
                write,
                by: binomial(followers - j, replicas - 1) / all,
            }));
        }
        Self { is_identity, ..Self::of(leads, gains, run) }
    }

    /// Reads whose messages take time, drawn at random after each write: for each reader and
    /// number of followers R.
    pub(super) fn drawn(
        leads: &[Vec<Micros>],
        replicas: &[u32],
        path: &ReadPath,
        rng: &mut ChaCha8Rng,
        run: Option<Circumstances>,
    ) -> Vec<(Reader, u32, Self)> {
        let reads = (READS / leads.len().max(1)).clamp(1, MOST_READS);
        let kinds = path.readers().iter().flat_map(|reader| replicas.iter().map(|replicas| (*reader, *replicas)));
        let mut gains: Vec<(Reader, u32, Vec<Gain>)> = kinds.map(|(reader, r)| (reader, r, Vec::new())).collect();
        let mut reading = DrawnRead::new(path, leads.first().map_or(0, Vec::len));
        for (write, leads_us) in leads.iter().enumerate() {
            for _ in 0..reads {
                reading.draw(rng);
                for reader in path.readers() {
                    reading.waits(*reader, leads_us, |asked, wait_us, _| {
                        let kinds = gains.iter_mut().filter(|(kind, r, _)| kind == reader && *r as usize == asked);
                        let gain = Gain { at_us: wait_us, write, by: 1.0 / reads as f64 };
                        kinds.filter(|_| wait_us != TimeSpan::MAX).for_each(|(_, _, gains)| gains.push(gain));
                    });
                }
            }
        }
        gains.into_iter().map(|(reader, replicas, gains)| (reader, replicas, Self::of(leads, gains, run))).collect()
    }

    /// Of writes in order of start; those of a run may depend on each other.
    fn of(leads: &[Vec<Micros>], mut gains: Vec<Gain>, run: Option<Circumstances>) -> Self {
        gains.sort_unstable_by_key(|gain| (gain.at_us, gain.write));
        let mut chances = vec![0.0_f64; leads.len()];
        let (mut sum, mut squares) = (0.0, 0.0);
        let mut steps = Self {
            writes: leads.len() as u64,
            followers: leads.first().map_or(0, Vec::len) as u64,
            is_identity: false,
            dependence: None,
            batches: Vec::new(),
            at_us: Vec::new(),
            sums: Vec::new(),
        };
        if let Some(run) = run {
            steps.dependence = Some(dependence(leads.len(), &gains, run));
            steps.batches = batches(leads.len(), &gains, steps.dependence);
        }
        for Gain { at_us, write, by } in gains {
            let Some(chance) = chances.get_mut(write) else { continue };
            squares += by * (2.0 * *chance + by);
            sum += by;
            *chance += by;
            if steps.at_us.last() == Some(&at_us) {
                steps.sums.pop();
            } else {
                steps.at_us.push(at_us);
            }
            steps.sums.push((sum, squares));
        }
        steps
    }
}

/// Whether neighbouring writes depend on each other, by how long each is missed on average. Where it
/// is missed for good, that is as long as the latest that came.
fn dependence(writes: usize, gains: &[Gain], run: Circumstances) -> Dependence {
    let latest_us = gains.last().map_or(0.0, |gain| gain.at_us.get() as f64);
    let mut missed_us = vec![latest_us; writes];
    for Gain { at_us, write, by } in gains {
        missed_us[*write] -= by * (latest_us - at_us.get() as f64);
    }
    let missed_us = missed_us.into_iter().map(|us| Micros::new(us.round() as i64)).collect();
    let series = Series::new(missed_us, run.concurrency).saturated(run.is_saturated);
    series.hanging_together(run.hangs_together).dependence()
}

/// The consecutive parts of the writes that the intervals of a dependent series rest on.
fn batches(writes: usize, gains: &[Gain], dependence: Option<Dependence>) -> Vec<Batch> {
    let count = dependence.and_then(|dependence| dependence.batches).unwrap_or(0) as usize;
    let first = |batch: usize| batch * writes / count;
    let part = |batch: usize| {
        let own = first(batch)..first(batch + 1);
        let mut sum = 0.0;
        let gains = gains.iter().filter(|gain| own.contains(&gain.write));
        let sums = gains.map(|gain| {
            sum += gain.by;
            (gain.at_us, sum)
        });
        Batch { sums: sums.collect(), writes: own.len() as u64 }
    };
    (0..count).map(part).collect()
}

impl Batch {
    /// The chances of its writes together.
    fn sum(&self, t_us: TimeSpan) -> f64 {
        let passed = self.sums.partition_point(|(at_us, _)| *at_us <= t_us);
        passed.checked_sub(1).and_then(|last| self.sums.get(last)).map_or(0.0, |(_, sum)| *sum)
    }
}

impl Steps {
    /// A chance with the interval from the spread of the batches; near 0 and 1 of the fewest.
    fn batched(&self, t_us: TimeSpan, chance: Chance) -> Chance {
        let count = self.parts(chance.value);
        let part = |group: usize| {
            let of = &self.batches[group * self.batches.len() / count..(group + 1) * self.batches.len() / count];
            let writes: u64 = of.iter().map(|batch| batch.writes).sum();
            of.iter().map(|batch| batch.sum(t_us)).sum::<f64>() / writes as f64
        };
        let means: Vec<f64> = if self.batches.is_empty() { Vec::new() } else { (0..count).map(part).collect() };
        match error_of_batches(&means) {
            Some(error) => Chance::of_parts(chance.value, error.standard_error, count as u64),
            None => {
                Chance { standard_error: None, interval: Interval { lower: None, upper: None }, value: chance.value }
            }
        }
    }
}

impl Steps {
    /// How many independent parts tell the error of a chance: its writes, or batches of them.
    fn parts(&self, chance: f64) -> usize {
        if !self.is_dependent() {
            self.writes as usize
        } else if chance.min(1.0 - chance) < TAIL {
            MIN_BATCHES
        } else {
            self.batches.len()
        }
    }
}

impl Visible for Steps {
    fn seen(&self, t_us: TimeSpan) -> Option<Chance> {
        let passed = self.at_us.partition_point(|at_us| *at_us <= t_us);
        let (sum, squares) = passed.checked_sub(1).and_then(|last| self.sums.get(last)).copied().unwrap_or((0.0, 0.0));
        let chance = Chance::of_mean(self.writes, sum, squares)?;
        let without_interval = Interval { lower: None, upper: None };
        Some(if self.is_identity && t_us == TimeSpan::ZERO {
            Chance { standard_error: None, interval: without_interval, ..chance }
        } else if self.is_dependent() {
            self.batched(t_us, chance)
        } else {
            chance
        })
    }

    /// Student's: the score interval of a chance near 1 ends nearer above it than where it is reached.
    fn margins(&self, chance: &Chance) -> Option<[f64; 2]> {
        let half = chance.standard_error? * t_quantile(self.parts(chance.value) as f64 - 1.0)?;
        Some([half.min(chance.value), half.min(1.0 - chance.value)])
    }

    fn is_identity(&self) -> bool {
        self.is_identity
    }

    fn dependence(&self) -> Option<Dependence> {
        self.dependence
    }

    fn pairs(&self) -> Option<u64> {
        Some(self.writes * self.followers)
    }

    fn last_us(&self) -> TimeSpan {
        self.at_us.last().copied().unwrap_or_default()
    }
}
