//! Sentences written from the numbers.

use super::model::RunReport;
use super::number::{count, grouped, ms, p_value, percent, short_ms};
use crate::analysis::{Latency, Overhead, Quantile, Verdict};

/// The answer, in one paragraph.
pub(super) fn answer(runs: &[RunReport]) -> String {
    let sentences = [latency_answer(runs), theory_answer(runs), consistency_answer(runs), failures(runs)];
    sentences.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// What latency does with W, as a title.
pub(super) fn latency_finding(runs: &[RunReport]) -> String {
    let means: Vec<(u32, f64)> = runs.iter().filter_map(|run| Some((run.quorum, run.latency.mean?.value_ms))).collect();
    match means.as_slice() {
        [] => "No write was acknowledged, so there is no latency to show".to_owned(),
        [(quorum, mean)] => format!("At W = {quorum} an acknowledged write took {} ms on average", ms(*mean)),
        [(first, low), .., (last, high)] => {
            let verb = if *high > low * 1.02 {
                "rises"
            } else if *high < low * 0.98 {
                "falls"
            } else {
                "stays level"
            };
            format!("Mean write latency {verb} from {} ms at W = {first} to {} ms at W = {last}", ms(*low), ms(*high))
        }
    }
}

/// How near the distributions are to theory, as a title.
pub(super) fn distribution_finding(runs: &[RunReport]) -> String {
    let worst = runs
        .iter()
        .filter_map(|run| Some((run.quorum, run.latency.ks?)))
        .min_by(|(_, a), (_, b)| a.p_value.total_cmp(&b.p_value));
    match worst {
        None => "Where latency was measured, it is not held against a predicted distribution".to_owned(),
        Some((_, ks)) if ks.p_value >= 0.05 => {
            "At no W can the measured latencies be told from the predicted distribution".to_owned()
        }
        Some((quorum, ks)) => format!(
            "Latencies differ from the predicted distribution, most clearly at W = {quorum} (KS p {})",
            p_value(ks.p_value)
        ),
    }
}

/// What the software cost, as a title.
pub(super) fn overhead_finding(runs: &[RunReport]) -> String {
    let of = |p: fn(&Overhead) -> Option<Quantile>| {
        runs.iter().filter_map(|run| p(&run.overhead.figures)).map(|q| q.value_ms).fold(None, |range, value| {
            let (low, high) = range.unwrap_or((value, value));
            Some((value.min(low), value.max(high)))
        })
    };
    let range = |(low, high): (f64, f64)| {
        let (low, high) = (short_ms(low), short_ms(high));
        if low == high { low } else { format!("{low} to {high}") }
    };
    match (of(|overhead| overhead.p50), of(|overhead| overhead.p99)) {
        (Some(p50), Some(p99)) => {
            format!("The software added {} ms to the median write, {} ms at p99", range(p50), range(p99))
        }
        _ => "No acknowledged write has all its delays in the trace, so the software's cost is unknown".to_owned(),
    }
}

/// What the followers ended with, as a title.
pub(super) fn consistency_finding(runs: &[RunReport]) -> String {
    let diverged: Vec<(u32, u64, u64)> = runs
        .iter()
        .filter(|run| run.consistency.verdict != Verdict::Unknown)
        .map(|run| (run.quorum, run.consistency.settled.total.differing(), run.consistency.settled.total.pairs()))
        .collect();
    let of = |(quorum, differing, pairs): (u32, u64, u64)| {
        format!("{} of {} at W = {quorum}", grouped(differing), grouped(pairs))
    };
    match diverged.as_slice() {
        [] => "No run came to rest with its leader answering, so divergence is unknown".to_owned(),
        all if all.iter().all(|(_, differing, _)| *differing == 0) => {
            "Followers lagged, but every one ended with what the leader held".to_owned()
        }
        [only] => format!("Pairs that never agree with the leader again: {}", of(*only)),
        [first, .., last] => {
            format!("Pairs that never agree with the leader again: {}, {}", of(*first), of(*last))
        }
    }
}

fn latency_answer(runs: &[RunReport]) -> Option<String> {
    let with: Vec<&Latency> = runs.iter().map(|run| &run.latency).filter(|latency| latency.n > 0).collect();
    let describe = |latency: &Latency| {
        let figure = |value: Option<f64>| value.map(ms).unwrap_or_default();
        format!(
            "{} ms on average (median {}, p99 {} ms, {})",
            figure(latency.mean.map(|mean| mean.value_ms)),
            figure(latency.median.map(|quantile| quantile.value_ms)),
            figure(latency.p99.map(|quantile| quantile.value_ms)),
            count(latency.n, "write")
        )
    };
    match with.as_slice() {
        [] => Some("No write was acknowledged.".to_owned()),
        [only] => Some(format!("At W = {} a write took {}.", only.quorum, describe(only))),
        [first, .., last] => {
            let step = last.mean?.value_ms - first.mean?.value_ms;
            let step = step / (f64::from(last.quorum) - f64::from(first.quorum));
            Some(format!(
                "A write took {} at W = {} and {} at W = {}: {} ms for each further acknowledgement.",
                describe(first),
                first.quorum,
                describe(last),
                last.quorum,
                ms(step)
            ))
        }
    }
}

fn theory_answer(runs: &[RunReport]) -> Option<String> {
    let distance = |run: &RunReport| {
        let predicted = run.latency.predicted?.mean_ms;
        Some((run.quorum, run.latency.mean?.value_ms - predicted))
    };
    let (quorum, worst) = runs.iter().filter_map(distance).max_by(|(_, a), (_, b)| a.abs().total_cmp(&b.abs()))?;
    Some(format!(
        "The means lie within {} ms of what the injected delays alone predict (furthest at W = {quorum}).",
        ms(worst.abs())
    ))
}

fn consistency_answer(runs: &[RunReport]) -> Option<String> {
    let judged: Vec<&RunReport> = runs.iter().filter(|run| run.consistency.verdict != Verdict::Unknown).collect();
    let (first, last) = (judged.first()?, judged.last()?);
    let diverged = |run: &RunReport| {
        let total = run.consistency.settled.total;
        format!("{} of {}", grouped(total.differing()), grouped(total.pairs()))
    };
    if judged.iter().all(|run| run.consistency.verdict == Verdict::Consistent) {
        return Some("Once nothing was in flight, every follower held what the leader held, at every W.".to_owned());
    }
    if judged.len() == 1 {
        return Some(format!(
            "Once nothing was in flight, {} pairs of follower and key still differed from the leader.",
            diverged(first)
        ));
    }
    Some(format!(
        "Once nothing was in flight, {} pairs of follower and key still differed from the leader at W = {} and {} at W = {}.",
        diverged(first),
        first.quorum,
        diverged(last),
        last.quorum
    ))
}

fn failures(runs: &[RunReport]) -> Option<String> {
    let (failed, unknown) = runs.iter().fold((0, 0), |(f, u), run| (f + run.latency.failed, u + run.latency.unknown));
    let all = failed + unknown + runs.iter().map(|run| run.latency.n).sum::<u64>();
    if failed + unknown == 0 {
        return None;
    }
    Some(format!(
        "{} of {} missed the quorum and {} got no answer ({} in all); latency figures leave them out.",
        grouped(failed),
        count(all, "write"),
        grouped(unknown),
        percent((failed + unknown) as f64 / all as f64)
    ))
}
