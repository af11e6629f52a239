//! One function a fault: the diagnosis where the figures show it, else none.

use super::evidence::{Compared, ExperimentEvidence, LeaderEvidence};
use super::finding::{Diagnosis, LeaderDefect, Sign};

/// How far, in shares, undelivered copies may be from the share that is cancelled.
const SHARE_TOLERANCE: f64 = 0.05;

/// The least part of the predicted latency that an excess has to be to matter.
const MATERIAL: f64 = 0.1;

/// What the software itself may take for a write, in milliseconds, without being broken: over a
/// fast network that alone is far above theory.
const OWN_COST_MS: f64 = 10.0;

fn readings(runs: &[Compared]) -> Vec<Sign> {
    let reading = |run: &Compared| Sign { quorum: run.quorum, measured: run.mean_ms, expected: run.predicted.mean_ms };
    runs.iter().map(reading).collect()
}

/// The first run below N as in "W = 1: 832.4 ms, theory 166.7 ms".
fn against_theory(run: &Compared) -> String {
    format!("W = {}: {:.1} ms, theory {:.1} ms", run.quorum, run.mean_ms, run.predicted.mean_ms)
}

/// Flat in W at the level of W = N.
pub(super) fn waits_for_all(experiment: &ExperimentEvidence<'_>) -> Option<Diagnosis> {
    let all_ms = experiment.predicted_ms(experiment.followers())?;
    let below: Vec<&Compared> = experiment.compared.iter().filter(|run| run.quorum < experiment.followers()).collect();
    let like_all = |run: &Compared| {
        let between_ms = all_ms - run.predicted.mean_ms;
        run.mean_ms - run.margin_ms > run.predicted.mean_ms + OWN_COST_MS
            && (run.mean_ms - all_ms).abs() <= run.margin_ms.max(between_ms * MATERIAL)
    };
    let first = below.first().filter(|_| below.iter().all(|run| like_all(run)))?;
    Some(Diagnosis {
        fault: LeaderDefect::WaitsForAll,
        sentence: format!(
            "At every W below N latency is that of W = N ({}): the leader waits for every follower.",
            against_theory(first)
        ),
        readings: readings(&experiment.compared),
    })
}

/// Flat in W and far below what a single acknowledgement takes.
pub(super) fn waits_for_none(experiment: &ExperimentEvidence<'_>) -> Option<Diagnosis> {
    let one_ms = experiment.predicted_ms(1)?;
    let first = experiment.compared.first()?;
    let at_once = |run: &Compared| run.mean_ms + run.margin_ms < one_ms / 2.0;
    experiment.compared.iter().all(at_once).then(|| Diagnosis {
        fault: LeaderDefect::WaitsForNone,
        sentence: format!(
            "At every W latency is far below that of a single acknowledgement ({}): the leader waits for no follower.",
            against_theory(first)
        ),
        readings: readings(&experiment.compared),
    })
}

/// Below theory beyond chance at some W.
pub(super) fn below_theory(experiment: &ExperimentEvidence<'_>) -> Option<Diagnosis> {
    let below = |run: &&Compared| run.mean_ms + run.margin_ms < run.predicted.mean_ms;
    let runs: Vec<Compared> = experiment.compared.iter().filter(below).copied().collect();
    let worst = runs.iter().max_by(|a, b| shortfall(a).total_cmp(&shortfall(b)))?;
    let distance =
        |quorum: &u32| experiment.predicted_ms(*quorum).map_or(f64::INFINITY, |ms| (ms - worst.mean_ms).abs());
    let like = (0..worst.quorum).min_by(|a, b| distance(a).total_cmp(&distance(b)))?;
    Some(Diagnosis {
        fault: LeaderDefect::FewerThanW,
        sentence: format!(
            "Latency is below theory ({}), about that of {like} acknowledgement{}: the leader answers with fewer than W.",
            against_theory(worst),
            if like == 1 { "" } else { "s" },
        ),
        readings: readings(&runs),
    })
}

fn shortfall(run: &Compared) -> f64 {
    run.predicted.mean_ms - run.mean_ms
}

