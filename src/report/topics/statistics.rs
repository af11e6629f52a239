//! The four statistics that latency and lag are told by.

use crate::analysis::{
    Dependence, Interval, Mean, MonteCarlo, NoInterval, PredictedFigures, PredictionMethod, Quantile, RunSpread,
};
use crate::report::charts::Hue;
use crate::report::charts::against_quorum::{Line, Measured, Whiskers};
use crate::report::document::Table;
use crate::report::number::{count, fixed, grouped, interval, list, maybe, ms};

/// Figures of one quorum.
#[derive(Debug, Clone, Copy)]
pub(super) struct Statistics {
    pub(super) quorum: u32,
    pub(super) n: u64,
    pub(super) mean: Option<Mean>,
    pub(super) median: Option<Quantile>,
    pub(super) p95: Option<Quantile>,
    pub(super) p99: Option<Quantile>,
    pub(super) predicted: Option<PredictedFigures>,
    pub(super) dependence: Dependence,
}

/// How to read a chart of them.
pub(super) fn reading(all: &[Statistics]) -> String {
    let has_bars = has_intervals(all) && spreads(all).next().is_none();
    let solid = if has_bars { "Solid lines are measured, with 95 % intervals" } else { "Solid lines are measured" };
    let dashed = format!("; dashed lines of the same colour are predicted from {}", basis(all));
    let predicted = method(all).map(|method| format!("{dashed}, {method}")).unwrap_or_default();
    format!("{solid}{predicted}.{}{}", unbounded(all), withheld(all))
}

/// Whether an interval is drawn at any W.
fn has_intervals(all: &[Statistics]) -> bool {
    all.iter().any(|s| s.dependence.no_interval.is_none())
}

/// Takes one quantile out of the figures of a quorum.
type QuantileOf = fn(&Statistics) -> Option<Quantile>;

/// What open arrows are, where there are any: too few writes, or too few that are independent.
fn unbounded(all: &[Statistics]) -> String {
    let quantiles: [(&str, QuantileOf); 3] = [("the median", |s| s.median), ("p95", |s| s.p95), ("p99", |s| s.p99)];
    let is_open = |s: &Statistics, of: QuantileOf| {
        of(s).is_some_and(|quantile| quantile.interval_ms.upper.is_none()) && s.dependence.no_interval.is_none()
    };
    let open = |is_dependent: bool| {
        let these = || all.iter().filter(move |s| s.dependence.is_dependent == is_dependent);
        let names = quantiles.iter().filter(|(_, of)| these().any(|s| is_open(s, *of)));
        let names: Vec<String> = names.map(|(name, _)| (*name).to_owned()).collect();
        let most = these().filter(|s| quantiles.iter().any(|(_, of)| is_open(s, *of))).map(|s| s.n).max();
        most.map(|n| (count(n, "write"), if n == 1 { "is" } else { "are" }, list(&names)))
    };
    let few =
        open(false).map(|(writes, verb, names)| format!("{writes} {verb} too few to say how high {names} may be"));
    let dependent = open(true).map(|(_, _, names)| {
        format!(
            "neighbouring writes depend on each other and the slow ones come in clusters, of which one run has too few \
             to say how high {names} may be"
        )
    });
    let reasons: Vec<String> = [few, dependent].into_iter().flatten().collect();
    if reasons.is_empty() {
        return String::new();
    }
    format!(" Open arrows: {}.", reasons.join("; "))
}

/// Where there are no intervals, and why.
fn withheld(all: &[Statistics]) -> String {
    let at = |why: NoInterval| {
        let these = all.iter().filter(|s| s.n > 0 && s.dependence.no_interval == Some(why));
        let these: Vec<String> = these.map(|s| format!("W = {}", s.quorum)).collect();
        (!these.is_empty()).then(|| list(&these))
    };
    let short = at(NoInterval::TooShort)
        .map(|at| format!(" No intervals at {at}: values depend on each other, and there are too few for batches."));
    let saturated = at(NoInterval::Saturated).map(|at| {
        format!(
            " No intervals at {at}: values depend on each other and the cluster was saturated. Such runs differ by more \
             than one run shows; only several runs give an interval."
        )
    });
    let hanging = at(NoInterval::HangsTogether).map(|at| match spreads(all).map(|spread| spread.runs).max() {
        Some(runs) => format!(
            " At {at} latencies of one run hang together, so no interval can come from it; instead stands the middle 95 % of \
             {} of the same experiment with other seeds.",
            count(u64::from(runs), "simulated run")
        ),
        None => format!(" No intervals at {at}: latencies of one run hang together, so only several runs give one."),
    });
    [short, saturated, hanging].into_iter().flatten().collect()
}

