//! The document of an exploration.

use super::conditions::{self, condition_groups};
use super::measures::{CRASH, DIVERGENCE, FAILOVER, LATENCY, Measure, STALENESS, VISIBLE};
use super::trend::Trend;
use crate::analysis::chance;
use crate::explore::PointRow;
use crate::report::ReportError;
use crate::report::charts::Hue;
use crate::report::charts::against_quorum::{Line, Measured};
use crate::report::charts::small_multiples::{Multiples, Panel};
use crate::report::document::{Block, Document, Section, Table};
use crate::report::figures::{Figures, Legend};
use crate::report::number::{count, fixed, grouped, interval, maybe, ms, percent};

/// Colours of the numbers of followers. After six they repeat; labels tell the lines apart.
const HUES: [Hue; 6] = [Hue::Blue, Hue::Vermillion, Hue::Green, Hue::Purple, Hue::Orange, Hue::Sky];

/// The measures of the answer at the top.
const MAIN: [&Measure; 4] = [&LATENCY, &DIVERGENCE, &STALENESS, &CRASH];

/// Panels that a figure has at most.
const MAX_PANELS: usize = 24;

/// The whole document, and its figures.
pub(super) fn document(points: &[PointRow], figures: &mut Figures) -> Result<Document, ReportError> {
    let mut draw = |measure: &Measure| figure(measure, points, figures);
    let sections = vec![
        Section { id: "latency", heading: "What it costs: latency", blocks: vec![draw(&LATENCY)?] },
        Section { id: "divergence", heading: "What it buys: replicas that agree", blocks: vec![draw(&DIVERGENCE)?] },
        Section {
            id: "staleness",
            heading: "What it buys: fresh reads",
            blocks: vec![draw(&STALENESS)?, draw(&VISIBLE)?],
        },
        Section {
            id: "crash",
            heading: "What it buys: writes that outlive the leader",
            blocks: vec![draw(&CRASH)?, draw(&FAILOVER)?],
        },
        all_points(points),
        reproduce(points),
    ];
    let runs: u64 = points.iter().map(|point| point.conditions.seeds).sum();
    let conditions = format!("{} of {}.", count(runs, "simulated run"), count(points.len() as u64, "point"));
    let findings = MAIN.iter().map(|measure| Trend::of(measure, points).to_string());
    Ok(Document {
        title: "What a write quorum buys and costs, under many conditions".to_owned(),
        subtitle: conditions::subtitle(points),
        system: None,
        answer: std::iter::once(conditions).chain(findings).collect(),
        method: "Intervals are 95 % intervals over runs with different seeds. Times are virtual and exact to the microsecond."
            .to_owned(),
        warnings: warnings(points),
        sections,
    })
}

/// What a reader must know before believing the rest.
fn warnings(points: &[PointRow]) -> Vec<String> {
    let unsettled: u64 = points.iter().map(|point| point.figures.unsettled_runs).sum();
    let lost: u64 = points.iter().map(|point| point.figures.failed + point.figures.unknown).sum();
    let mut warnings = Vec::new();
    if unsettled > 0 {
        warnings.push(format!("{} did not settle: their divergence is not final.", count(unsettled, "run")));
    }
    if lost > 0 {
        warnings.push(format!("{} not acknowledged: latencies cover only the others.", were(lost)));
    }
    warnings
}

fn were(writes: u64) -> String {
    format!("{} {}", count(writes, "write"), if writes == 1 { "was" } else { "were" })
}

fn figure(measure: &Measure, points: &[PointRow], figures: &mut Figures) -> Result<Block, ReportError> {
    let panels = condition_groups(points);
    let omitted = panels.len().saturating_sub(MAX_PANELS);
    let drawn = panels.iter().take(MAX_PANELS).map(|panel| Panel {
        title: panel.title.clone(),
        series: panel.by_followers.iter().enumerate().map(|(i, (n, points))| series(measure, i, *n, points)).collect(),
    });
    let multiples = Multiples { axis: measure.axis, one_scale: measure.one_scale, panels: drawn.collect() };
    let mut reading = measure.reading.to_owned();
    if omitted > 0 {
        reading += &format!(" {} not drawn; their numbers are in the table.", count(omitted as u64, "more panel"));
    }
    let trend = Trend::of(measure, points);
    let (page, file) = (multiples.scene(None), multiples.scene(Some((&trend.sentence, &trend.place))));
    let legend = Legend { id: measure.id.to_owned(), file: measure.file, caption: trend.to_string(), reading };
    figures.add(legend, &page, file, numbers(measure, points))
}

