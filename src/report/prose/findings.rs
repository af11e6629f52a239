//! What each figure shows, as a title without a full stop.

use super::answer::{chance, unprotected};
use super::{Ends, ends};
use crate::analysis::{Bounds, Exemplar, Forecast, NotPredicted, Overhead, Quantile, Verdict, WriteLife};
use crate::report::model::{ComparedExperiment, Findings, RunReport};
use crate::report::number::{bounds, count, grouped, list, ms, p_value, percent, share, short_ms};

/// Every finding.
pub(crate) fn findings(runs: &[RunReport], experiments: &[ComparedExperiment], forecasts: &[Forecast]) -> Findings {
    let lives: Vec<&WriteLife> = runs.iter().flat_map(|run| &run.lives).collect();
    Findings {
        latency: latency(runs),
        consistency: consistency(runs),
        distribution: distribution(runs),
        timelines: timeline(
            &lives,
            runs.iter().all(|run| run.manifest.config.network.has_instant_acks(run.followers())),
        ),
        lag: lag(runs),
        staleness: staleness(runs),
        durability: durability(runs),
        guarantee: guarantee(runs),
        overhead: overhead(runs),
        comparison: (!experiments.is_empty()).then(|| comparison(experiments)),
        faults: super::faults::finding(runs),
        forecast: (!forecasts.is_empty()).then(|| forecast(forecasts)),
    }
}

/// What latency does with W.
fn latency(runs: &[RunReport]) -> String {
    match ends(runs, |run| Some(run.latency.mean?.value_ms)) {
        Ends::None if runs.iter().any(|run| run.latency.cut_off > 0) => {
            "A fault cut off writes under way, so there is no latency to show".to_owned()
        }
        Ends::None => "No write was acknowledged, so there is no latency to show".to_owned(),
        Ends::One(quorum, mean) => format!("At W = {quorum} a write took {} ms on average", ms(mean)),
        Ends::Two((first, low), (last, high)) => format!(
            "Mean write latency {} from {} ms at W = {first} to {} ms at W = {last}",
            verb(low, high),
            ms(low),
            ms(high)
        ),
    }
}

/// What a value does from one end to the other.
fn verb(low: f64, high: f64) -> &'static str {
    if high > low * 1.02 {
        "rises"
    } else if high < low * 0.98 {
        "falls"
    } else {
        "hardly moves"
    }
}

/// How near the distributions are to theory, and how near they would have to be.
fn distribution(runs: &[RunReport]) -> String {
    let tested = || runs.iter().filter_map(|run| Some((run, run.latency.ks?)));
    let Some((run, worst)) = tested().min_by(|(_, a), (_, b)| a.p_adjusted.total_cmp(&b.p_adjusted)) else {
        return untested(runs).to_owned();
    };
    if worst.p_adjusted < 0.05 {
        return format!(
            "Latencies differ from the predicted distribution, most clearly at W = {} (KS p {})",
            run.quorum,
            p_value(worst.p_adjusted)
        );
    }
    let shifts = || tested().filter_map(|(_, fit)| fit.detectable_ms);
    let range = shifts().reduce(f64::min).zip(shifts().reduce(f64::max)).map(|(low, high)| {
        let least = if ms(low) == ms(high) { String::new() } else { format!("{} to ", ms(low)) };
        format!(": a shift of less than {least}{} ms may go unnoticed", ms(high))
    });
    let n = tested().map(|(run, _)| run.latency.n).max().unwrap_or(0);
    format!(
        "{} {} too few to tell the latencies from the predicted distribution{}",
        count(n, "write"),
        if n == 1 { "is" } else { "are" },
        range.unwrap_or_default()
    )
}

/// Why no distribution is tested.
fn untested(runs: &[RunReport]) -> &'static str {
    if runs.iter().any(|run| run.latency.dependence.is_dependent) {
        "Latencies of a run depend on each other, so that no test of their distribution holds"
    } else if runs.iter().any(|run| run.latency.not_predicted == Some(NotPredicted::Faults)) {
        "The writes met a fault, so there is no predicted distribution to hold the latencies against"
    } else {
        "There is no predicted distribution to hold the latencies against"
    }
}

/// What the software cost.
fn overhead(runs: &[RunReport]) -> String {
    let of = |p: fn(&Overhead) -> Option<Quantile>| {
        let values = || runs.iter().filter_map(|run| p(&run.overhead.figures)).map(|q| q.value_ms);
        let (low, high) = (short_ms(values().reduce(f64::min)?), short_ms(values().reduce(f64::max)?));
        Some(if low == high { low } else { format!("{low} to {high}") })
    };
    match (of(|overhead| overhead.p50), of(|overhead| overhead.p99)) {
        (Some(p50), Some(p99)) => {
            format!("Half of the writes took at most {p50} ms longer than their own delays, 99 % at most {p99} ms")
        }
        _ => "No acknowledged write has all its delays in the trace, so the software's cost is unknown".to_owned(),
    }
}

