//! What readers saw of the followers, and what asking cost.

use std::collections::BTreeSet;

use crate::analysis::{Bounds, EarlyFollower, Interval, LagEstimate, LagPoint, Outside};
use crate::model::NodeId;
use crate::report::charts::Hue;
use crate::report::charts::curves::{self, ShareCurve, ShareCurves};
use crate::report::document::{Block, Table};
use crate::report::ends::{Ends, ends, evenly};
use crate::report::error::ReportError;
use crate::report::model::{Report, RunReport};
use crate::report::number::{bounds, fixed, grouped, list, maybe, percent};
use crate::report::topic::{Finding, Page, Topic};

/// Readers that ask this many times less often than they were to are said to be slower.
const SLOWER: f64 = 1.25;

/// Most quorums that have a curve.
const MOST_CURVES: usize = 8;

pub(super) const TOPIC: Topic = Topic {
    id: "outside",
    heading: "What readers saw of the followers",
    file: Some("outside.png"),
    needs: &[],
    finding: Finding::IfAny(finding),
    answer: |_| None,
    blocks,
};

fn blocks(report: &Report, page: &mut Page<'_>) -> Result<Vec<Block>, ReportError> {
    let runs: Vec<(&RunReport, &Outside)> =
        report.runs.iter().filter_map(|run| Some((run, run.outside.as_ref()?))).collect();
    let is_traced = runs.iter().any(|(run, _)| !run.is_outside);
    let dashed = if is_traced { "Dashed: by the system's own trace." } else { "Dashed: the estimate." };
    let curves = ShareCurves {
        x_title: "Time since the acknowledgement, ms",
        y_title: "Acknowledged writes on every follower, %",
        curves: evenly(&runs, MOST_CURVES).into_iter().map(|(run, outside)| curve(run, outside)).collect(),
    };
    let reading = format!(
        "The share of acknowledged writes that every follower had, some time after the acknowledgement, seen from outside. \
         During the run readers asked each follower for the keys of writes that it had not shown yet. A write arrived after \
         the last answer without it was asked for, and before the first answer with it came. The share lies between \
         the two solid lines of a W, whatever happened in between. {dashed}"
    );
    let subtitle = format!("Seen from outside: the share lies between the two lines of a W. {dashed}");
    let figure = page.figure(reading, &subtitle, lags(&runs), |title| curves::scene(&curves, title))?;
    let mut blocks = vec![figure, Block::Table { table: sightings(&runs) }];
    blocks.extend(early(&runs).map(|table| Block::Table { table }));
    Ok(blocks)
}

fn finding(report: &Report) -> Option<String> {
    let early = report.runs.iter().filter_map(|run| run.outside.as_ref()).flat_map(|of| &of.early);
    let early: BTreeSet<NodeId> = early.map(|of| of.follower).collect();
    if !early.is_empty() {
        let names: Vec<String> = early.iter().map(ToString::to_string).collect();
        let which = if names.len() == 1 { "its link allows" } else { "their links allow" };
        return Some(format!("Seen from outside: {} answered sooner than {which}", list(&names)));
    }
    let seen = |run: &RunReport| {
        let outside = run.outside.as_ref()?;
        let visible = outside.copies.saturating_sub(outside.hidden);
        let share = (visible > 0).then(|| outside.resolved.min(visible) as f64 / visible as f64)?;
        Some((
            percent(share),
            outside
                .median_width_ms
                .map_or_else(String::new, |width| format!(", half of them within {} ms", fixed(width, 1))),
        ))
    };
    let of = |(share, width): (String, String), quorum: u32| format!("{share} of the copies at W = {quorum}{width}");
    match ends(&report.runs, seen) {
        Ends::None => None,
        Ends::One(quorum, one) => Some(format!("Seen from outside: readers saw {}", of(one, quorum))),
        Ends::Two((first, low), (last, high)) => {
            Some(format!("Seen from outside: readers saw {}, and {}", of(low, first), of(high, last)))
        }
    }
}

/// The distribution of lags at one W.
fn curve(run: &RunReport, outside: &Outside) -> ShareCurve {
    let line = |share: &dyn Fn(&LagPoint) -> Option<f64>| -> Vec<(f64, f64)> {
        outside.lag_curve.iter().filter_map(|point| Some((point.ms, share(point)?))).collect()
    };
    let dashed = |point: &LagPoint| {
        let of: Bounds<f64> = if run.is_outside { point.estimate } else { point.traced? };
        Some(f64::midpoint(of.lower, of.upper))
    };
    ShareCurve {
        name: format!("W = {}", run.quorum),
        hue: Hue::of_quorum(run.quorum),
        solid: [line(&|point| Some(point.bounds.upper)), line(&|point| Some(point.bounds.lower))],
        dashed: line(&dashed),
    }
}

