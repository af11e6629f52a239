//! How far followers lag behind acknowledgements.

use super::statistics::{BESIDE_PREDICTION, Statistics, intervals, method_sentence, reading, series, short_reading};
use crate::analysis::{Bounds, Lag, LagFigures, Need, PredictedFigures, Quantile};
use crate::report::charts::against_quorum::Chart;
use crate::report::document::{Block, Table};
use crate::report::ends::{Ends, ends};
use crate::report::error::ReportError;
use crate::report::model::{Report, RunReport};
use crate::report::number::{NONE, bounds, grouped, list, maybe, ms};
use crate::report::topic::{Finding, Page, Topic};

pub(super) const TOPIC: Topic = Topic {
    id: "lag",
    heading: "How far followers lag",
    file: Some("lag.png"),
    needs: &[Need::Trace],
    finding: Finding::Always(|report| finding(&report.runs)),
    answer: |_| None,
    blocks,
};

fn blocks(report: &Report, page: &mut Page<'_>) -> Result<Vec<Block>, ReportError> {
    let lags: Vec<&Lag> = report.runs.iter().filter_map(|run| run.lag.as_ref()).collect();
    let statistics: Vec<Statistics> = lags.iter().map(|lag| Statistics::of_lag(lag)).collect();
    let reading = format!(
        "Lag is the time from a write's acknowledgement until the last follower has received it. A write that some \
         follower never received counts as later than all others; what cannot be said exactly is left out here and \
         bounded in the table. {}",
        reading(&statistics)
    );
    let subtitle =
        format!("Time from a write's acknowledgement until the last follower has it. {}", short_reading(&statistics));
    let chart = Chart { y_title: "Lag of the last follower, ms", unit: "ms", series: series(&statistics) };
    let table = intervals(&statistics, "Lag of the last follower");
    let figure = page.figure(reading, &subtitle, table, |title| chart.scene(title))?;
    Ok(vec![figure, Block::Table { table: lag_table(&lags) }])
}

/// How long followers lag.
fn finding(runs: &[RunReport]) -> String {
    let never = |run: &RunReport| {
        let lag = run.lag.as_ref()?;
        let writes = bounds(lag.never_everywhere, grouped);
        (lag.never_everywhere.upper > 0).then(|| format!("{writes} of {} at W = {}", grouped(lag.n), run.quorum))
    };
    let never: Vec<String> = runs.iter().filter_map(never).collect();
    if !never.is_empty() {
        return format!("Acknowledged writes that never reached every follower: {}", list(&never));
    }
    let mean = |run: &RunReport| {
        let (lower, upper) = run.lag.as_ref()?.ends(|figures| figures.mean.map(|mean| mean.value_ms));
        Some(bounds(Bounds { lower: lower?, upper: upper? }, ms))
    };
    match ends(runs, mean) {
        Ends::None => "No acknowledged write is known to have reached every follower".to_owned(),
        Ends::One(quorum, mean) => {
            format!("At W = {quorum} the last follower has a write {mean} ms after its acknowledgement on average")
        }
        Ends::Two((first, low), (last, high)) => format!(
            "On average the last follower has a write {low} ms after its acknowledgement at W = {first}, {high} ms at \
             W = {last}"
        ),
    }
}

/// Times that differ by more than this, in milliseconds, are not drawn as one.
const VISIBLE_MS: f64 = 0.05;

impl Statistics {
    /// What can be drawn: not what the traces only bound.
    fn of_lag(lag: &Lag) -> Self {
        let is_exact = |of: fn(&LagFigures) -> Option<f64>| match lag.ends(of) {
            (Some(lower), Some(upper)) => upper - lower <= VISIBLE_MS,
            _ => false,
        };
        let LagFigures { mean, median, p95, p99, .. } = lag.figures;
        Self {
            quorum: lag.quorum,
            n: lag.n,
            mean: mean.filter(|_| is_exact(|of| of.mean.map(|mean| mean.value_ms))),
            median: median.filter(|_| is_exact(|of| of.median.map(|median| median.value_ms))),
            p95: p95.filter(|_| is_exact(|of| of.p95.map(|p95| p95.value_ms))),
            p99: p99.filter(|_| is_exact(|of| of.p99.map(|p99| p99.value_ms))),
            predicted: lag.predicted,
            dependence: lag.dependence,
        }
    }
}

fn lag_table(lags: &[&Lag]) -> Table {
    let row = |lag: &&Lag| {
        let mean = |of: &LagFigures| of.mean.map(|mean| mean.value_ms);
        let value = |of: Option<Quantile>| of.map(|quantile| quantile.value_ms);
        let predicted = |of: fn(&PredictedFigures) -> f64| maybe(lag.predicted, |p| ms(of(&p)));
        let quantile = |of: fn(&LagFigures) -> Option<Quantile>| time(lag, "never", |f| value(of(f)));
        vec![
            lag.quorum.to_string(),
            grouped(lag.n),
            bounds(lag.never_everywhere, grouped),
            time(lag, "withheld", mean),
            predicted(|p| p.mean_ms),
            quantile(|of| of.median),
            predicted(|p| p.median_ms),
            quantile(|of| of.p95),
            predicted(|p| p.p95_ms),
            quantile(|of| of.p99),
            predicted(|p| p.p99_ms),
        ]
    };
    let statistics: Vec<Statistics> = lags.iter().map(|lag| Statistics::of_lag(lag)).collect();
    Table::new(format!(
        "Lag in ms of all acknowledged writes, from the traces and predicted. Never: writes that some follower never \
         received; they count as later than all others, and if there are any the mean is withheld, because it has \
         no upper bound. If a trace is lost, a figure is given from its least to its greatest.{}",
        method_sentence(&statistics)
    ))
    .numbers(&["W", "n", "never"])
    .numbers(&BESIDE_PREDICTION)
    .rows(lags.iter().map(row))
}

/// A time from its earliest to its latest, or `never` (or as the figure says it) where that is none.
pub(super) fn time(lag: &Lag, never: &str, figure: impl Fn(&LagFigures) -> Option<f64>) -> String {
    match lag.ends(figure) {
        _ if lag.n == 0 => NONE.to_owned(),
        (Some(lower), Some(upper)) => bounds(Bounds { lower, upper }, ms),
        (Some(lower), None) => format!("at least {}", ms(lower)),
        (None, _) => never.to_owned(),
    }
}
