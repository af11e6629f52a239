//! What the software added to each write: every value, with median and p99 on top.

use super::axis::{Frame, Scale, TICK_SIZE, TITLE_SIZE, fitting, nothing, round_step, tick_label, ticks};
use super::colour::{Colour, Hue};
use super::scene::{Anchor, Scene, Stroke};
use crate::report::model::OverheadReport;

const WIDTH: u32 = 900;
const ROW: f64 = 52.0;

/// A strip a quorum: a tick for each write, a disc at the median, a ring at p99.
pub(crate) fn scene(overheads: &[&OverheadReport], title: Option<(&str, &str)>) -> Scene {
    if overheads.iter().all(|overhead| overhead.values_ms.is_empty()) {
        return nothing(title);
    }
    let top = if title.is_some() { 76.0 } else { 10.0 };
    let bottom = top + ROW * overheads.len().max(1) as f64;
    let mut scene = Scene::new(WIDTH, (bottom + 58.0).ceil() as u32);
    if let Some((title, subtitle)) = title {
        scene.text((12.0, 26.0), title, fitting(title, TITLE_SIZE), Colour::Ink, Anchor::Start);
        scene.text((12.0, 52.0), subtitle, fitting(subtitle, TICK_SIZE), Colour::Muted, Anchor::Start);
    }
    let frame = Frame { left: 74.0, right: 870.0, top, bottom };
    let x = x_axis(&mut scene, frame, overheads);
    for (row, overhead) in overheads.iter().enumerate() {
        draw(&mut scene, overhead, top + ROW * (row as f64 + 0.5), x);
    }
    scene
}

fn x_axis(scene: &mut Scene, frame: Frame, overheads: &[&OverheadReport]) -> Scale {
    let values = || overheads.iter().flat_map(|o| o.values_ms.iter().copied());
    let (low, high) = (values().fold(0.0, f64::min), values().fold(1.0, f64::max));
    let marks = ticks(low, high, 8);
    let step = round_step(high - low, 8);
    let scale = Scale::new((marks.first().copied().unwrap_or(low), high * 1.02), (frame.left, frame.right));
    for mark in &marks {
        let x = scale.at(*mark);
        scene.line((x, frame.top), (x, frame.bottom), Stroke::solid(Colour::Grid, 1.0));
    }
    scene.line((frame.left, frame.bottom), (frame.right, frame.bottom), Stroke::solid(Colour::Muted, 1.0));
    let labels: Vec<_> = marks.into_iter().map(|mark| (mark, tick_label(mark, step))).collect();
    frame.x_axis(scene, scale, &labels, "Overhead, ms");
    scale
}

fn draw(scene: &mut Scene, report: &OverheadReport, y: f64, x: Scale) {
    const TICK: f64 = 6.0;
    let hue = Hue::of_quorum(report.figures.quorum);
    scene.text((12.0, y), format!("W = {}", report.figures.quorum), 14.0, Colour::Text(hue), Anchor::Start);
    for value in &report.values_ms {
        let left = x.at(*value);
        scene.line((left, y - TICK), (left, y + TICK), Stroke::solid(Colour::Hue(hue), 1.0));
    }
    if let Some(p99) = report.figures.p99 {
        scene.ring((x.at(p99.value_ms), y), 5.5, Stroke::solid(Colour::Ink, 1.75));
    }
    if let Some(median) = report.figures.p50 {
        scene.disc((x.at(median.value_ms), y), 5.5, Colour::Ink);
    }
    let label = |p: f64, text: &str, scene: &mut Scene| {
        scene.text((x.at(p), y - 16.0), text, 12.0, Colour::Muted, Anchor::Middle);
    };
    if let (Some(median), Some(p99)) = (report.figures.p50, report.figures.p99) {
        label(median.value_ms, "p50", scene);
        if x.at(p99.value_ms) - x.at(median.value_ms) > 30.0 {
            label(p99.value_ms, "p99", scene);
        }
    }
}
