//! Whether writes started when they were to, and what driving them took.

use crate::analysis::{DriverCost, LATE_MS, OpenLoop};
use crate::report::document::{Block, Table};
use crate::report::error::ReportError;
use crate::report::model::{Report, RunReport};
use crate::report::number::{fixed, grouped, list, maybe, percent, short_ms};
use crate::report::topic::{Finding, Page, Topic};

/// What the section rests on.
const METHOD: &str = "The processor time of labctl is that of its whole process, from the first write to the last answer: the \
     load, which runs on one processor, readers that ask followers, and the display. The share of the machine counts \
     whatever ran there, the nodes too.";

pub(super) const TOPIC: Topic = Topic {
    id: "load",
    heading: "The load, and what driving it took",
    file: None,
    needs: &[],
    finding: Finding::IfAny(|report| finding(&report.runs)),
    answer: |_| None,
    blocks,
};

/// What driving took, and whether an open loop kept its times. `None` if the runs tell neither.
fn finding(runs: &[RunReport]) -> Option<String> {
    let costs: Vec<f64> = drivers(runs).map(|driver| driver.cpu_us_per_write).collect();
    let cost = range(&costs, |us| fixed(us, 0))
        .map(|range| format!("driving a write took labctl {range} µs of processor time"));
    let late: Vec<f64> = open_loops(runs).map(|of| of.late_p99_ms).collect();
    let late = range(&late, short_ms)
        .map(|range| format!("99 % of the writes were sent at most {range} ms later than intended"));
    let told: Vec<String> = [late, cost].into_iter().flatten().collect();
    let told = (!told.is_empty()).then(|| list(&told))?;
    // Both begin with a letter or a digit.
    let mut letters = told.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    Some(first.chain(letters).collect())
}

/// The least and the greatest of some values; `None` of none.
fn range(values: &[f64], format: impl Fn(f64) -> String) -> Option<String> {
    let least = values.iter().copied().reduce(f64::min)?;
    let greatest = values.iter().copied().reduce(f64::max)?;
    let (low, high) = (format(least), format(greatest));
    Some(if low == high { low } else { format!("{low} to {high}") })
}

fn drivers(runs: &[RunReport]) -> impl Iterator<Item = DriverCost> {
    runs.iter().filter_map(|run| run.load?.driver)
}

fn open_loops(runs: &[RunReport]) -> impl Iterator<Item = OpenLoop> {
    runs.iter().filter_map(|run| run.load?.open_loop)
}

fn blocks(report: &Report, _: &mut Page<'_>) -> Result<Vec<Block>, ReportError> {
    let runs = &report.runs;
    let rates = Table::new("Writes a second and in flight, and what labctl and the machine were busy with.")
        .numbers(&[
            "W",
            "acknowledged a second",
            "in flight, mean",
            "in flight, most",
            "labctl, µs a write",
            "labctl, % of a processor",
            "machine busy, %",
        ])
        .rows(runs.iter().map(row));
    let mut blocks = vec![Block::Table { table: rates }];
    if open_loops(runs).next().is_some() {
        let caption = format!(
            "How much later than intended writes were sent, in ms. Late: by more than {LATE_MS} ms. Held up: late, and as \
             many were in flight as `concurrency` allows."
        );
        let late = Table::new(&caption)
            .numbers(&["W", "intended a second", "median", "p99", "greatest", "late", "held up"])
            .rows(runs.iter().filter_map(punctuality));
        blocks.push(Block::Table { table: late });
    }
    if drivers(runs).next().is_some() {
        blocks.push(Block::paragraph(METHOD));
    }
    Ok(blocks)
}

fn row(run: &RunReport) -> Vec<String> {
    let (load, driver) = (run.load, run.load.and_then(|load| load.driver));
    vec![
        run.quorum.to_string(),
        maybe(load, |load| grouped(load.rate_per_s.round() as u64)),
        maybe(load, |load| fixed(load.in_flight, 1)),
        maybe(load, |load| grouped(u64::from(load.concurrency))),
        maybe(driver, |driver| fixed(driver.cpu_us_per_write, 1)),
        maybe(driver, |driver| percent(driver.of_a_processor)),
        maybe(driver.and_then(|driver| driver.machine_busy), percent),
    ]
}

fn punctuality(run: &RunReport) -> Option<Vec<String>> {
    let of = run.load?.open_loop?;
    let counts = [of.late, of.held_up].map(grouped);
    let times = [of.late_p50_ms, of.late_p99_ms, of.late_max_ms].map(short_ms);
    let mut row = vec![run.quorum.to_string(), grouped(u64::from(of.rate_per_s))];
    row.extend(times.into_iter().chain(counts));
    Some(row)
}
