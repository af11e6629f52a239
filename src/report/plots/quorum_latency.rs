//! Latency against W: the lab's question in one picture.

use super::axis::{Frame, Scale, TICK_SIZE, TITLE_SIZE, ticks};
use super::colour::{Colour, Hue};
use super::labels::spread;
use super::scene::{Anchor, Scene, Stroke};
use crate::analysis::{Interval, Latency, PredictedFigures};

const WIDTH: u32 = 900;
const HEIGHT: u32 = 550;
const LABEL_SIZE: f64 = 14.0;

/// One statistic against W.
struct Series {
    name: &'static str,
    colour: Colour,
    text: Colour,
    /// W, value and its 95 % interval, in milliseconds.
    measured: Vec<(f64, f64, Interval)>,
    /// W and value.
    predicted: Vec<(f64, f64)>,
    /// How far measured marks stand beside their W, in logical pixels, to keep the intervals
    /// of neighbouring statistics apart.
    aside: f64,
}

/// Takes one statistic out of the figures of every quorum.
fn series(
    latencies: &[Latency],
    name: &'static str,
    (colour, text, aside): (Colour, Colour, f64),
    measured: impl Fn(&Latency) -> Option<(f64, Interval)>,
    predicted: impl Fn(&PredictedFigures) -> f64,
) -> Series {
    let quorum = |latency: &Latency| f64::from(latency.quorum);
    Series {
        name,
        colour,
        text,
        aside,
        measured: latencies
            .iter()
            .filter_map(|latency| measured(latency).map(|(value, interval)| (quorum(latency), value, interval)))
            .collect(),
        predicted: latencies
            .iter()
            .filter_map(|latency| latency.predicted.as_ref().map(|figures| (quorum(latency), predicted(figures))))
            .collect(),
    }
}

fn all_series(latencies: &[Latency]) -> [Series; 4] {
    const ASIDE: f64 = 3.0;
    let hue = |hue, aside| (Colour::Hue(hue), Colour::Text(hue), aside);
    [
        series(
            latencies,
            "mean",
            (Colour::Ink, Colour::Ink, -ASIDE),
            |l| l.mean.map(|m| (m.value_ms, m.interval_ms)),
            |p| p.mean_ms,
        ),
        series(
            latencies,
            "median",
            hue(Hue::Blue, ASIDE),
            |l| l.median.map(|q| (q.value_ms, q.interval_ms)),
            |p| p.median_ms,
        ),
        series(latencies, "p95", hue(Hue::Green, -ASIDE), |l| l.p95.map(|q| (q.value_ms, q.interval_ms)), |p| p.p95_ms),
        series(
            latencies,
            "p99",
            hue(Hue::Vermillion, ASIDE),
            |l| l.p99.map(|q| (q.value_ms, q.interval_ms)),
            |p| p.p99_ms,
        ),
    ]
}

/// Mean, median, p95 and p99 of latency against W with their intervals, over the predicted
/// values. A title, where given, states the finding, and a subtitle how to read it.
pub(in crate::report) fn scene(latencies: &[Latency], title: Option<(&str, &str)>) -> Scene {
    let top = if title.is_some() { 106.0 } else { 44.0 };
    let height = if title.is_some() { HEIGHT } else { HEIGHT - 60 };
    let frame = Frame { left: 62.0, right: 752.0, top, bottom: f64::from(height) - 58.0 };
    let mut scene = Scene::new(WIDTH, height);
    if let Some((title, subtitle)) = title {
        scene.text((12.0, 26.0), title, TITLE_SIZE, Colour::Ink, Anchor::Start);
        scene.text((12.0, 52.0), subtitle, TICK_SIZE, Colour::Muted, Anchor::Start);
    }
    let all = all_series(latencies);
    let x = x_axis(&mut scene, frame, latencies);
    let y = frame.y_axis(&mut scene, &ticks(0.0, highest(&all), 6), highest(&all), "Write latency, ms");
    for series in &all {
        draw_predicted(&mut scene, series, x, y);
    }
    for series in &all {
        draw_measured(&mut scene, series, x, y);
    }
    draw_labels(&mut scene, &all, frame, (x, y));
    scene
}

