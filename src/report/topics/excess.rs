//! What the system added beyond the prediction, where it is not known which delays a write met.

use crate::analysis::{Excess, Need, Withheld};
use crate::report::document::{Block, Table};
use crate::report::model::RunReport;
use crate::report::number::{grouped, maybe, ms};

/// Why the time that the software added is not known write by write; `None` if it is.
pub(super) fn reason(runs: &[RunReport]) -> Option<&Withheld> {
    runs.iter().find_map(|run| run.withheld(&[Need::Delays]))
}

fn means(runs: &[RunReport]) -> Option<String> {
    let means = || runs.iter().filter_map(|run| run.excess?.mean_ms);
    let (low, high) = (ms(means().reduce(f64::min)?), ms(means().reduce(f64::max)?));
    Some(if low == high { format!("{low} ms") } else { format!("{low} to {high} ms") })
}

/// How far the means lie above what is predicted.
pub(super) fn finding(runs: &[RunReport], why: &Withheld) -> String {
    match means(runs) {
        Some(range) => format!("Mean latency was {range} above what is predicted of the network (chance included)"),
        None => format!("Not known here: {why}, and nothing is predicted to hold the latency against"),
    }
}

pub(super) fn answer(runs: &[RunReport]) -> Option<String> {
    let range = means(runs)?;
    Some(format!("Mean latency was {range} above what is predicted of the network, the chance in the delays included."))
}

/// The finding with its reason, and the table.
pub(super) fn blocks(runs: &[RunReport], finding: &str) -> Vec<Block> {
    let all: Vec<Excess> = runs.iter().filter_map(|run| run.excess).collect();
    let reason = reason(runs).filter(|_| !all.is_empty());
    let why = reason.map_or_else(String::new, |why| {
        format!(
            " The time that the software added to each write is not known: {why}. What is left is a figure of the whole \
             run less its prediction, which holds the chance in the delays as well."
        )
    });
    let mut blocks = vec![Block::paragraph(format!("{finding}.{why}"))];
    if !all.is_empty() {
        blocks.push(Block::Table { table: table(&all) });
    }
    blocks
}

fn table(all: &[Excess]) -> Table {
    let row = |of: &Excess| {
        let figures = [of.mean_ms, of.median_ms, of.p95_ms, of.p99_ms];
        [of.quorum.to_string(), grouped(of.n)].into_iter().chain(figures.map(|figure| maybe(figure, ms))).collect()
    };
    Table::new("Excess over the prediction in ms: write latency less what is predicted of the network alone.")
        .numbers(&["W", "n", "mean", "median", "p95", "p99"])
        .rows(all.iter().map(row))
}
