//! Figures of every quorum against W: one line a series, measured over predicted.

use super::axis::{Frame, Scale, headline, nothing, ticks};
use super::colour::{Colour, Hue};
use super::scene::{Anchor, Scene, Stroke};
use super::spread::spread;

const WIDTH: u32 = 900;
const HEIGHT: u32 = 550;
const LABEL_SIZE: f64 = 14.0;

/// How far the marks of neighbouring series stand beside their W, in logical pixels, to keep
/// their intervals apart.
const ASIDE: f64 = 3.0;

/// What is drawn against W, and in which units.
pub(crate) struct Chart {
    pub(crate) y_title: &'static str,
    /// Follows the values in labels.
    pub(crate) unit: &'static str,
    pub(crate) series: Vec<Line>,
}

/// One line of a chart. Predictions without measurements are drawn too, and the reverse.
pub(crate) struct Line {
    pub(crate) name: String,
    /// Ink where there is none.
    pub(crate) hue: Option<Hue>,
    pub(crate) measured: Vec<Measured>,
    /// W and value.
    pub(crate) predicted: Vec<(u32, f64)>,
}

/// A measured value at one quorum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Measured {
    pub(crate) quorum: u32,
    pub(crate) value: f64,
    /// Its 95 % interval, where it has one.
    pub(crate) interval: Option<Whiskers>,
}

/// The ends of an interval; an end without a bound is an arrow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Whiskers {
    pub(crate) lower: Option<f64>,
    pub(crate) upper: Option<f64>,
}

impl Line {
    pub(super) fn colour(&self) -> Colour {
        self.hue.map_or(Colour::Ink, Colour::Hue)
    }

    pub(super) fn text(&self) -> Colour {
        self.hue.map_or(Colour::Ink, Colour::Text)
    }

    /// The highest value or end of an interval; 0 without any.
    pub(super) fn highest(&self) -> f64 {
        let measured = self.measured.iter();
        let measured = measured.map(|point| point.interval.and_then(|ends| ends.upper).unwrap_or(point.value));
        measured.chain(self.predicted.iter().map(|(_, value)| *value)).fold(0.0, f64::max)
    }

    /// The last value, which the label stands beside.
    fn end(&self) -> Option<(u32, f64)> {
        self.measured.last().map(|point| (point.quorum, point.value)).or(self.predicted.last().copied())
    }
}

impl Chart {
    fn quorums(&self) -> Vec<u32> {
        let measured = self.series.iter().flat_map(|series| series.measured.iter().map(|point| point.quorum));
        let predicted = self.series.iter().flat_map(|series| series.predicted.iter().map(|(quorum, _)| *quorum));
        let mut quorums: Vec<u32> = measured.chain(predicted).collect();
        quorums.sort_unstable();
        quorums.dedup();
        quorums
    }

    fn highest(&self) -> f64 {
        let high = self.series.iter().map(Line::highest).fold(0.0, f64::max);
        if high > 0.0 { high } else { 1.0 }
    }

    /// Draws it. A title, where given, states the finding, and a subtitle how to read it.
    pub(crate) fn scene(&self, title: Option<(&str, &str)>) -> Scene {
        let top = if title.is_some() { 106.0 } else { 44.0 };
        let height = if title.is_some() { HEIGHT } else { HEIGHT - 60 };
        let frame = Frame { left: 62.0, right: 740.0, top, bottom: f64::from(height) - 58.0 };
        let mut scene = Scene::new(WIDTH, height);
        headline(&mut scene, title);
        if self.quorums().is_empty() {
            return nothing(title);
        }
        let x = x_axis(&mut scene, frame, &self.quorums());
        let high = self.highest();
        let y = frame.y_axis(&mut scene, &ticks(0.0, high, 6), high, self.y_title);
        for series in &self.series {
            draw_predicted(&mut scene, series, x, y);
        }
        for (i, series) in self.series.iter().enumerate() {
            let aside = if self.series.len() < 2 {
                0.0
            } else if i % 2 == 0 {
                -ASIDE
            } else {
                ASIDE
            };
            draw_measured(&mut scene, series, aside, (x, y));
        }
        self.draw_labels(&mut scene, frame, (x, y));
        scene
    }

    /// A label at the right end of each series, with the value there.
    fn draw_labels(&self, scene: &mut Scene, frame: Frame, (x, y): (Scale, Scale)) {
        let decimals = match self.highest() {
            high if high < 3.0 => 2,
            high if high < 100.0 => 1,
            _ => 0,
        };
        let ends: Vec<_> = self
            .series
            .iter()
            .filter_map(|series| series.end().map(|(quorum, value)| (series, quorum, value)))
            .collect();
        let wanted: Vec<f64> = ends.iter().map(|(_, _, value)| y.at(*value)).collect();
        let places = spread(&wanted, LABEL_SIZE * 1.35, frame.top, frame.bottom);
        for ((series, quorum, value), (wanted, place)) in ends.iter().zip(wanted.iter().zip(places)) {
            let start = x.at(f64::from(*quorum)) + 9.0;
            let end = frame.right + 8.0;
            let leader = vec![(start, *wanted), (frame.right - 6.0, *wanted), (end, place)];
            scene.path(leader, Stroke::solid(Colour::Grid, 1.0));
            let kind = if series.measured.is_empty() { ", predicted" } else { "" };
            let label = format!("{} {value:.*} {}{kind}", series.name, decimals, self.unit);
            scene.text((end + 5.0, place), label, LABEL_SIZE, series.text(), Anchor::Start);
        }
    }
}

fn x_axis(scene: &mut Scene, frame: Frame, quorums: &[u32]) -> Scale {
    let low = quorums.first().copied().map_or(0.0, f64::from);
    let high = quorums.last().copied().map_or(0.0, f64::from);
    let margin = if high > low { (high - low) * 0.075 } else { 1.0 };
    let scale = Scale::new((low - margin, high + margin), (frame.left, frame.right));
    // Whole numbers only, and no more than have room.
    let every = quorums.len().div_ceil(20).max(1);
    let ticks: Vec<_> = quorums.iter().step_by(every).map(|w| (f64::from(*w), w.to_string())).collect();
    frame.x_axis(scene, scale, &ticks, "Write quorum W: acknowledgements a write waits for");
    scale
}

fn draw_predicted(scene: &mut Scene, series: &Line, x: Scale, y: Scale) {
    let stroke = Stroke::dashed(series.colour(), 1.75);
    let place = |quorum: f64, value: f64| (x.at(quorum), y.at(value));
    match series.predicted.as_slice() {
        [(quorum, value)] => {
            let quorum = f64::from(*quorum);
            scene.line(place(quorum - 0.25, *value), place(quorum + 0.25, *value), stroke);
        }
        points => scene.path(points.iter().map(|(w, value)| place(f64::from(*w), *value)).collect(), stroke),
    }
}

fn draw_measured(scene: &mut Scene, series: &Line, aside: f64, (x, y): (Scale, Scale)) {
    let place = |point: &Measured| (x.at(f64::from(point.quorum)) + aside, y.at(point.value));
    scene.path(series.measured.iter().map(place).collect(), Stroke::solid(series.colour(), 2.25));
    for point in &series.measured {
        let (left, top) = place(point);
        if let Some(Whiskers { lower, upper }) = point.interval {
            let ends = (lower.map(|end| y.at(end)), upper.map(|end| y.at(end)));
            scene.interval(left, top, ends, series.colour());
        }
        scene.disc((left, top), 4.5, series.colour());
    }
}
