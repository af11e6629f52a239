//! The same writes at two quorums. They met the same delays, so what differs between the two
//! is the quorum alone, and one write is enough to see it.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher};

use hashbrown::{HashMap, HashSet};
use serde::Serialize;
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::independence::hangs_together;
use super::need::{Need, Withheld};
use super::open_loop::at_once;
use super::overhead::is_saturated_in_real_time;
use super::run_figures::RunFigures;
use super::series::{Dependence, Series};
use super::stats::{Mean, Quantile, Sample};
use crate::data::{RunData, WriteOutcome, WriteRow};
use crate::model::{Micros, TimeSpan, WriteId};

/// How latency changed, write by write, from one quorum to a higher one. Differences are the
/// higher quorum's latency less the lower one's, of the writes that met the same delays at both.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Paired {
    /// The lower W.
    pub from: u32,
    /// The higher W.
    pub to: u32,
    /// Writes acknowledged at both.
    pub n: u64,
    /// Those whose drawn delays were the same at both, by the traces: the figures are theirs.
    pub same_delays: u64,
    /// Those whose drawn delays were not.
    pub other_delays: u64,
    /// Their mean latency at the lower W, in milliseconds.
    pub from_mean_ms: Option<f64>,
    /// Their mean latency at the higher W, in milliseconds.
    pub to_mean_ms: Option<f64>,
    /// Whether differences of neighbouring writes depend on each other.
    pub dependence: Dependence,
    /// The mean difference.
    pub mean: Option<Mean>,
    /// The median difference.
    pub median: Option<Quantile>,
    /// Writes that were answered sooner at the higher W.
    pub sooner: u64,
    /// The mean difference by theory, in milliseconds, of two runs of one experiment.
    pub predicted_mean_ms: Option<f64>,
    /// The test of that prediction; `None` without one, and where not all writes met the same delays
    /// or differences depend on each other.
    pub test: Option<PairedTest>,
}

/// Whether latency rises between two quorums as theory says, by Student's paired test.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PairedTest {
    /// The chance of a mean difference at least as far from the prediction if that holds.
    #[cfg_attr(test, schemars(range(min = 0.0, max = 1.0)))]
    pub p_value: f64,
    /// The same, corrected for the other tests of the page.
    #[cfg_attr(test, schemars(range(min = 0.0, max = 1.0)))]
    pub p_adjusted: f64,
}

impl PairedTest {
    /// `None` of fewer than two differences.
    fn of(mean: &Mean, predicted_ms: f64) -> Option<Self> {
        let (error_ms, off_ms) = (mean.standard_error_ms?, (mean.value_ms - predicted_ms).abs());
        let p_value = if error_ms > 0.0 {
            2.0 * StudentsT::new(0.0, 1.0, mean.n as f64 - 1.0).ok()?.sf(off_ms / error_ms)
        } else {
            f64::from(u8::from(off_ms == 0.0))
        };
        Some(Self { p_value, p_adjusted: p_value })
    }
}

/// The part of a run that is compared with other runs write by write: its acknowledged writes, and whether they drew the same
/// delays.
#[derive(Debug, Clone)]
pub struct Pairable {
    quorum: u32,
    /// See [`at_once`].
    concurrency: u32,
    is_saturated: bool,
    hangs_together: bool,
    /// The acknowledged writes, in the order of their starts.
    writes: Vec<PairableWrite>,
}

/// An acknowledged write.
#[derive(Debug, Clone, Copy)]
struct PairableWrite {
    write: WriteId,
    latency_us: TimeSpan,
    /// A hash of the delays that it drew for its followers; `None` if the leader's trace does not have them. Two writes with
    /// different delays have the same hash with a probability of 2^-64.
    drawn: Option<u64>,
}

impl Pairable {
    /// Of a run; `None` if the delays of its writes are not known, or a write also waits for those before it.
    #[must_use]
    pub fn of(run: &RunData) -> Option<Self> {
        Withheld::of(run, &[Need::Delays, Need::IndependentWrites]).is_none().then(|| Self::of_any(run))
    }