/// What was asked and seen.
fn sightings(runs: &[(&RunReport, &Outside)]) -> Table {
    let row = |(run, of): &(&RunReport, &Outside)| {
        vec![
            run.quorum.to_string(),
            maybe(of.asked_every_ms, |ms| fixed(ms, 1)),
            grouped(of.reads),
            grouped(of.failed_reads),
            percent(of.share_of_requests),
            grouped(of.copies),
            grouped(of.resolved),
            grouped(of.hidden),
            maybe(of.median_width_ms, |width| fixed(width, 1)),
        ]
    };
    let planned = runs.first().map_or(0.0, |(_, of)| of.probe_ms);
    let is_slower = |of: &Outside| of.asked_every_ms.is_some_and(|ms| ms > planned * SLOWER);
    let slower = if runs.iter().any(|(_, of)| is_slower(of)) {
        format!(
            " They were to ask every {} ms. Readers make at most 4,000 requests a second together, and ask again once they \
             have their answer.",
            fixed(planned, 1)
        )
    } else {
        String::new()
    };
    Table::new(format!(
        "Seen from outside: copies of acknowledged writes, one for each follower. Seen: copies of which it is known between \
         which times they arrived; width: how many ms lie between these times, the median. Hidden: copies that nobody \
         saw, while a newer write of the key was seen. Such a copy may have arrived before or after that one, or never, \
         unless the system replicates one ordered log: there it had arrived by then. Reads are those that asked followers \
         what they have; their share is that of all requests of labctl. Every: after how many ms a follower was asked again \
         for a key of which it had not shown every write, the median.{slower}",
    ))
    .numbers(&["W", "every, ms", "reads", "failed", "share of requests", "copies", "seen", "hidden", "width, ms"])
    .rows(runs.iter().map(row))
}

/// Followers whose answers are not of their own copies. `None` if there are none.
fn early(runs: &[(&RunReport, &Outside)]) -> Option<Table> {
    let row = |quorum: u32, of: &EarlyFollower| {
        vec![
            quorum.to_string(),
            of.follower.to_string(),
            grouped(of.writes),
            fixed(of.shown_after_ms, 1),
            fixed(of.link_ms, 1),
            chance(of.chance),
        ]
    };
    let rows: Vec<Vec<String>> =
        runs.iter().flat_map(|(run, of)| of.early.iter().map(|early| row(run.quorum, early))).collect();
    let table = Table::new(
        "Seen from outside: followers that showed writes sooner than their links let them arrive. Such a follower may answer \
         from its leader, or its copies do not take the delays of the experiment. What it showed is in no figure. Shown \
         after: within how many ms of being sent half of the writes were shown; link: how many ms the link alone delays half \
         of all copies; chance: how likely such short delays are on that link (R. A. Fisher's method). Of an ordered link \
         only writes far enough apart to have met different delays count.",
    );
    let table = table
        .numbers(&["W"])
        .text(&["follower"])
        .numbers(&["writes", "shown after, ms", "link, ms", "chance"])
        .rows(rows.iter().cloned());
    (!rows.is_empty()).then_some(table)
}

/// A chance far below one in a thousand.
fn chance(chance: f64) -> String {
    if chance > 0.0 { format!("{chance:.0e}") } else { "0".to_owned() }
}

/// Quantiles of the lag, as far as readers tell them.
fn lags(runs: &[(&RunReport, &Outside)]) -> Table {
    let at_most = |of: Interval| match (of.lower, of.upper) {
        (Some(lower), Some(upper)) => bounds(Bounds { lower, upper }, |ms| fixed(ms, 1)),
        (Some(lower), None) => format!("at least {}", fixed(lower, 1)),
        (None, _) => "never".to_owned(),
    };
    let cell =
        |of: Option<&LagEstimate>| maybe(of, |of| format!("{} ({})", at_most(of.estimate_ms), at_most(of.bounds_ms)));
    let row = |(run, of): &(&RunReport, &Outside)| {
        let lags = (0..3).map(|index| cell(of.lag_estimates.get(index)));
        [run.quorum.to_string()].into_iter().chain(lags).collect()
    };
    Table::new(
        "Seen from outside: by how many ms after the acknowledgement half, 95 % and 99 % of the writes were on every follower. \
         First the estimate (B. W. Turnbull, 1976: the likeliest distribution of times that are known to lie in intervals), \
         in brackets the ends between which it lies for certain.",
    )
    .numbers(&["W", "50 %", "95 %", "99 %"])
    .rows(runs.iter().map(row))
}
