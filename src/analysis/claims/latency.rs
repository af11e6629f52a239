//! Claims about latency.

use super::claim::{Claim, ClaimFinding, Evidence, Step, TailShape};
use crate::analysis::figures::ExperimentFigures;
use crate::analysis::multiple::LEVEL;
use crate::analysis::run_figures::RunFigures;
use crate::analysis::stats::Difference;

/// What a [`Step`] shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    /// The mean rises beyond chance.
    Rise,
    /// It falls, or it does not rise where theory says that it should have.
    NoRise,
    /// It may have risen or not.
    Unclear,
    /// One run of each quorum cannot tell.
    Dependent,
}

impl Step {
    fn between(experiment: &ExperimentFigures, from: &RunFigures, to: &RunFigures) -> Option<Self> {
        let pair = experiment.pair(from.quorum(), to.quorum());
        let of_same = pair.filter(|pair| pair.other_delays == 0).and_then(|pair| {
            let mean = pair.mean?;
            let rise = Difference { value_ms: mean.value_ms, interval_ms: mean.interval_ms };
            Some((pair.from_mean_ms?, pair.to_mean_ms?, rise))
        });
        let of_all = || {
            let (from_mean, to_mean) = (from.latency.mean?, to.latency.mean?);
            Some((from_mean.value_ms, to_mean.value_ms, to_mean.above(&from_mean)))
        };
        let (from_mean_ms, to_mean_ms, rise) = of_same.or_else(of_all)?;
        let predicted = from.latency.predicted.zip(to.latency.predicted);
        Some(Self {
            from: from.quorum(),
            to: to.quorum(),
            is_paired: of_same.is_some(),
            is_dependent: [from, to].iter().any(|run| run.latency.dependence.is_dependent),
            from_mean_ms,
            to_mean_ms,
            rise,
            predicted_rise_ms: predicted.map(|(from, to)| to.mean_ms - from.mean_ms),
            p_adjusted: pair.filter(|_| of_same.is_some()).and_then(|pair| Some(pair.test?.p_adjusted)),
        })
    }

    fn direction(&self) -> Direction {
        if self.is_dependent {
            return Direction::Dependent;
        }
        let (Some(low), Some(high)) = (self.rise.interval_ms.lower, self.rise.interval_ms.upper) else {
            return Direction::Unclear;
        };
        let least_ms = self.predicted_rise_ms.unwrap_or(0.0).max(0.0);
        // One step of several that falls short of theory by chance refutes nothing.
        let falls_short = match self.p_adjusted {
            Some(p_adjusted) => p_adjusted < LEVEL && self.rise.value_ms < least_ms,
            None => high < least_ms,
        };
        if low > 0.0 {
            Direction::Rise
        } else if falls_short || high < 0.0 {
            Direction::NoRise
        } else {
            Direction::Unclear
        }
    }

    /// The step as in "from W = 1 (168.2 ms) to W = 2 (335.0 ms)".
    fn phrase(&self) -> String {
        format!("from W = {} ({:.1} ms) to W = {} ({:.1} ms)", self.from, self.from_mean_ms, self.to, self.to_mean_ms)
    }

    /// The rise with its interval, as in "166.8 ms (95 % interval 120.1 to 213.5)".
    fn rise_phrase(&self) -> String {
        match (self.rise.interval_ms.lower, self.rise.interval_ms.upper) {
            (Some(low), Some(high)) => {
                format!("{:.1} ms (95 % interval {low:.1} to {high:.1})", self.rise.value_ms)
            }
            _ if self.is_dependent => format!("{:.1} ms (without an interval)", self.rise.value_ms),
            _ => format!("{:.1} ms (too few writes for an interval)", self.rise.value_ms),
        }
    }
}

/// Quorums the claims speak of: 1 to N, with a latency to show.
fn tested(experiment: &ExperimentFigures) -> Vec<&RunFigures> {
    let within = 1..=experiment.followers();
    experiment.runs.iter().filter(|run| within.contains(&run.quorum()) && run.latency.n > 0).collect()
}

