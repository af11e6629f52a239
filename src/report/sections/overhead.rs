//! What the software itself cost.

use crate::analysis::{Overhead, Quantile};
use crate::report::ReportError;
use crate::report::document::{Section, Table};
use crate::report::figures::{Figures, Legend};
use crate::report::model::Report;
use crate::report::number::{grouped, interval, maybe, short_ms};
use crate::report::plots;

const FILE: &str = "overhead.png";

pub(super) fn section(report: &Report, figures: &mut Figures) -> Result<Section, ReportError> {
    let finding = &report.findings.overhead;
    let reading = "A write's overhead is its latency less the W-th smallest of the delays drawn for it, so that chance \
                   in the delays does not enter. Each tick is a write; the disc is the median, the ring p99.";
    let subtitle = "Each tick is a write's latency less the W-th smallest of its own delays. Disc: median. Ring: p99.";
    let overheads: Vec<_> = report.runs.iter().map(|run| &run.overhead).collect();
    let legend =
        Legend { id: "overhead-strips", file: FILE, caption: format!("{finding}."), reading: reading.to_owned() };
    let page = plots::overhead::scene(&overheads, None);
    let file = plots::overhead::scene(&overheads, Some((finding, subtitle)));
    let table = table(report.runs.iter().map(|run| &run.overhead.figures));
    let figure = figures.add(legend, &page, file, table)?;
    Ok(Section { id: "overhead", heading: "What the software itself cost", blocks: vec![figure] })
}

fn table<'a>(overheads: impl Iterator<Item = &'a Overhead>) -> Table {
    let quantile =
        |q: Option<Quantile>| maybe(q, |q| format!("{} ({})", short_ms(q.value_ms), interval(q.interval_ms, short_ms)));
    let row = |o: &Overhead| {
        let mut row = vec![o.quorum.to_string(), grouped(o.n)];
        row.extend([o.p50, o.p95, o.p99].map(quantile));
        row.push(maybe(o.max_ms, short_ms));
        row
    };
    Table::new("Overhead in ms with distribution-free 95 % intervals.")
        .numbers(&["W", "n", "p50", "p95", "p99", "greatest"])
        .rows(overheads.map(row))
}