fn highest(all: &[Series]) -> f64 {
    let measured = all.iter().flat_map(|s| &s.measured).map(|(_, value, interval)| interval.upper.unwrap_or(*value));
    let predicted = all.iter().flat_map(|s| &s.predicted).map(|(_, value)| *value);
    measured.chain(predicted).fold(1.0, f64::max)
}

fn x_axis(scene: &mut Scene, frame: Frame, latencies: &[Latency]) -> Scale {
    let quorums = || latencies.iter().map(|latency| f64::from(latency.quorum));
    let (low, high) = (quorums().fold(f64::INFINITY, f64::min), quorums().fold(f64::NEG_INFINITY, f64::max));
    let (low, high) = if low <= high { (low, high) } else { (0.0, 0.0) };
    let margin = if high > low { 0.3 } else { 1.0 };
    let scale = Scale::new((low - margin, high + margin), (frame.left, frame.right));
    let ticks: Vec<_> = latencies.iter().map(|l| (f64::from(l.quorum), l.quorum.to_string())).collect();
    frame.x_axis(scene, scale, &ticks, "Write quorum W: acknowledgements a write waits for");
    scale
}

fn draw_predicted(scene: &mut Scene, series: &Series, x: Scale, y: Scale) {
    let stroke = Stroke::dashed(series.colour, 1.75);
    match series.predicted.as_slice() {
        [(quorum, value)] => {
            scene.line((x.at(quorum - 0.25), y.at(*value)), (x.at(quorum + 0.25), y.at(*value)), stroke);
        }
        points => scene.path(points.iter().map(|(quorum, value)| (x.at(*quorum), y.at(*value))).collect(), stroke),
    }
}

fn draw_measured(scene: &mut Scene, series: &Series, x: Scale, y: Scale) {
    let place = |quorum: f64, value: f64| (x.at(quorum) + series.aside, y.at(value));
    let points = series.measured.iter().map(|(quorum, value, _)| place(*quorum, *value)).collect();
    scene.path(points, Stroke::solid(series.colour, 2.25));
    for (quorum, value, interval) in &series.measured {
        let (left, top) = place(*quorum, *value);
        let ends = (interval.lower.map(|end| y.at(end)), interval.upper.map(|end| y.at(end)));
        scene.interval(left, top, ends, series.colour);
        scene.disc((left, top), 4.5, series.colour);
    }
}

/// A label at the right end of each series, with the value there.
fn draw_labels(scene: &mut Scene, all: &[Series], frame: Frame, (x, y): (Scale, Scale)) {
    let ends: Vec<(&Series, f64, f64)> = all
        .iter()
        .filter_map(|series| {
            let measured = series.measured.last().map(|(quorum, value, _)| (*quorum, *value));
            let (quorum, value) = measured.or(series.predicted.last().copied())?;
            Some((series, quorum, value))
        })
        .collect();
    let wanted: Vec<f64> = ends.iter().map(|(_, _, value)| y.at(*value)).collect();
    let places = spread(&wanted, LABEL_SIZE * 1.35, frame.top, frame.bottom);
    for ((series, quorum, value), (wanted, place)) in ends.iter().zip(wanted.iter().zip(places)) {
        let start = x.at(*quorum) + 9.0;
        let end = frame.right + 8.0;
        scene
            .path(vec![(start, *wanted), (frame.right - 6.0, *wanted), (end, place)], Stroke::solid(Colour::Grid, 1.0));
        let kind = if series.measured.is_empty() { ", predicted" } else { "" };
        let label = format!("{} {value:.0} ms{kind}", series.name);
        scene.text((end + 5.0, place), label, LABEL_SIZE, series.text, Anchor::Start);
    }
}