/// Why runs whose latencies depend on each other are no evidence.
fn no_verdict(runs: &[&RunFigures]) -> &'static str {
    if runs.iter().any(|run| run.load.is_some_and(|load| load.is_saturated == Some(true))) {
        "Under this load the latencies of a run depend on each other and differ from run to run by more than a run \
         shows: one run of each quorum is no verdict."
    } else if runs.iter().any(|run| run.faults.as_ref().is_some_and(|faults| faults.met > 0)) {
        "The writes that met a fault were slow together, so the latencies of a run depend on each other: one run of \
         each quorum is no verdict."
    } else {
        "The latencies of neighbouring writes depend on each other: one run of each quorum is no verdict."
    }
}

/// Judges steps that should all rise; `shown` says what holds when they do.
fn judge(statement: &'static str, runs: &[&RunFigures], steps: Vec<Step>, shown: impl Fn(&[Step]) -> String) -> Claim {
    let first = |direction| steps.iter().find(|step| step.direction() == direction);
    let (finding, sentence) = if let Some(step) = first(Direction::Dependent) {
        let of_step: Vec<_> = runs.iter().copied().filter(|run| [step.from, step.to].contains(&run.quorum())).collect();
        let text = format!("{} It measured {} {}.", no_verdict(&of_step), step.rise_phrase(), step.phrase());
        (ClaimFinding::NotTestable, text)
    } else if let Some(step) = first(Direction::NoRise) {
        let predicted = step.predicted_rise_ms.map_or_else(String::new, |rise| format!("; theory says {rise:.1} ms"));
        let text = format!(
            "Mean latency does not rise {}: the difference is {}{predicted}.",
            step.phrase(),
            step.rise_phrase()
        );
        (ClaimFinding::Refuted, text)
    } else if let Some(step) = first(Direction::Unclear) {
        let text = format!("The difference {} is {}, which chance alone can give.", step.phrase(), step.rise_phrase());
        (ClaimFinding::NotTestable, text)
    } else if steps.is_empty() {
        (ClaimFinding::NotTestable, "There are no two quorums whose latencies could be compared.".to_owned())
    } else {
        (ClaimFinding::Confirmed, shown(&steps))
    };
    Claim { statement, finding, sentence, evidence: Evidence::Steps { steps } }
}

pub(super) fn rises(experiment: &ExperimentFigures) -> Claim {
    let runs = tested(experiment);
    let steps = runs.windows(2).filter_map(|pair| Step::between(experiment, pair[0], pair[1])).collect();
    judge("Latency rises with the write quorum W", &runs, steps, |steps| {
        let least = steps.iter().min_by(|a, b| a.rise.value_ms.total_cmp(&b.rise.value_ms));
        let ends = steps.first().zip(steps.last()).map(|(first, last)| Step {
            to: last.to,
            to_mean_ms: last.to_mean_ms,
            ..*first
        });
        format!(
            "Mean latency rises at every step {}; the smallest step is {}.",
            ends.map_or_else(String::new, |step| step.phrase()),
            least.map_or_else(String::new, |step| format!("{}, {}", step.phrase(), step.rise_phrase())),
        )
    })
}

pub(super) fn extremes(experiment: &ExperimentFigures) -> Claim {
    let runs = tested(experiment);
    let followers = experiment.followers();
    let at = |quorum: u32| runs.iter().copied().find(|run| run.quorum() == quorum);
    let steps = match (at(1), at(followers)) {
        (Some(lowest), Some(highest)) if followers > 1 => {
            let from_lowest =
                runs.iter().filter(|run| run.quorum() > 1).filter_map(|run| Step::between(experiment, lowest, run));
            let between = runs.iter().filter(|run| (2..followers).contains(&run.quorum()));
            from_lowest.chain(between.filter_map(|run| Step::between(experiment, run, highest))).collect()
        }
        _ => Vec::new(),
    };
    judge("W = 1 has the lowest latency and W = N the highest", &runs, steps, |steps| {
        let whole = steps.iter().find(|step| (step.from, step.to) == (1, followers));
        let phrase = whole.map_or_else(String::new, |step| format!("{}, by {}", step.phrase(), step.rise_phrase()));
        format!("Of {} quorums W = 1 is the fastest and W = {followers} the slowest: {phrase}.", runs.len())
    })
}