/// What the followers ended with.
fn consistency(runs: &[RunReport]) -> String {
    let judged =
        |run: &RunReport| (run.consistency.verdict != Verdict::Unknown).then_some(run.consistency.settled.total);
    if runs.iter().filter_map(judged).count() > 0 && runs.iter().filter_map(judged).all(|t| t.differing() == 0) {
        return format!("Every follower ended with what the leader held{}", chance(runs));
    }
    let of = |quorum, total: crate::analysis::Counts| {
        format!("{} of {} at W = {quorum}", grouped(total.differing()), grouped(total.pairs()))
    };
    match ends(runs, judged) {
        Ends::None => "Whether followers ended with what the leader held is not known".to_owned(),
        Ends::One(quorum, total) => format!("Pairs that differ from the leader for good: {}", of(quorum, total)),
        Ends::Two((first, low), (last, high)) => {
            format!(
                "Pairs that differ from the leader for good: {}, {}{}",
                of(first, low),
                of(last, high),
                chance(runs)
            )
        }
    }
}

/// How long followers lag.
fn lag(runs: &[RunReport]) -> String {
    let never = |run: &RunReport| {
        let lag = &run.lag;
        let writes = bounds(lag.never_everywhere, grouped);
        (lag.never_everywhere.upper > 0).then(|| format!("{writes} of {} at W = {}", grouped(lag.n), run.quorum))
    };
    let never: Vec<String> = runs.iter().filter_map(never).collect();
    if !never.is_empty() {
        return format!("Acknowledged writes that never reached every follower: {}", list(&never));
    }
    let mean = |run: &RunReport| {
        let (lower, upper) = run.lag.ends(|figures| figures.mean.map(|mean| mean.value_ms));
        Some(bounds(Bounds { lower: lower?, upper: upper? }, ms))
    };
    match ends(runs, mean) {
        Ends::None => "No acknowledged write is known to have reached every follower".to_owned(),
        Ends::One(quorum, mean) => {
            format!("At W = {quorum} the last follower has a write {mean} ms after its acknowledgement on average")
        }
        Ends::Two((first, low), (last, high)) => format!(
            "On average the last follower has a write {low} ms after its acknowledgement at W = {first}, {high} ms at \
             W = {last}"
        ),
    }
}

/// How stale reads at the acknowledgement would have been.
fn staleness(runs: &[RunReport]) -> String {
    let figures = |run: &RunReport| {
        let at_ack = run.staleness.at_ack.first()?;
        Some((bounds(at_ack.misses_write?, share), at_ack.returns_older.map(|older| bounds(older, share))))
    };
    let read = "A read from one follower at the acknowledgement would have";
    let older =
        |older: Option<String>| older.map_or(String::new(), |older| format!(" (returned something older: {older})"));
    match ends(runs, figures) {
        Ends::None => "No acknowledged write can be followed to the followers, so staleness is unknown".to_owned(),
        Ends::One(quorum, (missed, returned)) => {
            format!("{read} missed the write: {missed} at W = {quorum}{}", older(returned))
        }
        Ends::Two((first, low), (last, high)) => match low.1.zip(high.1) {
            Some((older_low, older_high)) => {
                format!("{read} returned something older: {older_low} at W = {first}, {older_high} at W = {last}")
            }
            None => format!("{read} missed the write: {} at W = {first}, {} at W = {last}", low.0, high.0),
        },
    }
}

/// What the leader's death would have cost.
fn durability(runs: &[RunReport]) -> String {
    let at_risk: Vec<String> = runs
        .iter()
        .filter_map(|run| Some((run.quorum, unprotected(run)?)))
        .filter(|(_, most)| most.upper > 0)
        .map(|(quorum, most)| format!("{} at W = {quorum}", bounds(most, grouped)))
        .collect();
    if runs.iter().all(|run| unprotected(run).is_none()) {
        "No write was acknowledged, so none could be lost".to_owned()
    } else if at_risk.is_empty() {
        "At no instant was an acknowledged write on the leader alone".to_owned()
    } else {
        format!("Acknowledged writes on no follower at some instant: up to {}", list(&at_risk))
    }
}

