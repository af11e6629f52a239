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
    Some(distance(means().reduce(f64::min)?, means().reduce(f64::max)?))
}

/// `5.0 to 7.3 ms above`, `126.5 ms below to 7.3 ms above`.
fn distance(low: f64, high: f64) -> String {
    let (from, to) = (ms(low.abs()), ms(high.abs()));
    let zero = ms(0.0);
    let side = |value: f64, shown: &str| if value < 0.0 && shown != zero { "below" } else { "above" };
    match (side(low, &from), side(high, &to)) {
        (low_side, high_side) if low_side != high_side => format!("{from} ms {low_side} to {to} ms {high_side}"),
        (side, _) if from == to => format!("{from} ms {side}"),
        ("below", side) => format!("{to} to {from} ms {side}"),
        (_, side) => format!("{from} to {to} ms {side}"),
    }
}

/// How far the means lie above or below what is predicted.
pub(super) fn finding(runs: &[RunReport], why: &Withheld) -> String {
    match means(runs) {
        Some(range) => format!("Mean latency was {range} what is predicted of the network (chance included)"),
        None => format!("Not known here: {why}, and nothing is predicted to hold the latency against"),
    }
}

pub(super) fn answer(runs: &[RunReport]) -> Option<String> {
    let range = means(runs)?;
    Some(format!("Mean latency was {range} what is predicted of the network, the chance in the delays included."))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_lies_above_or_below() {
        assert_eq!(distance(-126.5, 7.3), "126.5 ms below to 7.3 ms above");
        assert_eq!(distance(5.0, 7.3), "5.0 to 7.3 ms above");
        assert_eq!(distance(-7.3, -5.0), "5.0 to 7.3 ms below");
        assert_eq!(distance(-7.3, -7.3), "7.3 ms below");
        assert_eq!(distance(-0.001, 0.001), "0.0 ms above");
    }
}