impl TailShape {
    fn of(run: &RunFigures) -> Option<Self> {
        let (median, p95, p99) = (run.latency.median?, run.latency.p95?, run.latency.p99?);
        let ratio = |a: f64, b: f64| (b > 0.0).then(|| a / b);
        Some(Self {
            quorum: run.quorum(),
            n: run.latency.n,
            is_dependent: run.latency.dependence.is_dependent,
            median_ms: median.value_ms,
            p95_ms: p95.value_ms,
            p99_ms: p99.value_ms,
            median_to_p95: ratio(median.value_ms, p95.value_ms)?,
            median_to_p95_low: median.interval_ms.lower.zip(p95.interval_ms.upper).and_then(|(a, b)| ratio(a, b)),
            median_to_p95_high: median.interval_ms.upper.zip(p95.interval_ms.lower).and_then(|(a, b)| ratio(a, b)),
            p99_to_median: ratio(p99.value_ms, median.value_ms)?,
        })
    }
}

/// "Tails dominate" is read as: the slow followers set the latency of a typical write, so
/// that the median comes close to the high percentiles.
pub(super) fn tails(experiment: &ExperimentFigures) -> Claim {
    let runs = tested(experiment);
    let shapes: Vec<TailShape> = match runs.as_slice() {
        [lowest, .., highest] => [lowest, highest].into_iter().filter_map(|run| TailShape::of(run)).collect(),
        _ => Vec::new(),
    };
    let (finding, sentence) = match shapes.as_slice() {
        [low, high] => {
            let of_both: Vec<_> =
                runs.iter().copied().filter(|run| [low.quorum, high.quorum].contains(&run.quorum())).collect();
            judge_tails(low, high, no_verdict(&of_both))
        }
        _ => (ClaimFinding::NotTestable, "There are no two quorums whose latencies could be compared.".to_owned()),
    };
    let statement = "The tail dominates at high W: a typical write is about as slow as the slowest followers";
    Claim { statement, finding, sentence, evidence: Evidence::Tails { shapes } }
}

fn judge_tails(low: &TailShape, high: &TailShape, no_verdict: &str) -> (ClaimFinding, String) {
    let apart = |below: Option<f64>, above: Option<f64>| below.zip(above).is_some_and(|(below, above)| below < above);
    let numbers = format!(
        "the median is {:.0} % of p95 at W = {} and {:.0} % at W = {}",
        low.median_to_p95 * 100.0,
        low.quorum,
        high.median_to_p95 * 100.0,
        high.quorum
    );
    let unbounded = |shape: &&TailShape| shape.median_to_p95_low.is_none() || shape.median_to_p95_high.is_none();
    if low.is_dependent || high.is_dependent {
        (ClaimFinding::NotTestable, format!("{no_verdict} It measured that {numbers}."))
    } else if apart(low.median_to_p95_high, high.median_to_p95_low) {
        let text = format!(
            "A typical write comes closer to the slow ones: {numbers}. The spread narrows with that: p99 is {:.1} \
             times the median at W = {} and {:.1} times at W = {}.",
            low.p99_to_median, low.quorum, high.p99_to_median, high.quorum
        );
        (ClaimFinding::Confirmed, text)
    } else if apart(high.median_to_p95_high, low.median_to_p95_low) {
        (ClaimFinding::Refuted, format!("A typical write comes no closer to the slow ones: {numbers}."))
    } else if let Some(shape) = [low, high].into_iter().find(unbounded) {
        let text = format!("{} writes at W = {} are too few for an interval: {numbers}.", shape.n, shape.quorum);
        (ClaimFinding::NotTestable, text)
    } else {
        (ClaimFinding::NotTestable, format!("The intervals overlap: {numbers}."))
    }
}
