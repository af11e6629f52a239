//! Latency over the course of the run: warm-up and drift.

use crate::data::WriteOutcome;
use crate::report::charts::scatter::{self, Scatter, ScatterMark, ScatterPanel, Shade};
use crate::report::charts::{Hue, Shape};
use crate::report::document::{Block, Table};
use crate::report::ends::{Ends, ends, evenly};
use crate::report::error::ReportError;
use crate::report::model::{PlottedWrite, Report, RunReport};
use crate::report::number::{grouped, maybe, ms};
use crate::report::topic::{Finding, Page, Topic};

/// Most quorums that have panels.
const MAX_QUORUMS: usize = 6;

pub(super) const TOPIC: Topic = Topic {
    id: "course",
    heading: "Latency over the course of the run",
    file: Some("latency_over_time.png"),
    needs: &[],
    finding: Finding::IfAny(|report| finding(&report.runs)),
    answer: |_| None,
    blocks,
};

fn blocks(report: &Report, page: &mut Page<'_>) -> Result<Vec<Block>, ReportError> {
    let scatter = scatter(evenly(&report.runs, MAX_QUORUMS).into_iter().map(course).collect());
    let reading = "Each mark is a write, at the time it began; its height is how long it took. A disc was acknowledged, \
                   a cross refused, a ring had no answer. Slow writes at the left are warm-up; a slope is drift, such \
                   as a machine that gets busier.";
    let subtitle = "Disc: acknowledged. Cross: refused. Ring: no answer.";
    let table = table(&report.runs);
    Ok(vec![page.figure(reading.to_owned(), subtitle, table, |title| scatter::scene(&scatter, title))?])
}

/// The medians of the halves. `None` if there were faults, whose own figure shows the writes.
fn finding(runs: &[RunReport]) -> Option<String> {
    let told = |run: &RunReport| {
        let [(_, first), (_, second)] = run.course.halves;
        Some((ms(first?), ms(second?)))
    };
    if runs.iter().any(|run| run.faults.is_some()) {
        return None;
    }
    match ends(runs, told) {
        Ends::None => None,
        Ends::One(w, (first, second)) => Some(format!(
            "The median latency at W = {w} was {first} ms in the first half of the run, {second} ms in the second"
        )),
        Ends::Two((low, (first, second)), (high, (high_first, high_second))) => Some(format!(
            "Median latency, first and second half of the run: {first} and {second} ms at W = {low}, {high_first} and \
             {high_second} ms at W = {high}"
        )),
    }
}

fn course(run: &RunReport) -> ScatterPanel {
    panel(run.quorum, run.course.plotted.iter(), Vec::new())
}

/// Writes over the time at which they began, by how long they took.
pub(super) const fn scatter(panels: Vec<ScatterPanel>) -> Scatter {
    Scatter { x_title: "Seconds since the load began", y_title: "Time until the answer, ms", panels }
}

/// The panel of the writes at one W.
pub(super) fn panel<'a>(
    quorum: u32,
    writes: impl Iterator<Item = &'a PlottedWrite>,
    shaded: Vec<Shade>,
) -> ScatterPanel {
    let mark = |write: &PlottedWrite| ScatterMark {
        x: write.start_ms / 1000.0,
        y: write.latency_ms,
        shape: match write.outcome {
            WriteOutcome::Ok => Shape::Disc,
            WriteOutcome::Failed => Shape::Cross,
            WriteOutcome::Unknown => Shape::Ring,
        },
    };
    ScatterPanel {
        name: format!("W = {quorum}"),
        hue: Hue::of_quorum(quorum),
        marks: writes.map(mark).collect(),
        shaded,
    }
}

fn table(runs: &[RunReport]) -> Table {
    let row = |run: &RunReport| {
        let [(first_n, first), (second_n, second)] = run.course.halves;
        vec![run.quorum.to_string(), grouped(first_n), maybe(first, ms), grouped(second_n), maybe(second, ms)]
    };
    Table::new("Acknowledged writes of each half of the run, by the order in which they were sent, and their median latency in ms.")
        .numbers(&["W", "writes, first half", "median, first half", "writes, second half", "median, second half"])
        .rows(runs.iter().map(row))
}
