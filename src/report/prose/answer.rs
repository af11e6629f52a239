//! The answer, in one paragraph.

use super::{Ends, ends, writes_a_quorum};
use crate::analysis::{Bounds, CostPerAck, LossExpectation, Verdict};
use crate::report::model::RunReport;
use crate::report::number::{bounds, count, fixed, grouped, interval, list, ms, percent, share, short_ms};

/// What the quorum cost and what it bought.
pub(crate) fn answer(runs: &[RunReport], cost: Option<&CostPerAck>) -> String {
    let sentences = [
        latency(runs),
        cost.map(per_acknowledgement),
        cut_off(runs),
        spared(runs),
        overhead(runs),
        staleness(runs),
        at_risk(runs),
        divergence(runs),
        super::faults::answer(runs),
        failures(runs),
    ];
    sentences.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// `Waiting for 1 of 5 followers (W = 1)`.
fn waiting(quorum: u32, followers: u32) -> String {
    match quorum {
        0 => "waiting for no follower (W = 0)".to_owned(),
        1 if followers == 1 => "waiting for the only follower (W = 1)".to_owned(),
        w if w == followers => format!("waiting for all {followers} (W = {w})"),
        w => format!("waiting for {w} of {} (W = {w})", count(u64::from(followers), "follower")),
    }
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn latency(runs: &[RunReport]) -> Option<String> {
    let followers = runs.first()?.followers();
    // Without injected delays there is nothing to predict.
    let predicted = |run: &RunReport| run.latency.predicted.map(|p| p.mean_ms).filter(|_| run.has_delays());
    let mean = |run: &RunReport| Some((run.latency.mean?.value_ms, predicted(run)));
    let what = |quorum| capitalized(&waiting(quorum, followers));
    match ends(runs, mean) {
        Ends::None if runs.iter().any(|run| run.latency.n > 0) => None,
        Ends::None => Some("No write was acknowledged.".to_owned()),
        Ends::One(quorum, (mean, predicted)) => {
            let predicted = predicted
                .map(|p| format!(", where the injected delays alone predict {} ms", ms(p)))
                .unwrap_or_default();
            let n = writes_a_quorum(runs);
            Some(format!("{}, a write took {} ms on average ({n}){predicted}.", what(quorum), ms(mean)))
        }
        Ends::Two((first, (low, low_predicted)), (last, (high, high_predicted))) => {
            let predicted = |predicted: Option<f64>| {
                predicted.map(|predicted| format!(" (predicted {})", ms(predicted))).unwrap_or_default()
            };
            Some(format!(
                "{}, a write took {} ms on average{}; {}, {} ms{}. That is of {} a quorum.",
                what(first),
                ms(low),
                predicted(low_predicted),
                waiting(last, followers),
                ms(high),
                predicted(high_predicted),
                writes_a_quorum(runs),
            ))
        }
    }
}

/// What one more acknowledgement cost, and how much that differs from step to step.
fn per_acknowledgement(cost: &CostPerAck) -> String {
    let steps = if cost.to - cost.from > 1 && ms(cost.least_ms) != ms(cost.most_ms) {
        format!(", from {} to {} ms at single steps", ms(cost.least_ms), ms(cost.most_ms))
    } else {
        String::new()
    };
    let predicted =
        cost.predicted_ms.map(|p| format!("; the injected delays alone predict {}", ms(p))).unwrap_or_default();
    format!(
        "Each further acknowledgement cost the same writes {} ms on average (95 % interval {}){steps}{predicted}.",
        ms(cost.mean_ms),
        interval(cost.interval_ms, ms)
    )
}

/// Which latencies are withheld, and what is known of them.
fn cut_off(runs: &[RunReport]) -> Option<String> {
    let cut: Vec<String> = runs
        .iter()
        .filter_map(|run| {
            let at_least = run.latency.mean_at_least_ms.map(|ms_| format!(", at least {} ms on average", ms(ms_)));
            let writes = count(run.latency.cut_off, "write");
            (run.latency.cut_off > 0).then(|| format!("{writes} at W = {}{}", run.quorum, at_least.unwrap_or_default()))
        })
        .collect();
    (!cut.is_empty()).then(|| {
        format!(
            "A fault cut off writes under way, the slow ones first, so the latency of those that were answered is \
             withheld: {}.",
            list(&cut)
        )
    })
}

/// At which W the latency told is that of the writes the faults spared.
fn spared(runs: &[RunReport]) -> Option<String> {
    let missed: Vec<String> = runs
        .iter()
        .filter(|run| run.latency.missed_in_fault > 0 && run.latency.mean.is_some())
        .map(|run| format!("W = {}", run.quorum))
        .collect();
    let at = list(&missed);
    (!missed.is_empty()).then(|| format!("At {at} that is of the writes that the faults spared."))
}

fn overhead(runs: &[RunReport]) -> Option<String> {
    if !runs.iter().any(RunReport::has_delays) {
        let alone = || "No delay was injected, so all of that is the software's own cost.".to_owned();
        return Some(super::method::queueing(runs).unwrap_or_else(alone));
    }
    let medians = || runs.iter().filter_map(|run| Some(run.overhead.figures.p50?.value_ms));
    let low = medians().reduce(f64::min)?;
    let high = medians().reduce(f64::max)?;
    let range = if short_ms(low) == short_ms(high) {
        short_ms(low)
    } else {
        format!("{} to {}", short_ms(low), short_ms(high))
    };
    Some(format!("The software added {range} ms to a write's own delays (median at each W)."))
}

fn staleness(runs: &[RunReport]) -> Option<String> {
    let figures = |run: &RunReport| {
        let at_ack = run.staleness.at_ack.first()?;
        Some((bounds(at_ack.misses_write?, share), at_ack.returns_older.map(|older| bounds(older, share))))
    };
    let at = |quorum: u32, (missed, older): (String, Option<String>)| {
        let older = older.map_or(String::new(), |older| format!(" and returned something older in {older}"));
        format!("missed it in {missed}{older} at W = {quorum}")
    };
    let told = match ends(runs, figures) {
        Ends::None => return None,
        Ends::One(quorum, figures) => at(quorum, figures),
        Ends::Two((first, low), (last, high)) => format!("{}, {}", at(first, low), at(last, high)),
    };
    Some(format!(
        "By the trace, a read from a random follower at the moment of a write's acknowledgement would have {told}."
    ))
}

/// Most acknowledged writes that no follower held.
pub(super) fn unprotected(run: &RunReport) -> Option<Bounds<u64>> {
    run.durability.exposure.first().map(|exposure| exposure.max_writes).filter(|_| run.durability.acknowledged > 0)
}

fn at_risk(runs: &[RunReport]) -> Option<String> {
    // Where it did die, that is known better.
    if runs.iter().any(|run| run.faults.as_ref().is_some_and(|faults| faults.figures.leader_loss.is_some())) {
        return None;
    }
    let exposed = runs.iter().filter(|run| run.durability.acknowledged > 0);
    let run = exposed.reduce(|a, b| {
        let upper = |run: &RunReport| run.durability.loss.random.mean_writes.upper;
        if upper(b) > upper(a) { b } else { a }
    })?;
    let loss = &run.durability.loss;
    let mean = |of: Bounds<f64>| bounds(of, |writes| fixed(writes, 1));
    let expected = run.durability.expected_loss.map_or(String::new(), |expected| {
        let mean = |of: LossExpectation| fixed(of.mean_writes.mean, 1);
        format!(
            "; by the model, over {}, {}, {} and {}",
            count(u64::from(expected.trials), "run"),
            mean(expected.most_advanced),
            mean(expected.random),
            mean(expected.union)
        )
    });
    Some(format!(
        "Had the leader died at a random instant of the load, at W = {} {} acknowledged writes would have been lost on \
         average with the most advanced follower in its place, {} with a random one, and {} even if what all followers \
         held were put together{expected}.",
        run.quorum,
        mean(loss.most_advanced.mean_writes),
        mean(loss.random.mean_writes),
        mean(loss.union.mean_writes),
    ))
}

fn divergence(runs: &[RunReport]) -> Option<String> {
    let judged =
        |run: &RunReport| (run.consistency.verdict != Verdict::Unknown).then_some(run.consistency.settled.total);
    let pairs =
        |total: crate::analysis::Counts| format!("{} of {}", grouped(total.differing()), grouped(total.pairs()));
    let everywhere = runs.iter().filter_map(judged).count() > 0
        && runs.iter().filter_map(judged).all(|total| total.differing() == 0);
    if everywhere {
        return Some(format!("Once nothing was in flight, every follower held what the leader held{}.", chance(runs)));
    }
    match ends(runs, judged) {
        Ends::None => Some("Whether followers ended with what the leader held is not known.".to_owned()),
        Ends::One(quorum, total) => Some(format!(
            "Once nothing was in flight, {} pairs of follower and key differed from the leader for good at W = {quorum}{}.",
            pairs(total),
            chance(runs)
        )),
        Ends::Two((first, low), (last, high)) => Some(format!(
            "Once nothing was in flight, {} pairs of follower and key differed from the leader for good at W = {first}, \
             {} at W = {last}{}.",
            pairs(low),
            pairs(high),
            chance(runs)
        )),
    }
}

/// What the model says of a highest W at which nothing differed: that may have been luck.
pub(super) fn chance(runs: &[RunReport]) -> String {
    let lucky = |run: &&RunReport| run.consistency.verdict == Verdict::Consistent;
    let Some((quorum, expected)) = runs.last().filter(lucky).and_then(|run| Some((run.quorum, run.expected.as_ref()?)))
    else {
        return String::new();
    };
    if expected.chance_of_any <= 0.0 {
        return String::new();
    }
    let share = percent(expected.chance_of_any);
    format!("; by the model some pair differs in {share} of such runs even at W = {quorum}")
}

fn failures(runs: &[RunReport]) -> Option<String> {
    let (failed, unknown) = runs.iter().fold((0, 0), |(f, u), run| (f + run.latency.failed, u + run.latency.unknown));
    let all = failed + unknown + runs.iter().map(|run| run.latency.n).sum::<u64>();
    let parts: Vec<String> = [(failed, "missed the quorum"), (unknown, "got no answer")]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{} {what}", grouped(number)))
        .collect();
    if parts.is_empty() {
        return None;
    }
    let impossible: Vec<String> =
        runs.iter().filter(|run| run.quorum > run.followers()).map(|run| format!("W = {}", run.quorum)).collect();
    let why = if impossible.is_empty() {
        String::new()
    } else {
        format!(" {} is more than there are followers, so that every write fails.", list(&impossible))
    };
    Some(format!("Of {}, {}; no latency figure includes them.{why}", count(all, "write"), list(&parts)))
}
