//! Systems side by side: other systems in the same network, under the same load.

use crate::report::charts::Hue;
use crate::report::charts::against_quorum::{Chart, Line, Measured};
use crate::report::document::{Block, Table};
use crate::report::error::ReportError;
use crate::report::model::{ComparedSystem, Report, SystemRun};
use crate::report::number::{NONE, bounds, grouped, list, maybe, ms};
use crate::report::topic::{Finding, Page, Topic};

/// One hue a system, the first for this experiment's.
const HUES: [Hue; 6] = [Hue::Blue, Hue::Vermillion, Hue::Green, Hue::Purple, Hue::Orange, Hue::Sky];

pub(super) const TOPIC: Topic = Topic {
    id: "systems",
    heading: "Systems side by side",
    file: Some("systems.png"),
    needs: &[],
    finding: Finding::IfAny(|report| (!report.systems.is_empty()).then(|| finding(&report.systems))),
    answer: |_| None,
    blocks,
};

fn blocks(report: &Report, page: &mut Page<'_>) -> Result<Vec<Block>, ReportError> {
    let systems = &report.systems;
    let is_predicted = systems.iter().flat_map(|of| &of.runs).any(|run| run.predicted_mean_ms.is_some());
    let dashed = if is_predicted { " Dashed lines of the same colour are predicted of the network alone." } else { "" };
    let reading = format!(
        "The same writes in the same network, to different systems. Solid lines are measured: one run at each W, without \
         the spread from run to run.{dashed}{}",
        diverged(systems)
    );
    let subtitle = if is_predicted { "Solid: measured. Dashed: predicted of the network." } else { "Measured." };
    let chart = Chart { y_title: "Mean write latency, ms", unit: "ms", series: series(systems) };
    let figure = page.figure(reading, subtitle, table(systems), |title| chart.scene(title))?;
    Ok(vec![figure, Block::Table { table: table(systems) }])
}

/// `redis 7.0.15`.
fn named(of: &ComparedSystem) -> String {
    of.version.as_ref().map_or_else(|| of.system.clone(), |version| format!("{} {version}", of.system))
}

/// Mean latency at the highest W that all have.
fn finding(systems: &[ComparedSystem]) -> String {
    let Some(quorum) = common(systems).last().copied() else {
        return "No W was run with each of these systems".to_owned();
    };
    let latencies = each(systems, quorum, |run| Some(format!("{} ms", ms(run.mean_ms?))));
    if latencies.is_empty() {
        return format!("No latency to compare at W = {quorum}");
    }
    format!("Mean latency in the same network at W = {quorum}: {latencies}")
}

/// How many copies were wrong for good at the lowest W that all have: there most go wrong, if any do.
fn diverged(systems: &[ComparedSystem]) -> String {
    let Some(quorum) = common(systems).first().copied() else { return String::new() };
    let wrong = each(systems, quorum, |run| Some(format!("{} of {}", grouped(run.diverged?), grouped(run.pairs))));
    if wrong.is_empty() { String::new() } else { format!(" Copies wrong for good at W = {quorum}: {wrong}.") }
}

/// `24.1 ms with redis and 22.0 ms with the other system`.
fn each(systems: &[ComparedSystem], quorum: u32, tell: impl Fn(&SystemRun) -> Option<String>) -> String {
    let told = |of: &ComparedSystem| {
        let run = of.runs.iter().find(|run| run.quorum == quorum)?;
        Some(format!("{} with {}", tell(run)?, of.system))
    };
    list(&systems.iter().filter_map(told).collect::<Vec<_>>())
}

/// Every W that was run with each system.
fn common(systems: &[ComparedSystem]) -> Vec<u32> {
    let is_everywhere = |quorum: &u32| systems.iter().all(|of| of.runs.iter().any(|run| run.quorum == *quorum));
    quorums(systems).into_iter().filter(is_everywhere).collect()
}

/// Every W of any system.
fn quorums(systems: &[ComparedSystem]) -> Vec<u32> {
    let mut quorums: Vec<u32> = systems.iter().flat_map(|of| of.runs.iter().map(|run| run.quorum)).collect();
    quorums.sort_unstable();
    quorums.dedup();
    quorums
}

fn series(systems: &[ComparedSystem]) -> Vec<Line> {
    let measured = |run: &SystemRun| Some(Measured { quorum: run.quorum, value: run.mean_ms?, interval: None });
    let one = |(i, of): (usize, &ComparedSystem)| Line {
        name: of.system.clone(),
        hue: Some(HUES[i % HUES.len()]),
        measured: of.runs.iter().filter_map(measured).collect(),
        predicted: of.runs.iter().filter_map(|run| Some((run.quorum, run.predicted_mean_ms?))).collect(),
    };
    systems.iter().enumerate().map(one).collect()
}

fn table(systems: &[ComparedSystem]) -> Table {
    let row = |of: &ComparedSystem, run: &SystemRun| {
        let excess_ms = run.mean_ms.zip(run.predicted_mean_ms).map(|(mean, predicted)| mean - predicted);
        vec![
            run.quorum.to_string(),
            named(of),
            of.experiment.to_string(),
            grouped(run.n),
            maybe(run.mean_ms, ms),
            maybe(run.predicted_mean_ms, ms),
            maybe(excess_ms, ms),
            maybe(run.diverged, |diverged| format!("{} of {}", grouped(diverged), grouped(run.pairs))),
            run.lost.map_or_else(|| NONE.to_owned(), |lost| bounds(lost, grouped)),
        ]
    };
    let at =
        |quorum: u32| systems.iter().filter_map(move |of| Some((of, of.runs.iter().find(|run| run.quorum == quorum)?)));
    let rows = quorums(systems).into_iter().flat_map(at).map(|(of, run)| row(of, run));
    Table::new(
        "Mean write latency in ms, measured and predicted of the network, and what lies between the two: the system's \
         own time and the chance in the delays. Wrong for good: copies (one follower's value for one key) that differed \
         after every message had arrived. Lost: acknowledged writes that no node held in the end, nor a newer one of \
         the key.",
    )
    .numbers(&["W"])
    .text(&["system", "experiment"])
    .numbers(&["n", "mean", "mean, predicted", "excess", "wrong for good", "lost"])
    .rows(rows.collect::<Vec<_>>())
}
