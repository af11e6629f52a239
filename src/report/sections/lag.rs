//! How far followers lagged, and what the leader's death would have cost.

use super::statistics::{
    BESIDE_PREDICTION, Statistics, beside_prediction, intervals, method_sentence, reading, series, short_reading,
};
use crate::analysis::{Durability, Exposure, Lag};
use crate::report::ReportError;
use crate::report::document::{Block, Section, Table};
use crate::report::figures::{Figures, Legend};
use crate::report::model::Report;
use crate::report::number::{fixed, grouped, maybe};
use crate::report::plots;
use crate::report::plots::against_quorum::Chart;

const LAG_FILE: &str = "lag.png";
const DURABILITY_FILE: &str = "durability.png";

/// Most numbers of copies that have a column of their own.
const MOST_COPIES: usize = 8;

pub(super) fn section(report: &Report, figures: &mut Figures) -> Result<Section, ReportError> {
    let lags: Vec<&Lag> = report.runs.iter().map(|run| &run.lag).collect();
    let durabilities: Vec<&Durability> = report.runs.iter().map(|run| &run.durability).collect();
    let blocks = vec![
        lag_figure(report, &lags, figures)?,
        Block::Table { table: lag_table(&lags) },
        durability_figure(report, &durabilities, figures)?,
        Block::paragraph(report.findings.guarantee.as_str()),
    ];
    Ok(Section { id: "lag", heading: "Lag and durability", blocks })
}

impl Statistics {
    fn of_lag(lag: &Lag) -> Self {
        Self {
            quorum: lag.quorum,
            n: lag.n,
            mean: lag.mean,
            median: lag.median,
            p95: lag.p95,
            p99: lag.p99,
            predicted: lag.predicted,
        }
    }
}

fn lag_figure(report: &Report, lags: &[&Lag], figures: &mut Figures) -> Result<Block, ReportError> {
    let statistics: Vec<Statistics> = lags.iter().map(|lag| Statistics::of_lag(lag)).collect();
    let finding = &report.findings.lag;
    let reading = format!(
        "Lag is the time from a write's acknowledgement until the last follower has it. {}",
        reading(&statistics)
    );
    let subtitle =
        format!("Time from a write's acknowledgement until the last follower has it. {}", short_reading(&statistics));
    let chart = Chart { y_title: "Lag of the last follower, ms", unit: "ms", series: series(&statistics) };
    let legend = Legend { id: "lag-figure", file: LAG_FILE, caption: format!("{finding}."), reading };
    let (page, file) = (chart.scene(None), chart.scene(Some((finding, &subtitle))));
    figures.add(legend, &page, file, intervals(&statistics, "Lag of the last follower"))
}

fn lag_table(lags: &[&Lag]) -> Table {
    let row = |lag: &&Lag| {
        let mut row = vec![lag.quorum.to_string(), grouped(lag.n), grouped(lag.never_everywhere)];
        row.extend(beside_prediction(&Statistics::of_lag(lag)));
        row
    };
    let statistics: Vec<Statistics> = lags.iter().map(|lag| Statistics::of_lag(lag)).collect();
    Table::new(format!(
        "Lag in ms, measured and predicted. Never: writes that some follower never got.{}",
        method_sentence(&statistics)
    ))
    .numbers(&["W", "n", "never"])
    .numbers(&BESIDE_PREDICTION)
    .rows(lags.iter().map(row))
}

fn durability_figure(report: &Report, all: &[&Durability], figures: &mut Figures) -> Result<Block, ReportError> {
    let finding = &report.findings.durability;
    let reading = "Acknowledged writes that were not on every follower, averaged over every instant of the load, by \
                   the number of followers that held a copy (the figure in each segment). What is on no follower is \
                   lost with the leader.";
    let subtitle = "By the number of followers that held a copy. What is on no follower is lost with the leader.";
    let legend =
        Legend { id: "durability", file: DURABILITY_FILE, caption: format!("{finding}."), reading: reading.to_owned() };
    let page = plots::durability::scene(all, None);
    let file = plots::durability::scene(all, Some((finding, subtitle)));
    figures.add(legend, &page, file, durability_table(all))
}

fn durability_table(all: &[&Durability]) -> Table {
    let copies = all.iter().map(|d| d.exposure.len()).max().unwrap_or(0).min(MOST_COPIES);
    let names: Vec<String> = (0..copies).map(|n| format!("on {n}")).collect();
    let cell = |exposure: Option<&Exposure>| {
        maybe(exposure, |e| format!("{} ({})", fixed(e.mean_writes, 2), grouped(e.max_writes)))
    };
    let row = |d: &&Durability| {
        let mut row = vec![d.quorum.to_string(), grouped(d.acknowledged)];
        row.extend((0..copies).map(|n| cell(d.exposure.get(n))));
        row.push(grouped(d.overwritten_writes));
        row.push(grouped(d.overwritten_copies));
        row
    };
    Table::new(
        "Acknowledged writes by the number of followers that held a copy: mean over every instant of the load, and in \
         brackets the most at any instant. Overwritten: acknowledged writes that an older one replaced on some \
         follower, and how many copies that cost.",
    )
    .numbers(&["W", "acknowledged"])
    .numbers(&names.iter().map(String::as_str).collect::<Vec<_>>())
    .numbers(&["overwritten", "copies"])
    .rows(all.iter().map(row))
}
