//! Latency against W: figure, table, and the same writes across quorums.

use super::statistics::{
    BESIDE_PREDICTION, Statistics, beside_prediction, intervals, method_sentence, reading, series, short_reading,
};
use crate::analysis::{Latency, Paired};
use crate::report::ReportError;
use crate::report::document::{Block, Section, Table};
use crate::report::figures::{Figures, Legend};
use crate::report::model::Report;
use crate::report::number::{grouped, interval, maybe, ms, p_value};
use crate::report::plots::against_quorum::Chart;
use crate::report::prose;

const FILE: &str = "quorum_vs_latency_full.png";

pub(super) fn section(report: &Report, figures: &mut Figures) -> Result<Section, ReportError> {
    let statistics: Vec<Statistics> = report.runs.iter().map(|run| Statistics::of(&run.latency)).collect();
    let finding = &report.findings.latency;
    let subtitle = format!("{} a quorum. {}", prose::writes_a_quorum(&report.runs), short_reading(&statistics));
    let chart = Chart { y_title: "Write latency, ms", unit: "ms", series: series(&statistics) };
    let legend =
        Legend { id: "quorum-latency", file: FILE, caption: format!("{finding}."), reading: reading(&statistics) };
    let (page, file) = (chart.scene(None), chart.scene(Some((finding, &subtitle))));
    let figure = figures.add(legend, &page, file, intervals(&statistics, "Write latency"))?;
    let latencies = report.runs.iter().map(|run| &run.latency);
    let mut blocks = vec![figure, Block::Table { table: table(latencies, &statistics) }];
    blocks.extend(pairs(&report.paired));
    Ok(Section { id: "latency", heading: "Latency against the quorum", blocks })
}

impl Statistics {
    pub(super) fn of(latency: &Latency) -> Self {
        Self {
            quorum: latency.quorum,
            n: latency.n,
            mean: latency.mean,
            median: latency.median,
            p95: latency.p95,
            p99: latency.p99,
            predicted: latency.predicted,
        }
    }
}

/// Measured and predicted figures.
fn table<'a>(latencies: impl Iterator<Item = &'a Latency>, statistics: &[Statistics]) -> Table {
    let row = |l: &Latency| {
        let mut row = vec![l.quorum.to_string(), grouped(l.n), grouped(l.failed), grouped(l.unknown)];
        row.extend(beside_prediction(&Statistics::of(l)));
        row.push(maybe(l.ks, |ks| p_value(ks.p_value)));
        row
    };
    Table::new(format!(
        "Write latency in ms, measured and predicted. n counts acknowledged writes; KS p is the chance of a \
         distribution at least as far from the predicted one if the prediction holds.{}",
        method_sentence(statistics)
    ))
    .numbers(&["W", "n", "failed", "unknown"])
    .numbers(&BESIDE_PREDICTION)
    .numbers(&["KS p"])
    .rows(latencies.map(row))
}

/// What one more acknowledgement cost the very same writes.
fn pairs(paired: &[Paired]) -> Option<Block> {
    if paired.is_empty() {
        return None;
    }
    let row = |pair: &Paired| {
        vec![
            format!("{} to {}", pair.from, pair.to),
            grouped(pair.n),
            grouped(pair.same_delays),
            maybe(pair.mean, |m| format!("{} ({})", ms(m.value_ms), interval(m.interval_ms, ms))),
            maybe(pair.predicted_mean_ms, ms),
            maybe(pair.median, |q| ms(q.value_ms)),
            grouped(pair.sooner),
        ]
    };
    let table = Table::new(
        "How much later the same write was answered at the next quorum, in ms with 95 % intervals. Write i meets the \
         same delays at every W, so that the difference is the quorum's alone.",
    )
    .text(&["W"])
    .numbers(&["n", "same delays", "mean difference", "predicted", "median", "answered sooner"])
    .rows(paired.iter().map(row));
    Some(Block::Details { summary: "The same writes, quorum by quorum".to_owned(), table })
}
