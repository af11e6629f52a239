//! This experiment beside the others that have data.

use std::cmp::Reverse;

use crate::report::charts::Hue;
use crate::report::charts::against_quorum::{Chart, Line, Measured};
use crate::report::document::{Block, Table};
use crate::report::error::ReportError;
use crate::report::model::{ComparedExperiment, ComparedRun, Report};
use crate::report::number::{NONE, fixed, grouped, list, maybe, ms, percent};
use crate::report::topic::{Finding, Page, Topic};

pub(super) const TOPIC: Topic = Topic {
    id: "comparison",
    heading: "Other experiments",
    file: Some("experiments.png"),
    needs: &[],
    finding: Finding::IfAny(|report| (!report.experiments.is_empty()).then(|| finding(&report.experiments))),
    answer: |_| None,
    blocks,
};

fn blocks(report: &Report, page: &mut Page<'_>) -> Result<Vec<Block>, ReportError> {
    let experiments = &report.experiments;
    let reading = "The share of copies that are wrong for good. Solid lines are measured; dashed lines of the same \
                   colour are what the model expects on average.";
    let subtitle =
        "Copies (one follower's value for one key) wrong for good. Solid: measured. Dashed: expected by the model.";
    let drawn = drawn(experiments);
    let left_out = experiments.len() - drawn.len();
    let few = if left_out == 0 {
        String::new()
    } else {
        format!(" Not drawn are {left_out} others, first of all those in which no copy was wrong; the table has them.")
    };
    let chart = Chart { y_title: "Copies wrong for good, %", unit: "%", series: series(&drawn) };
    let figure =
        page.figure(format!("{reading}{few}"), subtitle, divergence(experiments), |title| chart.scene(title))?;
    Ok(vec![Block::Table { table: conditions(experiments) }, figure, Block::Table { table: latency(experiments) }])
}

/// What sets the experiments apart.
fn finding(experiments: &[ComparedExperiment]) -> String {
    let highest = experiments.iter().flat_map(|e| e.runs.iter().map(|run| run.quorum)).max().unwrap_or(0);
    // One run is one draw: beside it stands how often such runs diverge at all.
    let at_highest: Vec<String> = experiments
        .iter()
        .filter_map(|experiment| {
            let run = experiment.runs.iter().find(|run| run.quorum == highest)?;
            let pairs = format!("{} of {}", grouped(run.diverged?), grouped(run.pairs));
            let share = run.chance_of_any.map_or_else(String::new, |chance| format!(" ({})", percent(chance)));
            Some(format!("{pairs} in {}{share}", experiment.name))
        })
        .collect();
    if at_highest.is_empty() {
        return "Divergence by experiment".to_owned();
    }
    format!(
        "Copies wrong for good at W = {highest} in one run each (and the share of simulated runs with any): {}",
        list(&at_highest)
    )
}

/// Most lines that can be told apart: this experiment in ink, the others each in its hue.
const MAX_LINES: usize = HUES.len() + 1;

/// One hue for each of the other experiments.
const HUES: [Hue; 6] = [Hue::Blue, Hue::Vermillion, Hue::Green, Hue::Purple, Hue::Orange, Hue::Sky];

/// All experiments, or if they are too many, this one and those with the most copies wrong.
fn drawn(experiments: &[ComparedExperiment]) -> Vec<&ComparedExperiment> {
    let mut drawn: Vec<&ComparedExperiment> = experiments.iter().collect();
    if drawn.len() > MAX_LINES {
        let wrong = |of: &ComparedExperiment| of.runs.iter().filter_map(|run| run.diverged).sum::<u64>();
        drawn[1..].sort_by_key(|of| Reverse(wrong(of)));
        drawn.truncate(MAX_LINES);
    }
    drawn
}

fn series(experiments: &[&ComparedExperiment]) -> Vec<Line> {
    let share = |pairs: u64, count: f64| (pairs > 0).then(|| 100.0 * count / pairs as f64);
    let measured = |run: &ComparedRun| {
        let value = share(run.pairs, run.diverged? as f64)?;
        Some(Measured { quorum: run.quorum, value, interval: None })
    };
    let predicted = |run: &ComparedRun| Some((run.quorum, share(run.pairs, run.expected_diverged?)?));
    let hue = |i: usize| i.checked_sub(1).map(|i| HUES[i % HUES.len()]);
    experiments
        .iter()
        .enumerate()
        .map(|(i, experiment)| Line {
            name: experiment.name.to_string(),
            hue: hue(i),
            measured: experiment.runs.iter().filter_map(measured).collect(),
            predicted: experiment.runs.iter().filter_map(predicted).collect(),
        })
        .collect()
}

fn conditions(experiments: &[ComparedExperiment]) -> Table {
    Table::new("The experiments that have data.")
        .text(&["experiment", "pacing", "order", "links", "delays"])
        .numbers(&["writes a run"])
        .rows(experiments.iter().map(|e| {
            vec![
                e.name.to_string(),
                e.pacing.to_string(),
                e.order.map_or_else(|| "log".to_owned(), |order| order.to_string()),
                e.link.to_string(),
                e.delays.clone(),
                grouped(u64::from(e.writes)),
            ]
        }))
}

/// Every W of any experiment.
fn quorums(experiments: &[ComparedExperiment]) -> Vec<u32> {
    let mut quorums: Vec<u32> = experiments.iter().flat_map(|e| e.runs.iter().map(|run| run.quorum)).collect();
    quorums.sort_unstable();
    quorums.dedup();
    quorums
}

/// A row an experiment, a column a W.
fn by_quorum(caption: &str, experiments: &[ComparedExperiment], cell: impl Fn(&ComparedRun) -> String) -> Table {
    let quorums = quorums(experiments);
    let names: Vec<String> = quorums.iter().map(|quorum| format!("W = {quorum}")).collect();
    let row = |experiment: &ComparedExperiment| {
        let at = |quorum: &u32| experiment.runs.iter().find(|run| run.quorum == *quorum);
        let cells = quorums.iter().map(|quorum| at(quorum).map_or_else(|| NONE.to_owned(), &cell));
        std::iter::once(experiment.name.to_string()).chain(cells).collect()
    };
    Table::new(caption)
        .text(&["experiment"])
        .numbers(&names.iter().map(String::as_str).collect::<Vec<_>>())
        .rows(experiments.iter().map(row))
}

fn divergence(experiments: &[ComparedExperiment]) -> Table {
    by_quorum(
        "Copies wrong for good of all copies, and in brackets how many the model expects on average.",
        experiments,
        |run| {
            format!(
                "{} of {} ({})",
                maybe(run.diverged, grouped),
                grouped(run.pairs),
                maybe(run.expected_diverged, |mean| fixed(mean, 1))
            )
        },
    )
}

fn latency(experiments: &[ComparedExperiment]) -> Table {
    by_quorum("Mean write latency in ms, and in brackets the number of acknowledged writes.", experiments, |run| {
        format!("{} ({})", maybe(run.mean_ms, ms), grouped(run.n))
    })
}
