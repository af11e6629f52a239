//! Latency against W: figure and table.

use crate::analysis::{Latency, Mean, Quantile};
use crate::report::ReportError;
use crate::report::document::{Block, Section, Table};
use crate::report::figures::{Figures, Legend};
use crate::report::model::Report;
use crate::report::number::{NONE, grouped, interval, maybe, ms, p_value};
use crate::report::plots::quorum_latency;
use crate::report::prose;

const FILE: &str = "quorum_vs_latency_full.png";

pub(super) fn section(report: &Report, figures: &mut Figures) -> Result<Section, ReportError> {
    let latencies: Vec<Latency> = report.runs.iter().map(|run| run.latency.clone()).collect();
    let finding = prose::latency_finding(&report.runs);
    let reading = "Solid lines are measured, with 95 % intervals; dashed lines of the same colour are predicted from \
                   the injected delays alone. An open arrow is an interval without a bound on that side.";
    let legend =
        Legend { id: "quorum-latency", file: FILE, caption: format!("{finding}."), reading: reading.to_owned() };
    let subtitle = "Solid: measured, with 95 % intervals. Dashed: predicted from the injected delays alone.";
    let page = quorum_latency::scene(&latencies, None);
    let file = quorum_latency::scene(&latencies, Some((&finding, subtitle)));
    let figure = figures.add(legend, &page, &file, intervals(&latencies))?;
    Ok(Section {
        id: "latency",
        heading: "Latency against the quorum",
        blocks: vec![figure, Block::Table { table: measured(&latencies) }],
    })
}

/// Measured and predicted figures.
fn measured(latencies: &[Latency]) -> Table {
    let quantile = |q: Option<Quantile>| q.map(|q| q.value_ms);
    let row = |l: &Latency| {
        let pair = |measured: Option<f64>, predicted: Option<f64>| [maybe(measured, ms), maybe(predicted, ms)];
        let mut row = vec![l.quorum.to_string(), grouped(l.n), grouped(l.failed), grouped(l.unknown)];
        row.extend(pair(l.mean.map(|m| m.value_ms), l.predicted.map(|p| p.mean_ms)));
        row.extend(pair(quantile(l.median), l.predicted.map(|p| p.median_ms)));
        row.extend(pair(quantile(l.p95), l.predicted.map(|p| p.p95_ms)));
        row.extend(pair(quantile(l.p99), l.predicted.map(|p| p.p99_ms)));
        row.push(maybe(l.ks, |ks| p_value(ks.p_value)));
        row
    };
    Table::new(
        "Write latency in ms, measured and predicted. n counts acknowledged writes; KS p is the chance of a \
         distribution at least as far from the predicted one if the prediction holds.",
    )
    .numbers(&[
        "W",
        "n",
        "failed",
        "unknown",
        "mean",
        "predicted",
        "median",
        "predicted",
        "p95",
        "predicted",
        "p99",
        "predicted",
        "KS p",
    ])
    .rows(latencies.iter().map(row))
}

/// Every figure's interval.
fn intervals(latencies: &[Latency]) -> Table {
    let mean = |m: Option<Mean>| {
        m.map_or_else(|| NONE.to_owned(), |m| format!("{} ({})", ms(m.value_ms), interval(m.interval_ms, ms)))
    };
    let quantile = |q: Option<Quantile>| {
        q.map_or_else(|| NONE.to_owned(), |q| format!("{} ({})", ms(q.value_ms), interval(q.interval_ms, ms)))
    };
    let row = |l: &Latency| {
        vec![l.quorum.to_string(), grouped(l.n), mean(l.mean), quantile(l.median), quantile(l.p95), quantile(l.p99)]
    };
    Table::new(
        "Measured write latency in ms with 95 % intervals: Student's for the mean, distribution-free for quantiles.",
    )
    .numbers(&["W", "n", "mean", "median", "p95", "p99"])
    .rows(latencies.iter().map(row))
}
