//! Latency against W: figure, table, and the same writes across quorums.

use super::statistics::{
    BESIDE_PREDICTION, Statistics, beside_prediction, intervals, method_sentence, reading, series, short_reading,
};
use crate::analysis::{Latency, NotPredicted, Paired};
use crate::report::charts::against_quorum::Chart;
use crate::report::document::{Block, Section, Table};
use crate::report::error::ReportError;
use crate::report::figures::{Figures, Legend};
use crate::report::model::{Report, RunReport};
use crate::report::number::{grouped, interval, list, maybe, ms, p_value};
use crate::report::prose;

const FILE: &str = "quorum_vs_latency_full.png";

pub(super) fn section(report: &Report, figures: &mut Figures) -> Result<Section, ReportError> {
    let statistics: Vec<Statistics> = report.runs.iter().map(|run| Statistics::of(&run.latency)).collect();
    let finding = &report.findings.latency;
    let subtitle = format!("{} a quorum. {}", prose::writes_a_quorum(&report.runs), short_reading(&statistics));
    let chart = Chart { y_title: "Write latency, ms", unit: "ms", series: series(&statistics) };
    let legend = Legend {
        id: "quorum-latency",
        file: FILE,
        caption: format!("{finding}."),
        reading: reading(&statistics) + &unpredicted(&report.runs) + &spared(&report.runs),
    };
    let (page, file) = (chart.scene(None), chart.scene(Some((finding, &subtitle))));
    let figure = figures.add(legend, &page, file, intervals(&statistics, "Write latency"))?;
    let table = table(report.runs.iter().map(|run| &run.latency), &statistics, &spared(&report.runs));
    let mut blocks = vec![figure, Block::Table { table }];
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
            dependence: latency.dependence,
        }
    }
}

/// Why runs with faults have no prediction.
fn unpredicted(runs: &[RunReport]) -> String {
    let met: Vec<String> = runs
        .iter()
        .filter(|run| run.latency.not_predicted == Some(NotPredicted::Faults))
        .map(|run| format!("W = {}", run.quorum))
        .collect();
    if met.is_empty() {
        return String::new();
    }
    let at = if met.len() == runs.len() { String::new() } else { format!(" at {}", list(&met)) };
    format!(" Nothing is predicted{at}: a fault changed what the writes met.")
}

/// Where the acknowledged writes are those that the faults spared.
fn spared(runs: &[RunReport]) -> String {
    let missed: Vec<String> = runs
        .iter()
        .filter(|run| run.latency.missed_in_fault > 0 && run.latency.mean.is_some())
        .map(|run| format!("{} at W = {}", grouped(run.latency.missed_in_fault), run.quorum))
        .collect();
    if missed.is_empty() {
        return String::new();
    }
    format!(
        " Writes that met a fault and were not acknowledged: {}. The figures there are of the writes that the faults \
         spared, not of a random part of all.",
        list(&missed)
    )
}

/// Measured and predicted figures.
fn table<'a>(latencies: impl Iterator<Item = &'a Latency>, statistics: &[Statistics], spared: &str) -> Table {
    let row = |l: &Latency| {
        let mut row =
            vec![l.quorum.to_string(), grouped(l.n), grouped(l.failed), grouped(l.unknown), grouped(l.cut_off)];
        row.extend(beside_prediction(&Statistics::of(l)));
        row.push(maybe(l.ks, |fit| p_value(fit.p_adjusted)));
        row
    };
    Table::new(format!(
        "Write latency in ms, measured and predicted. n counts acknowledged writes; cut off: writes a fault took the \
         answer from, where latency is withheld. KS p above 0.05: these writes are too few to tell from the \
         prediction; it is corrected for the number of W (Holm).{}{spared}",
        method_sentence(statistics)
    ))
    .numbers(&["W", "n", "failed", "unknown", "cut off"])
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
            maybe(pair.mean, |_| grouped(pair.sooner)),
        ]
    };
    let reason = if paired.iter().all(Paired::is_paired) {
        "Write i met the same delays at every W, so the difference is the quorum's alone."
    } else {
        "The figures are of writes that met the same delays at both, by the traces; n counts all that were \
         acknowledged at both."
    };
    let table = Table::new(format!(
        "How much later the same write was answered at the next quorum, in ms with 95 % intervals. {reason}"
    ))
    .text(&["W"])
    .numbers(&["n", "same delays", "mean difference", "predicted", "median", "answered sooner"])
    .rows(paired.iter().map(row));
    Some(Block::Details { summary: "The same writes, quorum by quorum".to_owned(), table })
}
