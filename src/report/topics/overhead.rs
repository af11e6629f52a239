//! What the software itself cost.

use crate::analysis::{NoInterval, Overhead, Quantile};
use crate::report::charts;
use crate::report::document::{Section, Table};
use crate::report::error::ReportError;
use crate::report::figures::{Figures, Legend};
use crate::report::model::{Report, RunReport};
use crate::report::number::{count, grouped, interval, list, maybe, short_ms};

const FILE: &str = "overhead.png";

pub(super) fn section(report: &Report, figures: &mut Figures) -> Result<Section, ReportError> {
    let finding = &report.findings.overhead;
    let reading = "A write's overhead is its latency less the W-th smallest of the delays drawn for it, so that chance \
                   in the delays does not enter: a quantile of these differences, not a difference of quantiles. Each \
                   tick is a write; the disc is the median, the ring p99.";
    let subtitle = "Each tick is a write's latency less the W-th smallest of its own delays. Disc: median. Ring: p99.";
    let overheads: Vec<_> = report.runs.iter().map(|run| &run.overhead).collect();
    let legend = Legend {
        id: "overhead-strips",
        file: FILE,
        caption: format!("{finding}."),
        reading: format!("{reading}{}", warm_up(&report.runs)),
    };
    let page = charts::overhead::scene(&overheads, None);
    let file = charts::overhead::scene(&overheads, Some((finding, subtitle)));
    let overheads: Vec<&Overhead> = report.runs.iter().map(|run| &run.overhead.figures).collect();
    let table = table(&overheads, report.runs.iter().any(|run| run.faults.is_some()));
    let figure = figures.add(legend, &page, file, table)?;
    Ok(Section { id: "overhead", heading: "What the software itself cost", blocks: vec![figure] })
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