/// Above theory where writes are fast, as predicted where they are slow.
pub(super) fn excess_at_low_w(experiment: &ExperimentEvidence<'_>) -> Option<Diagnosis> {
    let (lowest, highest) = (experiment.compared.first()?, experiment.compared.last()?);
    let excess = |run: &Compared| run.mean_ms - run.predicted.mean_ms;
    let matters = |run: &Compared| excess(run) > run.margin_ms.max(run.predicted.mean_ms * MATERIAL).max(OWN_COST_MS);
    (lowest.quorum < highest.quorum
        && matters(lowest)
        && !matters(highest)
        && highest.predicted.mean_ms > lowest.predicted.mean_ms)
        .then(|| Diagnosis {
            fault: LeaderDefect::SaturatedPool,
            sentence: format!(
                "Latency exceeds theory at low W only ({}; {}): where writes are fast the leader runs out of something \
                 they share, such as a pool of threads or connections.",
                against_theory(lowest),
                against_theory(highest)
            ),
            readings: readings(&experiment.compared),
        })
}

/// A percentile below a lower one.
pub(super) fn p99_below_median(experiment: &ExperimentEvidence<'_>) -> Option<Diagnosis> {
    let reading = |run: &LeaderEvidence| {
        let (median, p99) = (run.median_ms?, run.p99_ms?);
        (p99 < median).then_some(Sign { quorum: run.quorum, measured: p99, expected: median })
    };
    let readings: Vec<Sign> = experiment.evidence.iter().filter_map(reading).collect();
    let first = readings.first()?;
    Some(Diagnosis {
        fault: LeaderDefect::UnsortedPercentiles,
        sentence: format!(
            "At W = {} p99 ({:.1} ms) is below the median ({:.1} ms): the percentiles were not taken from sorted latencies.",
            first.quorum, first.measured, first.expected
        ),
        readings,
    })
}

/// Followers lack writes in the proportion in which W leaves them out.
pub(super) fn cancels_at_quorum(experiment: &ExperimentEvidence<'_>) -> Option<Diagnosis> {
    let readings: Vec<Sign> = experiment.evidence.iter().filter_map(|run| lacking(experiment, run)).collect();
    let (below, at_n): (Vec<&Sign>, Vec<&Sign>) = readings.iter().partition(|run| run.quorum < experiment.followers());
    let as_cancelled = |run: &&Sign| (run.measured - run.expected).abs() <= SHARE_TOLERANCE;
    // Where too few copies would be lacking to tell, a run speaks neither for it nor against.
    let telling: Vec<&Sign> = below.into_iter().filter(|run| run.expected > SHARE_TOLERANCE).collect();
    let shown = telling.iter().all(as_cancelled) && at_n.iter().all(as_cancelled);
    let first = telling.first().filter(|_| shown)?;
    let sentence = format!(
        "Followers lack {:.0} % of the writes at W = {}, where {:.0} % are beyond the quorum, and so on down to none at \
         W = N: the leader cancels replication once the quorum is reached.",
        first.measured * 100.0,
        first.quorum,
        first.expected * 100.0
    );
    Some(Diagnosis { fault: LeaderDefect::CancelsAtQuorum, sentence, readings })
}

/// The share of copies that never came, by the trace; without one, the share of keys a
/// follower never got: a key is missing where all of its writes passed the follower by.
fn lacking(experiment: &ExperimentEvidence<'_>, run: &LeaderEvidence) -> Option<Sign> {
    let followers = f64::from(experiment.followers());
    let beyond = f64::from(experiment.followers().checked_sub(run.quorum)?) / followers;
    let workload = experiment.experiment.workload;
    let writes_per_key = (f64::from(workload.writes.get()) / f64::from(workload.keys.get())).max(1.0);
    let by_trace = run.undelivered.map(|share| (share, beyond));
    let (measured, expected) = by_trace.or_else(|| Some((run.missing?, beyond.powf(writes_per_key))))?;
    Some(Sign { quorum: run.quorum, measured, expected })
}
