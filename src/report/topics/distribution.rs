//! The distribution of latency over its prediction.

use super::statistics::{Statistics, basis, method};
use crate::analysis::{Latency, Need, NotPredicted};
use crate::report::charts::Hue;
use crate::report::charts::steps::{self, StepChart, StepCurve};
use crate::report::document::{Block, Table};
use crate::report::ends::evenly;
use crate::report::error::ReportError;
use crate::report::model::{DistributionPoint, Report, RunReport};
use crate::report::number::{count, fixed, grouped, maybe, ms, p_value, percent};
use crate::report::topic::{Finding, Page, Topic};

/// Most quorums that have a curve.
const MOST_CURVES: usize = 8;

pub(super) const TOPIC: Topic = Topic {
    id: "distribution",
    heading: "Latency distributions",
    file: Some("latency_distributions.png"),
    needs: &[],
    finding: Finding::Always(|report| finding(&report.runs)),
    answer: |_| None,
    blocks,
};

fn blocks(report: &Report, page: &mut Page<'_>) -> Result<Vec<Block>, ReportError> {
    let steps = "Solid steps are the share of acknowledged writes answered within a time";
    let statistics: Vec<Statistics> = report.runs.iter().map(|run| Statistics::of(&run.latency)).collect();
    let is_predicted = report.runs.iter().any(|run| !run.distribution.predicted.is_empty());
    let method = method(&statistics).filter(|_| is_predicted);
    let (reading, subtitle) = if let Some(method) = method {
        let basis = basis(&statistics);
        let curves = if report.runs.iter().any(|run| run.latency.own_time.is_some()) {
            format!("dashed curves of the same colour are predicted from {basis}, {method}")
        } else {
            format!(
                "dashed curves of the same colour are predicted, {method}: the W-th smallest of the injected delays, \
                 without the software's own cost"
            )
        };
        let short = format!("Solid: measured. Dashed: predicted from {basis}, {method}.");
        (format!("{steps}; {curves}."), short)
    } else {
        (format!("{steps}."), "Measured.".to_owned())
    };
    let shown = evenly(&report.runs, MOST_CURVES);
    let figure = distributions(&shown);
    let cut = steps::cut(&figure.distributions).map_or_else(String::new, |cut_ms| {
        let beyond = percent(1.0 - steps::SHOWN);
        format!(" The axis ends at {} ms: at no W were more than {beyond} of the writes slower.", ms(cut_ms))
    });
    let reading = reading + &tests(report) + &cut;
    let is_tested = report.runs.iter().all(|run| run.withheld(&[Need::IndependentWrites]).is_none());
    let table = table(report.runs.iter().map(|run| &run.latency), is_tested);
    Ok(vec![page.figure(reading, &subtitle, table, |title| steps::scene(&figure, title))?])
}

/// The share of writes answered within a time, at each W.
fn distributions(runs: &[&RunReport]) -> StepChart {
    let points = |points: &[DistributionPoint]| points.iter().map(|point| (point.ms, point.share)).collect();
    let one = |run: &&RunReport| StepCurve {
        name: format!("W = {}", run.quorum),
        hue: Hue::of_quorum(run.quorum),
        measured: points(&run.distribution.measured),
        expected: points(&run.distribution.predicted),
    };
    StepChart {
        x_title: "Latency, ms",
        y_title: "Share of acknowledged writes answered, %",
        distributions: runs.iter().map(one).collect(),
    }
}

/// How near the distributions are to theory, and how near they would have to be.
fn finding(runs: &[RunReport]) -> String {
    let tested = || runs.iter().filter_map(|run| Some((run, run.latency.ks?)));
    let Some((run, worst)) = tested().min_by(|(_, a), (_, b)| a.p_adjusted.total_cmp(&b.p_adjusted)) else {
        return untested(runs).to_owned();
    };
    if worst.p_adjusted < 0.05 {
        return format!(
            "Latencies differ from the predicted distribution, most clearly at W = {} (KS p {})",
            run.quorum,
            p_value(worst.p_adjusted)
        );
    }
    let shifts = || tested().filter_map(|(_, fit)| fit.detectable_ms);
    let range = shifts().reduce(f64::min).zip(shifts().reduce(f64::max)).map(|(low, high)| {
        let least = if ms(low) == ms(high) { String::new() } else { format!("{} to ", ms(low)) };
        format!(", but a shift of less than {least}{} ms may go unnoticed", ms(high))
    });
    let n = tested().map(|(run, _)| run.latency.n).max().unwrap_or(0);
    format!("The latencies of {} fit the prediction{}", count(n, "write"), range.unwrap_or_default())
}

/// Why no distribution is tested.
fn untested(runs: &[RunReport]) -> &'static str {
    if runs.iter().any(|run| run.latency.dependence.is_dependent) {
        "Latencies of a run depend on each other, so no test of their distribution holds"
    } else if runs.iter().any(|run| run.latency.not_predicted == Some(NotPredicted::Faults)) {
        "The writes met a fault, so there is no predicted distribution to hold the latencies against"
    } else {
        "There is no predicted distribution to hold the latencies against"
    }
}

/// What the tests can tell, and where to look for what the software costs.
fn tests(report: &Report) -> String {
    match report.runs.iter().filter(|run| run.latency.ks.is_some()).count() {
        0 => String::new(),
        tests => {
            let shared = if tests > 1 {
                " The tests share one draw of the delays and are corrected together, with those of how latency rises."
            } else {
                ""
            };
            format!(
                "{shared} The time the software added is shown write by write below; this test is too coarse for it."
            )
        }
    }
}

fn table<'a>(latencies: impl Iterator<Item = &'a Latency>, is_tested: bool) -> Table {
    let row = |l: &Latency| {
        let times = [l.min_ms, l.median.map(|q| q.value_ms), l.max_ms].map(|of| maybe(of, ms));
        let test = is_tested.then(|| {
            [
                maybe(l.ks, |fit| fixed(fit.test.distance, 3)),
                maybe(l.ks, |fit| p_value(fit.p_adjusted)),
                maybe(l.ks.and_then(|fit| fit.detectable_ms), ms),
            ]
        });
        [l.quorum.to_string(), grouped(l.n)].into_iter().chain(times).chain(test.into_iter().flatten()).collect()
    };
    let times = ["W", "n", "fastest", "median", "slowest"];
    if !is_tested {
        return Table::new("Latency in ms.").numbers(&times).rows(latencies.map(row));
    }
    Table::new(
        "Latency in ms and its Kolmogorov-Smirnov distance from the predicted distribution. p: the chance of a distance \
         at least as great if the prediction holds, corrected for the number of tests on this page (Holm), which share their delays. \
         Detectable: the least shift that at least half of such runs show.",
    )
    .numbers(&times)
    .numbers(&["KS distance", "p", "detectable"])
    .rows(latencies.map(row))
}
