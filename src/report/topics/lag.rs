//! How far followers lagged, and what the leader's death would have cost.

use super::statistics::{BESIDE_PREDICTION, Statistics, intervals, method_sentence, reading, series, short_reading};
use crate::analysis::{Bounds, Durability, Exposure, Lag, LagFigures, Loss, LossExpectation};
use crate::report::charts;
use crate::report::charts::against_quorum::Chart;
use crate::report::document::{Block, Section, Table};
use crate::report::error::ReportError;
use crate::report::figures::{Figures, Legend};
use crate::report::model::Report;
use crate::report::number::{NONE, bounds, fixed, grouped, interval, maybe, ms};

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
        Block::Table { table: loss_table(&durabilities) },
        Block::paragraph(report.findings.guarantee.as_str()),
    ];
    Ok(Section { id: "lag", heading: "Lag and durability", blocks })
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

fn lag_figure(report: &Report, lags: &[&Lag], figures: &mut Figures) -> Result<Block, ReportError> {
    let statistics: Vec<Statistics> = lags.iter().map(|lag| Statistics::of_lag(lag)).collect();
    let finding = &report.findings.lag;
    let reading = format!(
        "Lag is the time from a write's acknowledgement until the last follower has received it. A write that some \
         follower never received counts as later than all others; what cannot be said exactly is left out here and \
         bounded in the table. {}",
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
        let mean = |of: &LagFigures| of.mean.map(|mean| mean.value_ms);
        let value = |of: Option<crate::analysis::Quantile>| of.map(|quantile| quantile.value_ms);
        let predicted = |of: fn(&crate::analysis::PredictedFigures) -> f64| maybe(lag.predicted, |p| ms(of(&p)));
        let quantile = |of: fn(&LagFigures) -> Option<crate::analysis::Quantile>| time(lag, "never", |f| value(of(f)));
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
         received; they count as later than all others, and where there are any the mean is withheld, for it has no \
         upper bound. Where a trace is lost a figure is given from its least to its greatest.{}",
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

/// What the leader's death would have cost, and what the model says of such runs.
fn loss_table(all: &[&Durability]) -> Table {
    let cell = |loss: Loss| {
        let writes = |of: Bounds<f64>, decimals| bounds(of, |writes| fixed(writes, decimals));
        format!("{} ({})", writes(loss.mean_writes, 2), writes(loss.max_writes, 0))
    };
    let model = |of: Option<LossExpectation>| {
        maybe(of, |of| {
            let range = crate::analysis::Interval { lower: Some(of.max_writes.low), upper: Some(of.max_writes.high) };
            format!("{} ({})", fixed(of.mean_writes.mean, 2), interval(range, |end| fixed(end, 0)))
        })
    };
    let row = |d: &&Durability| {
        let (loss, expected) = (&d.loss, d.expected_loss);
        vec![
            d.quorum.to_string(),
            cell(loss.most_advanced),
            model(expected.map(|of| of.most_advanced)),
            cell(loss.random),
            model(expected.map(|of| of.random)),
            cell(loss.union),
            model(expected.map(|of| of.union)),
        ]
    };
    Table::new(
        "Acknowledged writes lost if the leader dies at an instant of the load and a follower takes its place as it \
         is: the most advanced one (it has received the newest write), a random one (the mean over all), or what all \
         followers hold put together. Mean over every instant, and in brackets the most at any; model: the mean over \
         simulated runs that differ in their seed, and in brackets where 95 % of their greatest lie. Only followers that \
         can be asked take over. Copies that wait at the leader for their injected delay die with it; on a real network \
         what has been sent still arrives.",
    )
    .numbers(&["W", "most advanced", "model", "random", "model", "all together", "model"])
    .rows(all.iter().map(row))
}

fn durability_figure(report: &Report, all: &[&Durability], figures: &mut Figures) -> Result<Block, ReportError> {
    let finding = &report.findings.durability;
    let reading = "Acknowledged writes that were not on every follower, averaged over every instant of the load, by \
                   the number of followers that held a copy, the write or a newer one of its key (the figure in each \
                   segment). What is on no follower is lost with the leader; a follower that was killed holds nothing.";
    let subtitle = "By the number of followers that held a copy. What is on no follower is lost with the leader.";
    let legend =
        Legend { id: "durability", file: DURABILITY_FILE, caption: format!("{finding}."), reading: reading.to_owned() };
    let page = charts::durability::scene(all, None);
    let file = charts::durability::scene(all, Some((finding, subtitle)));
    figures.add(legend, &page, file, durability_table(all))
}

fn durability_table(all: &[&Durability]) -> Table {
    let copies = all.iter().map(|d| d.exposure.len()).max().unwrap_or(0).min(MOST_COPIES);
    let names: Vec<String> = (0..copies).map(|n| format!("on {n}")).collect();
    let cell = |exposure: Option<&Exposure>| {
        maybe(exposure, |e| {
            format!("{} ({})", bounds(e.mean_writes, |writes| fixed(writes, 2)), bounds(e.max_writes, grouped))
        })
    };
    let row = |d: &&Durability| {
        let mut row = vec![d.quorum.to_string(), grouped(d.acknowledged)];
        row.extend((0..copies).map(|n| cell(d.exposure.get(n))));
        row.push(bounds(d.held_by_fewer, grouped));
        row.push(grouped(d.overwritten_writes));
        row.push(grouped(d.overwritten_copies));
        row
    };
    Table::new(
        "Acknowledged writes by the number of followers that held a copy: mean over every instant of the load, and in \
         brackets the most at any instant. Fewer than W: acknowledged writes that, at the instant of their \
         acknowledgement, fewer than W followers held. Overwritten: acknowledged writes that an older one replaced on some \
         follower, and how many copies that cost.",
    )
    .numbers(&["W", "acknowledged"])
    .numbers(&names.iter().map(String::as_str).collect::<Vec<_>>())
    .numbers(&["fewer than W", "overwritten", "copies"])
    .rows(all.iter().map(row))
}