    /// Of any run. Pairs of a run whose writes wait for each other are counted, and get no figures.
    pub(super) fn of_any(run: &RunData) -> Self {
        let mut drawn: HashMap<WriteId, DefaultHasher> = HashMap::new();
        for row in &run.replication {
            (row.follower, row.delay_us).hash(drawn.entry(row.write).or_default());
        }
        let acknowledged = run.writes.iter().filter(|row| row.outcome == WriteOutcome::Ok);
        let mut rows: Vec<&WriteRow> = acknowledged.collect();
        rows.sort_by_key(|row| (row.start_us, row.write));
        let write = |row: &WriteRow| {
            let drawn = drawn.get(&row.write).map(Hasher::finish);
            PairableWrite { write: row.write, latency_us: row.latency_us, drawn }
        };
        Self {
            quorum: run.manifest.quorum.get(),
            concurrency: at_once(run),
            is_saturated: is_saturated_in_real_time(run),
            hangs_together: hangs_together(run),
            writes: rows.into_iter().map(write).collect(),
        }
    }

    /// W.
    pub(super) const fn quorum(&self) -> u32 {
        self.quorum
    }

    fn by_number(&self) -> HashMap<WriteId, PairableWrite> {
        self.writes.iter().map(|write| (write.write, *write)).collect()
    }
}

impl Paired {
    /// Compares two runs write by write.
    #[must_use]
    pub fn between(from: &Pairable, to: &Pairable) -> Self {
        Self::of_writes(from, to, |_| true)
    }

    /// The same of those writes, by number, that `is_meant` picks.
    pub(super) fn of_writes(from: &Pairable, to: &Pairable, is_meant: impl Fn(WriteId) -> bool) -> Self {
        let others = to.by_number();
        let meant = from.writes.iter().filter(|one| is_meant(one.write));
        let both: Vec<(&PairableWrite, &PairableWrite)> =
            meant.filter_map(|one| Some((one, others.get(&one.write)?))).collect();
        let can_be_paired = !from.hangs_together && !to.hangs_together;
        let is_same =
            |one: &PairableWrite, other: &PairableWrite| Some(one.drawn? == other.drawn?).filter(|_| can_be_paired);
        let of_same: Vec<(TimeSpan, TimeSpan)> = both
            .iter()
            .filter(|(one, other)| is_same(one, other) == Some(true))
            .map(|(one, other)| (one.latency_us, other.latency_us))
            .collect();
        let differences = of_same.iter().map(|(from, to)| Micros::from(*to) - *from);
        let series =
            Series::new(differences.collect(), from.concurrency).saturated(from.is_saturated || to.is_saturated);
        let mean_ms = |times: &mut dyn Iterator<Item = TimeSpan>| times.collect::<Sample>().mean_ms();
        Self {
            from: from.quorum,
            to: to.quorum,
            n: both.len() as u64,
            same_delays: of_same.len() as u64,
            other_delays: both.iter().filter(|(one, other)| is_same(one, other) == Some(false)).count() as u64,
            from_mean_ms: mean_ms(&mut of_same.iter().map(|(from, _)| *from)),
            to_mean_ms: mean_ms(&mut of_same.iter().map(|(_, to)| *to)),
            dependence: series.dependence(),
            mean: series.mean(),
            median: series.quantile(0.5),
            sooner: of_same.iter().filter(|(from, to)| to < from).count() as u64,
            predicted_mean_ms: None,
            test: None,
        }
    }

    /// Whether the two runs' writes all met the same delays, so that pairs can be compared.
    #[must_use]
    pub fn is_paired(&self) -> bool {
        self.n > 0 && self.same_delays == self.n
    }
}

/// Compares each two runs of an experiment, whose figures are known, by the lower quorum, then
/// the higher one.
#[must_use]
pub fn paired(runs: &[Pairable], figures: &[RunFigures]) -> Vec<Paired> {
    let predicted_ms: HashMap<u32, f64> =
        figures.iter().filter_map(|run| Some((run.quorum(), run.latency.predicted?.mean_ms))).collect();
    let between = |from: &Pairable, to: &Pairable| {
        let pair = Paired::between(from, to);
        let both = predicted_ms.get(&pair.from).zip(predicted_ms.get(&pair.to));
        let predicted_mean_ms = both.map(|(from, to)| to - from);
        let mean = pair.mean.filter(|_| pair.other_delays == 0 && !pair.dependence.is_dependent);
        let test = mean.zip(predicted_mean_ms).and_then(|(mean, predicted_ms)| PairedTest::of(&mean, predicted_ms));
        Paired { predicted_mean_ms, test, ..pair }
    };
    let by_quorum: BTreeMap<_, _> = runs.iter().map(|run| (run.quorum, run)).collect();
    let ordered: Vec<&Pairable> = by_quorum.into_values().collect();
    let pairs = ordered.iter().enumerate().flat_map(|(i, from)| ordered[i + 1..].iter().map(move |to| (*from, *to)));
    pairs.map(|(from, to)| between(from, to)).collect()
}

