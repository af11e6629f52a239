//! What the software itself cost.

use super::excess;
use crate::analysis::{Need, NoInterval, Overhead, Quantile};
use crate::report::charts::Hue;
use crate::report::charts::strips::{self, Marked, Strip};
use crate::report::document::{Block, Table};
use crate::report::error::ReportError;
use crate::report::method::queueing;
use crate::report::model::{OverheadReport, Report, RunReport};
use crate::report::number::{count, grouped, interval, list, maybe, short_ms};
use crate::report::topic::{Finding, Page, Topic, lost};

pub(super) const TOPIC: Topic = Topic {
    id: "overhead",
    heading: "Time the software added",
    file: Some("overhead.png"),
    needs: &[],
    finding: Finding::Always(|report| match excess::reason(&report.runs) {
        Some(why) => excess::finding(&report.runs, why),
        None => finding(&report.runs),
    }),
    answer: |report| match excess::reason(&report.runs) {
        Some(_) => excess::answer(&report.runs),
        None => answer(&report.runs),
    },
    blocks,
};

fn blocks(report: &Report, page: &mut Page<'_>) -> Result<Vec<Block>, ReportError> {
    if excess::reason(&report.runs).is_some() {
        return Ok(excess::blocks(&report.runs, page.finding()));
    }
    let reading = "The time the software added to a write is its latency less the W-th smallest of the delays drawn for \
                   it, so chance in the delays does not enter. Each tick is a write; the disc is the median, the ring p99.";
    let subtitle = "Each tick is a write's latency less the W-th smallest of its own delays. Disc: median. Ring: p99.";
    let strips: Vec<Strip<'_>> = report.runs.iter().map(|run| strip(&run.overhead)).collect();
    let reading = format!("{reading}{}", warm_up(&report.runs));
    let figures: Vec<&Overhead> = report.runs.iter().map(|run| &run.overhead.figures).collect();
    let table = table(&figures, report.runs.iter().any(|run| run.faults.is_some()));
    let figure = page.figure(reading, subtitle, table, |title| strips::scene(&strips, "Overhead, ms", title))?;
    Ok(lost(Need::Trace, &report.runs).into_iter().chain([figure]).collect())
}

/// Every write's overhead at one W.
fn strip(overhead: &OverheadReport) -> Strip<'_> {
    let marked = |of: Option<Quantile>, label| of.map(|quantile| Marked { value: quantile.value_ms, label });
    let figures = &overhead.figures;
    Strip {
        name: format!("W = {}", figures.quorum),
        hue: Hue::of_quorum(figures.quorum),
        values: &overhead.values_ms,
        disc: marked(figures.p50, "p50"),
        ring: marked(figures.p99, "p99"),
    }
}

/// What the software cost.
fn finding(runs: &[RunReport]) -> String {
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

fn answer(runs: &[RunReport]) -> Option<String> {
    if !runs.iter().any(RunReport::has_delays) {
        let alone = || "No delay was injected, so all of the latency is the software's own cost.".to_owned();
        return Some(queueing(runs).unwrap_or_else(alone));
    }
    let medians = || runs.iter().filter_map(|run| Some(run.overhead.figures.p50?.value_ms));
    let low = medians().reduce(f64::min)?;
    let high = medians().reduce(f64::max)?;
    let range = if short_ms(low) == short_ms(high) {
        short_ms(low)
    } else {
        format!("{} to {}", short_ms(low), short_ms(high))
    };
    Some(format!("The software added {range} ms to a write (median at each W)."))
}

/// What the first writes cost beside the others.
fn warm_up(runs: &[RunReport]) -> String {
    let first: Vec<String> = runs
        .iter()
        .filter_map(|run| Some((run.quorum, run.overhead.figures.warm_up?)))
        .filter(|(_, warm_up)| short_ms(warm_up.p50_ms) != short_ms(warm_up.rest_p50_ms))
        .map(|(quorum, warm_up)| {
            format!("{} and {} ms at W = {quorum}", short_ms(warm_up.p50_ms), short_ms(warm_up.rest_p50_ms))
        })
        .collect();
    let n = runs.iter().filter_map(|run| Some(run.overhead.figures.warm_up?.n)).max();
    match n.filter(|_| !first.is_empty()) {
        None => String::new(),
        Some(n) => format!(
            " The first {}, which also open connections, and all others (medians): {}.",
            count(n, "write"),
            list(&first)
        ),
    }
}

fn table(overheads: &[&Overhead], has_faults: bool) -> Table {
    let quantile =
        |q: Option<Quantile>| maybe(q, |q| format!("{} ({})", short_ms(q.value_ms), interval(q.interval_ms, short_ms)));
    let row = |o: &Overhead| {
        let mut row = vec![o.quorum.to_string(), grouped(o.n)];
        row.extend([o.p50, o.p95, o.p99].map(quantile));
        row.push(maybe(o.max_ms, short_ms));
        row
    };
    let none = |why| overheads.iter().any(|o| o.dependence.no_interval == Some(why));
    let saturated = if none(NoInterval::Saturated) {
        " Where the cluster was saturated and values depend on each other only several runs give an interval."
    } else {
        ""
    };
    let spared = if has_faults { " Writes that met a fault are left out." } else { "" };
    Table::new(format!(
        "Overhead in ms with distribution-free 95 % intervals, from consecutive batches where values depend on each \
         other. They cover chance within the run, not the spread from run to run, which can be wider.{saturated}{spared}",
    ))
    .numbers(&["W", "n", "p50", "p95", "p99", "greatest"])
    .rows(overheads.iter().map(|o| row(o)))
}
