//! How far followers lag behind acknowledgements.

use super::statistics::{BESIDE_PREDICTION, Statistics, intervals, method_sentence, reading, series, short_reading};
use crate::analysis::{Bounds, Interval, Lag, LagFigures, Mean, Need, PredictedFigures, Quantile};
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
    needs: &[Need::Arrivals],
    finding: Finding::Always(|report| finding(&report.runs)),
    answer: |_| None,
    blocks,
};

fn blocks(report: &Report, page: &mut Page<'_>) -> Result<Vec<Block>, ReportError> {
    let lags: Vec<&Lag> = report.runs.iter().filter_map(|run| run.lag()).collect();
    let is_outside = report.runs.iter().any(|run| run.is_outside);
    let statistics: Vec<Statistics> = lags.iter().map(|lag| Statistics::of_lag(lag, is_outside)).collect();
    let reading = format!(
        "Lag is the time from a write's acknowledgement until the last follower has received it. A write that some \
         follower never received counts as later than all others; what cannot be said exactly is {} here and \
         bounded in the table. {}",
        if is_outside { "drawn in the middle of the time in which readers saw it" } else { "left out" },
        reading(&statistics)
    );
    let subtitle =
        format!("Time from a write's acknowledgement until the last follower has it. {}", short_reading(&statistics));
    let chart = Chart { y_title: "Lag of the last follower, ms", unit: "ms", series: series(&statistics) };
    let table = intervals(&statistics, "Lag of the last follower");
    let figure = page.figure(reading, &subtitle, table, |title| chart.scene(title))?;
    Ok(vec![figure, Block::Table { table: lag_table(&lags, is_outside) }])
}

/// How long followers lag.
fn finding(runs: &[RunReport]) -> String {
    let never = |run: &RunReport| {
        let lag = run.lag()?;
        let writes = bounds(lag.never_everywhere, grouped);
        (lag.never_everywhere.upper > 0).then(|| format!("{writes} of {} at W = {}", grouped(lag.n), run.quorum))
    };
    let never: Vec<String> = runs.iter().filter_map(never).collect();
    if !never.is_empty() {
        return format!("Acknowledged writes that never reached every follower: {}", list(&never));
    }
    let mean = |run: &RunReport| {
        let (lower, upper) = run.lag()?.ends(|figures| figures.mean.map(|mean| mean.value_ms));
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
    /// What can be drawn: not what lost traces only bound. What readers saw is drawn in the middle of its band.
    fn of_lag(lag: &Lag, is_outside: bool) -> Self {
        let drawn = |value: fn(&LagFigures) -> Option<f64>, interval: fn(&LagFigures) -> Option<Interval>| {
            let (lower, upper) = lag.ends(value);
            let (lower, upper) = (lower?, upper?);
            let interval_ms = if is_outside {
                let latest = lag.at_latest.as_ref().unwrap_or(&lag.figures);
                let ends = (interval(&lag.figures)?, interval(latest)?);
                // An interval that the data do not give leaves the band.
                Interval { lower: Some(ends.0.lower.unwrap_or(lower)), upper: Some(ends.1.upper.unwrap_or(upper)) }
            } else {
                interval(&lag.figures)?
            };
            (is_outside || upper - lower <= VISIBLE_MS).then_some((f64::midpoint(lower, upper), interval_ms))
        };
        let exact = |value_ms: f64, of: f64| if is_outside { value_ms } else { of };
        let quantile = |of: fn(&LagFigures) -> Option<Quantile>,
                        value: fn(&LagFigures) -> Option<f64>,
                        interval: fn(&LagFigures) -> Option<Interval>| {
            let (value_ms, interval_ms) = drawn(value, interval)?;
            let figure = of(&lag.figures)?;
            Some(Quantile { value_ms: exact(value_ms, figure.value_ms), interval_ms, ..figure })
        };
        let mean = drawn(|of| of.mean.map(|mean| mean.value_ms), |of| of.mean.map(|mean| mean.interval_ms));
        Self {
            quorum: lag.quorum,
            n: lag.n,
            mean: mean.zip(lag.figures.mean).map(|((value_ms, interval_ms), mean)| Mean {
                value_ms: exact(value_ms, mean.value_ms),
                interval_ms,
                ..mean
            }),
            median: quantile(|of| of.median, |of| of.median.map(|q| q.value_ms), |of| of.median.map(|q| q.interval_ms)),
            p95: quantile(|of| of.p95, |of| of.p95.map(|q| q.value_ms), |of| of.p95.map(|q| q.interval_ms)),
            p99: quantile(|of| of.p99, |of| of.p99.map(|q| q.value_ms), |of| of.p99.map(|q| q.interval_ms)),
            predicted: lag.predicted,
            dependence: lag.dependence,
        }
    }
}

fn lag_table(lags: &[&Lag], is_outside: bool) -> Table {
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
    let statistics: Vec<Statistics> = lags.iter().map(|lag| Statistics::of_lag(lag, is_outside)).collect();
    let (from, bounded) = if is_outside {
        ("as seen from outside", "A figure is given from its least to its greatest by what readers saw.")
    } else {
        ("from the traces", "If a trace is lost, a figure is given from its least to its greatest.")
    };
    Table::new(format!(
        "Lag in ms of all acknowledged writes, {from} and predicted. Never: writes that some follower never \
         received; they count as later than all others, and if there are any the mean is withheld, because it has \
         no upper bound. {bounded}{}",
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
