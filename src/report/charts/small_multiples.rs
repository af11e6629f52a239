//! Many small charts against W, side by side: one a condition.

use super::against_quorum::Line;
use super::axis::{Frame, Scale, headline, ticks};
use super::colour::Colour;
use super::scene::{Anchor, Scene, Stroke};
use super::spread::spread;

const WIDTH: u32 = 900;
const PANEL_HEIGHT: f64 = 262.0;
const LABEL_SIZE: f64 = 13.0;
/// Room for tick labels at a panel's left.
const LEFT: f64 = 52.0;
/// Least room for the series' labels at its right.
const RIGHT: f64 = 58.0;
/// Room that a label takes beside its letters, and each of them at most.
const BESIDE_LABEL: f64 = 14.0;
const LETTER: f64 = 7.6;
/// Room for a panel's title above it.
const TOP: f64 = 44.0;
/// Room for the ticks of W and the axis' title below it.
const BOTTOM: f64 = 58.0;

/// A figure of panels.
pub(crate) struct Multiples {
    /// What is on the vertical axis, with its unit.
    pub(crate) axis: &'static str,
    /// Whether all panels have one vertical scale.
    pub(crate) one_scale: bool,
    pub(crate) panels: Vec<Panel>,
}

/// One chart.
pub(crate) struct Panel {
    pub(crate) title: String,
    pub(crate) series: Vec<Line>,
}

impl Panel {
    fn highest(&self) -> f64 {
        self.series.iter().map(Line::highest).fold(0.0, f64::max)
    }
}

impl Multiples {
    /// Draws it. A title, where given, states the finding, and a subtitle where it holds.
    pub(crate) fn scene(&self, title: Option<(&str, &str)>) -> Scene {
        let columns = match self.panels.len() {
            0 | 1 => 1,
            2 | 4 => 2,
            _ => 3,
        };
        let rows = self.panels.len().div_ceil(columns);
        let above = if title.is_some() { 68.0 } else { 0.0 };
        let mut scene = Scene::new(WIDTH, (above + rows as f64 * PANEL_HEIGHT) as u32);
        if let Some((title, subtitle)) = title {
            headline(&mut scene, Some((title, &format!("{}. {subtitle}.", self.axis))));
        }
        let highest = self.panels.iter().map(Panel::highest).fold(0.0, f64::max);
        let width = f64::from(WIDTH) / columns as f64;
        for (index, panel) in self.panels.iter().enumerate() {
            let (row, column) = (index / columns, index % columns);
            let (left, top) = (column as f64 * width, above + row as f64 * PANEL_HEIGHT);
            let frame = Frame {
                left: left + LEFT,
                right: left + width - self.room_for_labels(),
                top: top + TOP,
                bottom: top + PANEL_HEIGHT - BOTTOM,
            };
            self.draw(&mut scene, panel, frame, if self.one_scale { highest } else { panel.highest() });
        }
        scene
    }

    /// Room for the longest label.
    fn room_for_labels(&self) -> f64 {
        let names = self.panels.iter().flat_map(|panel| &panel.series).map(|series| series.name.chars().count());
        names.max().map_or(RIGHT, |longest| RIGHT.max(BESIDE_LABEL + LETTER * longest as f64))
    }

    fn draw(&self, scene: &mut Scene, panel: &Panel, frame: Frame, highest: f64) {
        let title = if panel.title.is_empty() { self.axis } else { &panel.title };
        let high = if highest > 0.0 { highest } else { 1.0 };
        let x = x_axis(scene, panel, frame);
        let y = frame.y_axis(scene, &ticks(0.0, high, 5), high, title);
        draw_labels(scene, panel, frame, (x, y));
        for series in &panel.series {
            let place = |(quorum, value): &(u32, f64)| (x.at(f64::from(*quorum)), y.at(*value));
            scene.path(series.predicted.iter().map(place).collect(), Stroke::dashed(series.colour(), 1.5));
        }
        for series in &panel.series {
            let place = |quorum: u32, value: f64| (x.at(f64::from(quorum)), y.at(value));
            let points: Vec<_> = series.measured.iter().map(|point| place(point.quorum, point.value)).collect();
            scene.path(points.clone(), Stroke::solid(series.colour(), 1.75));
            for (point, (left, top)) in series.measured.iter().zip(points) {
                if let Some(ends) = point.interval {
                    let ends = (ends.lower.map(|end| y.at(end)), ends.upper.map(|end| y.at(end)));
                    scene.interval(left, top, ends, series.colour());
                }
                scene.disc((left, top), 3.0, series.colour());
            }
        }
    }
}

fn x_axis(scene: &mut Scene, panel: &Panel, frame: Frame) -> Scale {
    let mut quorums: Vec<u32> =
        panel.series.iter().flat_map(|series| series.measured.iter().map(|point| point.quorum)).collect();
    quorums.sort_unstable();
    quorums.dedup();
    let (low, high) = (quorums.first().copied().unwrap_or(0), quorums.last().copied().unwrap_or(0));
    let margin = if high > low { f64::from(high - low) * 0.06 } else { 1.0 };
    let scale = Scale::new((f64::from(low) - margin, f64::from(high) + margin), (frame.left, frame.right));
    let every = quorums.len().div_ceil(10).max(1);
    let ticks: Vec<_> = quorums.iter().step_by(every).map(|w| (f64::from(*w), w.to_string())).collect();
    frame.x_axis(scene, scale, &ticks, "Write quorum W");
    scale
}

/// A label beside the last point of each series.
fn draw_labels(scene: &mut Scene, panel: &Panel, frame: Frame, (x, y): (Scale, Scale)) {
    let ends: Vec<_> = panel
        .series
        .iter()
        .filter_map(|series| series.measured.last().map(|point| (series, point.quorum, y.at(point.value))))
        .collect();
    let wanted: Vec<f64> = ends.iter().map(|(_, _, at)| *at).collect();
    let places = spread(&wanted, LABEL_SIZE * 1.3, frame.top, frame.bottom);
    for ((series, quorum, at), place) in ends.into_iter().zip(places) {
        let end = frame.right + 6.0;
        let leader = vec![(x.at(f64::from(quorum)) + 5.0, at), (frame.right - 4.0, at), (end, place)];
        scene.path(leader, Stroke::solid(Colour::Grid, 1.0));
        scene.text((end + 3.0, place), series.name.as_str(), LABEL_SIZE, series.text(), Anchor::Start);
    }
}
