//! What a reader needs to know of every interval and every time, once.

use super::labels;
use super::model::RunReport;
use super::number::{count, grouped, list, percent};
use crate::analysis::{Need, NoInterval};
use crate::config::Pacing;
use crate::model::LinkOrder;

/// One paragraph: what intervals cover, what the load is, which clock is read.
pub(super) fn method(runs: &[RunReport]) -> String {
    let sentences = [Some(intervals(runs)), saturation(runs), load(runs), Some(clock(runs))];
    sentences.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn intervals(runs: &[RunReport]) -> String {
    if runs.iter().all(|run| run.latency.dependence.no_interval == Some(NoInterval::HangsTogether)) {
        return "Latencies of one run hang together, because a write also waits for others: one run of each W does not tell \
                how far such runs differ, and there are no 95 % intervals."
            .to_owned();
    }
    let seeds = runs.iter().map(|run| run.manifest.seed);
    let is_drawn_by_write = runs.iter().all(|run| run.withheld(&[Need::Delays]).is_none());
    let shared = match (seeds.clone().min(), seeds.max()) {
        _ if runs
            .iter()
            .all(|run| run.manifest.config.network.has_constant_delays(run.manifest.config.followers.get())) =>
        {
            String::new()
        }
        (Some(low), Some(high)) if low == high && runs.len() > 1 && is_ordered(runs) => format!(
            " Every W met the same links (seed {low}), whose delays change in the same slots of time; which of them a write \
             met depends on when it began."
        ),
        _ if !is_drawn_by_write => String::new(),
        (Some(low), Some(high)) if low == high && runs.len() > 1 => {
            format!(
                " Every W drew the same delays (seed {low}), and so does any other experiment with this seed and network: they are not replicates."
            )
        }
        _ => " Experiments that share a seed and a network share their delays: they are not replicates.".to_owned(),
    };
    let dependent: Vec<String> = runs
        .iter()
        .filter(|run| run.latency.dependence.is_dependent && run.latency.dependence.no_interval.is_none())
        .map(|run| format!("W = {}", run.quorum))
        .collect();
    let batches = if dependent.is_empty() {
        String::new()
    } else {
        format!(
            " At {} latencies of neighbouring writes depend on each other, so the intervals rest on the means of \
             consecutive batches.",
            list(&dependent)
        )
    };
    let saturated: Vec<String> = runs
        .iter()
        .filter(|run| run.latency.dependence.no_interval == Some(NoInterval::Saturated))
        .map(|run| format!("W = {}", run.quorum))
        .collect();
    let withheld = if saturated.is_empty() {
        String::new()
    } else {
        format!(
            " At {} latencies depend on each other and the cluster was saturated: such runs differ by more than one run \
             shows, so latency has no interval there; only several runs give one.",
            list(&saturated)
        )
    };
    format!(
        "95 % intervals say how much a figure would differ with other delays from the same distribution. They do not \
         cover differences between machines or days.{batches}{withheld}{shared}"
    )
}

fn is_ordered(runs: &[RunReport]) -> bool {
    runs.iter().all(|run| run.manifest.config.link_order() == LinkOrder::Ordered)
}

/// Where most of the latency is waiting for other writes.
fn saturation(runs: &[RunReport]) -> Option<String> {
    let saturated: Vec<(String, f64)> = runs
        .iter()
        .filter(|run| run.load.is_some_and(|load| load.is_saturated == Some(true)))
        .filter_map(|run| Some((format!("W = {}", run.quorum), run.overhead.figures.share_of_latency?)))
        .collect();
    let least = saturated.iter().map(|(_, share)| *share).reduce(f64::min)?;
    let names: Vec<String> = saturated.into_iter().map(|(name, _)| name).collect();
    let most = if least < 0.995 { format!("{} or more", percent(least)) } else { "all".to_owned() };
    Some(format!(
        "At {} the cluster was saturated: {most} of the latency was beyond the injected delays, most of it \
         waiting for other writes, so latency there says more about the load than about the quorum.",
        list(&names)
    ))
}

fn load(runs: &[RunReport]) -> Option<String> {
    let config = &runs.first()?.manifest.config;
    let workload = &config.workload;
    let writes = count(u64::from(workload.concurrency.get()), "write");
    let closed = |next: &str| format!("The load is closed loop: at most {writes} at a time, {next}");
    let load = match workload.pacing {
        Pacing::Window => closed("a new one starts when another is answered"),
        Pacing::Batch => closed("the next ones start when all of them are answered"),
        Pacing::Open => format!(
            "The load is open loop: {}, whether or not earlier ones are answered. Latency counts from when a write was to \
             start, so that a slow system cannot slow its own measurement. At most {writes} are in flight",
            labels::arrivals(workload)
        ),
    };
    let machine = match (is_virtual(runs), workload.pacing) {
        (true, _) => "",
        (false, Pacing::Window | Pacing::Batch) => ", and comes from the machine the nodes run on",
        (false, Pacing::Open) => ", and they come from the machine the nodes run on",
    };
    Some(format!("{load}{machine}."))
}

fn clock(runs: &[RunReport]) -> String {
    if is_virtual(runs) {
        return "Times are virtual and exact to the microsecond.".to_owned();
    }
    let own = "Latencies are differences of labctl's monotonic clock, in whole microseconds, and include labctl's own \
               scheduling.";
    if runs.iter().any(|run| run.withheld(&[Need::Trace]).is_some()) {
        return own.to_owned();
    }
    format!(
        "{own} A node's times are taken as they are if its clock reads between two readings of labctl's around one \
         request, and are shifted by the middle of that request otherwise: their error is at most the time that request \
         took."
    )
}

fn is_virtual(runs: &[RunReport]) -> bool {
    runs.iter().all(|run| run.manifest.backend.is_virtual_time())
}

/// `64 / 21.3 ms = 3,005 writes a second`: Little's law in the run with the most writes a second.
pub(super) fn queueing(runs: &[RunReport]) -> Option<String> {
    // In an open loop the rate says what was asked for, not what the cluster can do.
    let is_closed = |run: &&RunReport| run.manifest.config.workload.pacing != Pacing::Open;
    let closed = runs.iter().filter(is_closed);
    let measured = closed.filter_map(|run| Some((run.quorum, run.load.filter(|load| load.concurrency > 1)?)));
    let (quorum, load) = measured.max_by(|(_, a), (_, b)| a.rate_per_s.total_cmp(&b.rate_per_s))?;
    let rate = load.rate_per_s.round();
    Some(format!(
        "No delay was injected. Up to {} were under way at a time, and a write's latency is mostly waiting for the \
         others: at W = {quorum} the cluster answered {} a second, one every {} ms.",
        count(u64::from(load.concurrency), "write"),
        // A rate of writes is a small positive number.
        grouped(rate as u64),
        super::number::fixed(1000.0 / load.rate_per_s, 2)
    ))
}