fn series(measure: &Measure, index: usize, followers: u32, points: &[&PointRow]) -> Line {
    let measured = |point: &&PointRow| {
        let (value, interval) = (measure.value)(point)?;
        Some(Measured { quorum: point.conditions.quorum, value, interval: interval.map(Into::into) })
    };
    Line {
        name: format!("N = {followers}"),
        hue: Some(HUES[index % HUES.len()]),
        measured: points.iter().filter_map(measured).collect(),
        predicted: points
            .iter()
            .filter_map(|point| Some((point.conditions.quorum, (measure.predicted)(point)?)))
            .collect(),
    }
}

/// The numbers behind a figure.
fn numbers(measure: &Measure, points: &[PointRow]) -> Table {
    let cells = conditions::cells(points);
    let has_prediction = points.iter().any(|point| (measure.predicted)(point).is_some());
    let row = |point: &PointRow| {
        let mut row = cells(point);
        let value = (measure.value)(point);
        row.push(maybe(value, |(value, _)| fixed(value, 3)));
        row.push(maybe(value.and_then(|(_, ends)| ends), |ends| interval(ends, |end| fixed(end, 3))));
        if has_prediction {
            row.push(maybe((measure.predicted)(point), |value| fixed(value, 3)));
        }
        row
    };
    let predicted: &[&str] = if has_prediction { &["predicted"] } else { &[] };
    Table::new(measure.axis)
        .numbers(&conditions::columns(points))
        .numbers(&["value", "95 % interval"])
        .numbers(predicted)
        .rows(points.iter().map(row))
}

fn all_points(points: &[PointRow]) -> Section {
    let cells = conditions::cells(points);
    let row = |point: &PointRow| {
        let figures = &point.figures;
        let mut row = cells(point);
        row.extend([
            grouped(figures.ok),
            grouped(figures.failed + figures.unknown),
            maybe(figures.mean_ms, ms),
            maybe(figures.predicted_mean_ms, ms),
            maybe(figures.median_ms, ms),
            maybe(figures.p95_ms, ms),
            maybe(figures.p99_ms, ms),
            fixed(figures.behind, 2),
            fixed(figures.diverged, 2),
            maybe(chance(figures.diverged_runs, point.conditions.seeds), |(share, _)| percent(share)),
            maybe(figures.stale_at_ack, percent),
            maybe(figures.t99_ms, ms),
            maybe(figures.lag_mean_ms, ms),
            maybe(figures.lag_p99_ms, ms),
            percent(figures.crash_loses_chance),
            fixed(figures.crash_loses, 3),
            fixed(figures.failover_loses, 3),
        ]);
        row
    };
    let table = Table::new(
        "Latency and lag in ms. Behind and diverged: copies (one follower's value for one key) that differed from the \
         leader's at the last acknowledgement, and for good. Runs: those with any diverged copy. Stale: reads from one \
         random follower at the acknowledgement that miss the write; t99: ms after it from which on 99 % see the write. \
         Crash and lost: the chance that the leader's death loses an acknowledged write for good, and how many it loses \
         on average; failover: how many writes are lost if one random follower takes over. points.csv has all columns.",
    )
    .numbers(&conditions::columns(points))
    .numbers(&["ok", "not ok", "mean", "predicted", "median", "p95", "p99", "behind", "diverged", "runs", "stale", "t99"])
    .numbers(&["lag", "lag p99", "crash", "lost", "failover"])
    .rows(points.iter().map(row));
    Section {
        id: "points",
        heading: "Every point",
        blocks: vec![Block::Details { summary: "The figures".into(), table }],
    }
}

fn reproduce(points: &[PointRow]) -> Section {
    let text = conditions::command(points);
    Section { id: "reproduce", heading: "How to reproduce it", blocks: vec![Block::Code { language: "sh", text }] }
}