/// Writes, by number, that were acknowledged in each of the runs after the same drawn delays.
pub(super) fn same_writes(runs: &[&Pairable]) -> HashSet<WriteId> {
    let Some((first, others)) = runs.split_first() else { return HashSet::new() };
    let others: Vec<_> = others.iter().map(|run| run.by_number()).collect();
    let is_same = |one: &&PairableWrite| {
        one.drawn.is_some()
            && others.iter().all(|other| other.get(&one.write).is_some_and(|other| other.drawn == one.drawn))
    };
    first.writes.iter().filter(is_same).map(|one| one.write).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::analysis::fixture::{RunBuilder, right_leader};

    fn between(from: &RunData, to: &RunData) -> Paired {
        Paired::between(&Pairable::of_any(from), &Pairable::of_any(to))
    }

    fn lab(quorum: u32) -> RunData {
        RunBuilder::new(quorum).load(right_leader).build()
    }

    #[test]
    fn no_write_is_sooner_at_a_higher_quorum() {
        let runs: Vec<RunData> = [3, 1, 5].map(lab).into();
        let figures: Vec<RunFigures> = runs.iter().map(|run| RunFigures::of(run, None)).collect();
        let pairs = paired(&runs.iter().filter_map(Pairable::of).collect::<Vec<_>>(), &figures);
        assert_eq!(pairs.iter().map(|pair| (pair.from, pair.to)).collect::<Vec<_>>(), [(1, 3), (1, 5), (3, 5)]);
        for pair in &pairs {
            assert!(pair.is_paired());
            assert_eq!((pair.n, pair.same_delays, pair.other_delays, pair.sooner), (100, 100, 0, 0));
            let (mean, predicted) = (pair.mean.unwrap(), pair.predicted_mean_ms.unwrap());
            assert!((predicted - 1000.0 / 6.0 * f64::from(pair.to - pair.from)).abs() < 1e-9);
            assert!((mean.value_ms - predicted).abs() <= 4.0 * mean.standard_error_ms.unwrap(), "{mean:?}");
        }
    }

    #[test]
    fn the_difference_is_the_higher_quorums_less_the_lower_ones() {
        let run = |quorum, latency_us| RunBuilder::new(quorum).write_with_delays(0, latency_us, &[1; 5]).build();
        let pair = between(&run(1, 5_000), &run(2, 3_500));
        assert_eq!((pair.mean.unwrap().value_ms, pair.sooner), (-1.5, 1));
    }

    #[test]
    fn only_writes_acknowledged_at_both_are_compared() {
        let (one, mut two) = (lab(1), lab(2));
        two.writes[0].outcome = WriteOutcome::Failed;
        two.writes.remove(7);
        assert_eq!(between(&one, &two).n, 98);
        assert_eq!(paired(&[Pairable::of_any(&one)], &[]), []);
    }

    #[test]
    fn a_step_is_that_of_the_same_writes_though_one_run_has_more() {
        let (four, mut five) = (lab(4), lab(5));
        // The slow half of the writes is not acknowledged at W = 5.
        let median_us =
            five.writes.iter().map(|row| row.latency_us).collect::<Sample>().quantile_ms(0.5).unwrap() * 1e3;
        five.writes.iter_mut().filter(|row| row.latency_us.get() as f64 > median_us).for_each(|row| {
            row.outcome = WriteOutcome::Failed;
        });
        let pair = between(&four, &five);
        let mean = pair.mean.unwrap().value_ms;
        assert_eq!((pair.n, pair.same_delays), (50, 50));
        assert!((pair.to_mean_ms.unwrap() - pair.from_mean_ms.unwrap() - mean).abs() < 1e-9 && mean > 0.0);
    }

    #[test]
    fn other_delays_and_missing_traces_are_no_pairs() {
        let other = RunBuilder::new(2).configure(|config| config.seed = 1).load(right_leader).build();
        let pair = between(&lab(1), &other);
        assert_eq!((pair.same_delays, pair.other_delays, pair.is_paired()), (0, 100, false));
        assert_eq!((pair.mean, pair.median, pair.sooner), (None, None, 0));
        let mut untraced = lab(2);
        untraced.replication.clear();
        let pair = between(&lab(1), &untraced);
        assert_eq!((pair.same_delays, pair.other_delays, pair.is_paired()), (0, 0, false));
    }

    #[test]
    fn without_writes_there_is_no_difference() {
        let pair = between(&RunBuilder::new(1).build(), &lab(2));
        assert_eq!((pair.n, pair.mean, pair.median), (0, None, None));
        assert!(!pair.is_paired());
    }
}