/// How much runs differ, where that takes the place of an interval.
fn spreads(all: &[Statistics]) -> impl Iterator<Item = RunSpread> {
    all.iter().filter_map(spread)
}

fn spread(s: &Statistics) -> Option<RunSpread> {
    let hangs_together = s.dependence.no_interval == Some(NoInterval::HangsTogether);
    s.predicted.filter(|_| hangs_together)?.run_spread
}

/// The interval of a measured figure, or the spread of simulated runs in its place.
fn beside(s: &Statistics, own: Interval, of: fn(&RunSpread) -> Interval) -> Interval {
    spread(s).map_or(own, |spread| of(&spread))
}

/// The same in short, for a file that stands alone.
pub(super) fn short_reading(all: &[Statistics]) -> String {
    let bars = if spreads(all).next().is_some() {
        ", with the middle 95 % of simulated runs"
    } else if has_intervals(all) {
        ", with 95 % intervals"
    } else {
        ""
    };
    match method(all) {
        Some(method) => {
            format!("Solid: measured{bars}. Dashed: predicted from {}, {method}.", basis(all))
        }
        None => format!("Measured{bars}."),
    }
}

/// Predictions that say more than that software without cost takes no time.
fn predictions(all: &[Statistics]) -> impl Iterator<Item = PredictedFigures> {
    all.iter().filter_map(|s| s.predicted).filter(|predicted| predicted.p99_ms > 0.0)
}

/// Which predictions rest on the software's own time as well.
enum OwnTimeIn {
    All,
    Some,
    None,
}

fn has_own_time(all: &[Statistics]) -> OwnTimeIn {
    let has = |of: PredictedFigures| of.method == PredictionMethod::SimulatedWithOwnTime;
    match (predictions(all).any(has), predictions(all).all(has)) {
        (true, true) => OwnTimeIn::All,
        (true, false) => OwnTimeIn::Some,
        (false, _) => OwnTimeIn::None,
    }
}

/// What the predictions rest on.
pub(super) fn basis(all: &[Statistics]) -> &'static str {
    match has_own_time(all) {
        OwnTimeIn::All => "the injected delays and the software's own time",
        OwnTimeIn::Some => "the injected delays and, where it is known, the software's own time",
        OwnTimeIn::None => "the injected delays alone",
    }
}

/// How the predictions came about, e.g. `by simulation of 100,000 writes`.
pub(super) fn method(all: &[Statistics]) -> Option<String> {
    let simulated: Vec<Option<MonteCarlo>> = predictions(all).map(|predicted| predicted.simulated).collect();
    let draws = simulated.iter().flatten().map(|method| method.draws).max();
    let runs = predictions(all).filter_map(|predicted| Some(predicted.run_spread?.runs)).max();
    let of_runs = runs.map_or_else(String::new, |runs| {
        let software = match has_own_time(all) {
            OwnTimeIn::All => "its own time, as measured without delays",
            OwnTimeIn::Some => "its own time, as measured without delays, or none where that is not known",
            OwnTimeIn::None => "no time",
        };
        format!(" in {} over ordered links, whose software takes {software}", count(u64::from(runs), "run"))
    });
    draws
        .map(|draws| format!("by simulation of {}{of_runs}", count(u64::from(draws), "write")))
        .or_else(|| (!simulated.is_empty()).then(|| "exactly".to_owned()))
}

/// The same as a sentence under a table, with the error that it leaves.
pub(super) fn method_sentence(all: &[Statistics]) -> String {
    let Some(method) = method(all) else {
        return String::new();
    };
    let errors = predictions(all).filter_map(|predicted| Some(predicted.simulated?.mean_standard_error_ms));
    let greatest = errors.max_by(f64::total_cmp);
    let error = greatest.map_or_else(String::new, |error| {
        format!("; their means are exact to a standard error of {} ms", fixed((error * 1000.0).ceil() / 1000.0, 3))
    });
    format!(" Predicted from {}, {method}{error}.", basis(all))
}