/// Whether an acknowledgement meant W copies, and what older writes undid.
fn guarantee(runs: &[RunReport]) -> String {
    let checked: u64 = runs.iter().map(|run| run.durability.checked).sum();
    let unchecked: u64 = runs.iter().map(|run| run.durability.unchecked).sum();
    let breaches: Vec<String> =
        runs.iter().filter_map(|run| run.durability.breach.map(|breach| breach.to_string())).collect();
    let mut text = if !breaches.is_empty() {
        format!("The promise that an acknowledged write has reached W followers was broken: {}.", breaches.join("; "))
    } else if checked == 0 {
        "No acknowledgement could be checked against the trace.".to_owned()
    } else {
        format!(
            "Checked against the trace, {} had reached at least W followers when its client heard of it.",
            match checked {
                1 => "the one acknowledged write".to_owned(),
                n => format!("each of {}", count(n, "acknowledged write")),
            }
        )
    };
    if unchecked > 0 {
        text.push_str(&format!(" Of {} the traces do not say.", count(unchecked, "further write")));
    }
    let sum = |of: fn(&RunReport) -> u64| runs.iter().map(of).sum::<u64>();
    let fewer = Bounds {
        lower: sum(|run| run.durability.held_by_fewer.lower),
        upper: sum(|run| run.durability.held_by_fewer.upper),
    };
    if fewer.upper > 0 {
        let deaths = if runs.iter().any(|run| run.faults.is_some()) { ", or its follower had died" } else { "" };
        text.push_str(&format!(
            " To have reached a follower is not to be held by it: {} of these writes were then held by fewer than W \
             followers (the write or a newer one of its key), because an older write had replaced it{deaths}.",
            bounds(fewer, grouped)
        ));
    }
    let overwritten: Vec<String> = runs
        .iter()
        .filter(|run| run.durability.overwritten_writes > 0)
        .map(|run| format!("{} at W = {}", grouped(run.durability.overwritten_writes), run.quorum))
        .collect();
    if !overwritten.is_empty() {
        text.push_str(&format!(
            " Acknowledged writes that an older one replaced on some follower at any time: {}.",
            list(&overwritten)
        ));
    }
    text
}

/// What single writes show.
fn timeline(lives: &[&WriteLife], acks_are_instant: bool) -> String {
    let slowest = lives.iter().filter(|life| life.exemplar == Exemplar::Worst);
    let Some(worst) = slowest.max_by(|a, b| a.latency_ms.total_cmp(&b.latency_ms)) else {
        return "One write's life at each W".to_owned();
    };
    let awaited = worst.followers.iter().filter(|leg| leg.in_quorum);
    let last = awaited.max_by_key(|leg| leg.ack_rank);
    let whom = last.map_or(String::new(), |leg| {
        let way = if acks_are_instant { "" } else { " there" };
        let delay = leg.delay_ms.map(ms).unwrap_or_default();
        format!(": it waited for {}, whose delay was {delay} ms{way}", leg.follower)
    });
    format!("The slowest write of all, at W = {}, took {} ms{whom}", worst.quorum, ms(worst.latency_ms))
}

/// What sets the experiments apart.
fn comparison(experiments: &[ComparedExperiment]) -> String {
    let highest = experiments.iter().flat_map(|e| e.runs.iter().map(|run| run.quorum)).max().unwrap_or(0);
    // One run is one draw: beside it stands how often such runs diverge at all.
    let at_highest: Vec<String> = experiments
        .iter()
        .filter_map(|experiment| {
            let run = experiment.runs.iter().find(|run| run.quorum == highest)?;
            let pairs = format!("{} of {}", grouped(run.diverged?), grouped(run.pairs));
            let share = run.chance_of_any.map_or_else(String::new, |chance| format!(" ({})", percent(chance)));
            Some(format!("{pairs} in {}{share}", experiment.name))
        })
        .collect();
    if at_highest.is_empty() {
        return "Divergence by experiment".to_owned();
    }
    format!(
        "Pairs diverged at W = {highest} in one run each (and the share of simulated runs with any): {}",
        list(&at_highest)
    )
}

/// How much of the runs the simulation foresaw.
fn forecast(forecasts: &[Forecast]) -> String {
    let sum = |of: fn(&Forecast) -> u64| forecasts.iter().map(of).sum::<u64>();
    let other_delays = sum(|forecast| forecast.other_delays);
    if other_delays > 0 {
        return format!(
            "The simulation of the same seed drew {}, so it foresaw nothing",
            count(other_delays, "other delay")
        );
    }
    let (near, writes) = (sum(|forecast| forecast.latency.near), sum(|forecast| forecast.latency.n));
    let (agreeing, pairs) = (sum(|forecast| forecast.pairs.agreeing), sum(|forecast| forecast.pairs.n));
    format!(
        "The simulation of the same seed foresaw the latency of {} of {} to within 10 ms, and how {} of {} ended",
        grouped(near),
        count(writes, "write"),
        grouped(agreeing),
        count(pairs, "pair")
    )
}