/// One line a statistic.
pub(super) fn series(all: &[Statistics]) -> Vec<Line> {
    let is_predicted = predictions(all).next().is_some();
    let line = |name: &str,
                hue,
                measured: &dyn Fn(&Statistics) -> Option<Measured>,
                predicted: fn(&PredictedFigures) -> f64| {
        Line {
            name: name.to_owned(),
            hue,
            measured: all.iter().filter_map(measured).collect(),
            predicted: all
                .iter()
                .filter_map(|s| Some((s.quorum, predicted(s.predicted.as_ref().filter(|_| is_predicted)?))))
                .collect(),
        }
    };
    let quantile = |of: QuantileOf, spread: fn(&RunSpread) -> Interval| {
        move |s: &Statistics| {
            let interval = |q: Quantile| drawn(beside(s, q.interval_ms, spread));
            of(s).map(|q| Measured { quorum: s.quorum, value: q.value_ms, interval: interval(q) })
        }
    };
    let mean = |s: &Statistics| {
        let interval = |m: Mean| drawn(beside(s, m.interval_ms, |spread| spread.mean_ms));
        s.mean.map(|m| Measured { quorum: s.quorum, value: m.value_ms, interval: interval(m) })
    };
    vec![
        line("mean", None, &mean, |p| p.mean_ms),
        line("median", Some(Hue::Blue), &quantile(|s| s.median, |spread| spread.median_ms), |p| p.median_ms),
        line("p95", Some(Hue::Green), &quantile(|s| s.p95, |spread| spread.p95_ms), |p| p.p95_ms),
        line("p99", Some(Hue::Vermillion), &quantile(|s| s.p99, |spread| spread.p99_ms), |p| p.p99_ms),
    ]
}

/// An interval that has an end.
fn drawn(interval: Interval) -> Option<Whiskers> {
    Some(interval.into()).filter(|ends: &Whiskers| ends.lower.is_some() || ends.upper.is_some())
}

/// Every statistic with its interval.
pub(super) fn intervals(all: &[Statistics], what: &str) -> Table {
    let cell = |value_ms, of| format!("{} ({})", ms(value_ms), interval(of, ms));
    let row = |s: &Statistics| {
        let quantile = |q: Option<Quantile>, spread: fn(&RunSpread) -> Interval| {
            maybe(q, |q| cell(q.value_ms, beside(s, q.interval_ms, spread)))
        };
        vec![
            s.quorum.to_string(),
            grouped(s.n),
            maybe(s.mean, |m| cell(m.value_ms, beside(s, m.interval_ms, |spread| spread.mean_ms))),
            quantile(s.median, |spread| spread.median_ms),
            quantile(s.p95, |spread| spread.p95_ms),
            quantile(s.p99, |spread| spread.p99_ms),
        ]
    };
    Table::new(format!(
        "{what} in ms with 95 % intervals: Student's for the mean, distribution-free for quantiles; from consecutive \
         batches where values depend on each other.{}",
        withheld(all)
    ))
    .numbers(&["W", "n", "mean", "median", "p95", "p99"])
    .rows(all.iter().map(row))
}

/// Measured and predicted, side by side, each row from W to p99 predicted.
pub(super) fn beside_prediction(s: &Statistics) -> Vec<String> {
    let quantile = |q: Option<Quantile>| maybe(q, |q| ms(q.value_ms));
    let predicted = |of: fn(PredictedFigures) -> f64| maybe(s.predicted, |p| ms(of(p)));
    vec![
        maybe(s.mean, |m| ms(m.value_ms)),
        predicted(|p| p.mean_ms),
        quantile(s.median),
        predicted(|p| p.median_ms),
        quantile(s.p95),
        predicted(|p| p.p95_ms),
        quantile(s.p99),
        predicted(|p| p.p99_ms),
    ]
}

/// The names of the columns that [`beside_prediction`] fills.
pub(super) const BESIDE_PREDICTION: [&str; 8] =
    ["mean", "mean predicted", "median", "median predicted", "p95", "p95 predicted", "p99", "p99 predicted"];
