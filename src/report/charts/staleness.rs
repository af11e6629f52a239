//! The chance that a read returns a write against the time since its acknowledgement, one
//! curve a quorum.

use super::axis::{Frame, Scale, TICK_SIZE, TITLE_SIZE, fitting, nothing, round_step, tick_label, ticks};
use super::canvas::text_width;
use super::colour::{Colour, Hue};
use super::scene::{Anchor, Point, Scene, Stroke};
use super::spread::spread;
use crate::analysis::{Curve, CurvePoint};

const WIDTH: u32 = 900;
const HEIGHT: u32 = 500;
const LABEL_SIZE: f64 = 14.0;

/// A quorum's curve.
pub(crate) type QuorumCurve<'a> = (u32, &'a Curve);

/// The share of reads that return a write, for each quorum. Labels stand where curves begin:
/// they all end alike.
pub(crate) fn scene(curves: &[QuorumCurve<'_>], title: Option<(&str, &str)>) -> Scene {
    if curves.iter().all(|(_, curve)| begin(curve).is_none()) {
        return nothing(title);
    }
    let top = if title.is_some() { 106.0 } else { 44.0 };
    let height = if title.is_some() { HEIGHT } else { HEIGHT - 60 };
    let gutter = curves.iter().map(|(w, _)| text_width(&name(*w), LABEL_SIZE)).fold(0.0, f64::max) + 22.0;
    let frame = Frame { left: 62.0, right: 880.0, top, bottom: f64::from(height) - 58.0 };
    let mut scene = Scene::new(WIDTH, height);
    if let Some((title, subtitle)) = title {
        scene.text((12.0, 26.0), title, fitting(title, TITLE_SIZE), Colour::Ink, Anchor::Start);
        scene.text((12.0, 52.0), subtitle, fitting(subtitle, TICK_SIZE), Colour::Muted, Anchor::Start);
    }
    let shares = ticks(0.0, 100.0, 5);
    let y = frame.y_axis(&mut scene, &shares, 100.0, "Reads that would return the write, %");
    let x = x_axis(&mut scene, Frame { left: frame.left + gutter, ..frame }, curves);
    for (quorum, curve) in curves {
        draw(&mut scene, *quorum, curve, frame.right, (x, y));
    }
    draw_labels(&mut scene, curves, frame, (x, y));
    scene
}

fn name(quorum: u32) -> String {
    format!("W = {quorum}")
}

/// Where a curve begins: at the acknowledgement.
fn begin(curve: &Curve) -> Option<CurvePoint> {
    curve.from_trace.first().or(curve.predicted.first()).copied()
}

fn x_axis(scene: &mut Scene, frame: Frame, curves: &[QuorumCurve<'_>]) -> Scale {
    let points = curves
        .iter()
        .flat_map(|(_, curve)| [&curve.from_trace, &curve.at_latest, &curve.predicted].into_iter().flatten());
    let last = points.map(|point| point.ms).fold(0.0, f64::max);
    let high = if last > 0.0 { last } else { 1.0 };
    let step = round_step(high, 8);
    let scale = Scale::new((0.0, high * 1.02), (frame.left, frame.right));
    let labels: Vec<_> = ticks(0.0, high, 8).into_iter().map(|tick| (tick, tick_label(tick, step))).collect();
    scene.line((frame.left, frame.bottom), (frame.left, frame.top), Stroke::solid(Colour::Grid, 1.0));
    frame.x_axis(scene, scale, &labels, "Time from the acknowledgement to the read, ms");
    scale
}

/// What the trace says over what was predicted; past its last point a curve goes on as it is.
fn draw(scene: &mut Scene, quorum: u32, curve: &Curve, right: f64, (x, y): (Scale, Scale)) {
    let colour = Colour::Hue(Hue::of_quorum(quorum));
    let path = |points: &[CurvePoint]| {
        let mut path: Vec<Point> = points.iter().map(|point| (x.at(point.ms), y.at(point.seen * 100.0))).collect();
        path.extend(path.last().map(|(_, end)| (right, *end)));
        path
    };
    scene.path(path(&curve.from_trace), Stroke::solid(colour, 2.0));
    // Two lines where the trace bounds the chance from both sides.
    scene.path(path(&curve.at_latest), Stroke::solid(colour, 2.0));
    scene.path(path(&curve.predicted), Stroke::dashed(colour, 1.5));
}

/// A label at the left of each curve, as high as it begins.
fn draw_labels(scene: &mut Scene, curves: &[QuorumCurve<'_>], frame: Frame, (x, y): (Scale, Scale)) {
    let begins: Vec<(u32, f64)> =
        curves.iter().filter_map(|(quorum, curve)| Some((*quorum, y.at(begin(curve)?.seen * 100.0)))).collect();
    let wanted: Vec<f64> = begins.iter().map(|(_, at)| *at).collect();
    let places = spread(&wanted, LABEL_SIZE * 1.35, frame.top, frame.bottom);
    let start = x.at(0.0);
    for ((quorum, at), place) in begins.into_iter().zip(places) {
        let hue = Hue::of_quorum(quorum);
        let label = name(quorum);
        let left = start - 12.0 - text_width(&label, LABEL_SIZE);
        scene.rect((left - 3.0, place - 9.0), (start - 9.0, place + 9.0), Colour::Paper);
        scene.line((start - 9.0, place), (start - 2.0, at), Stroke::solid(Colour::Hue(hue), 1.0));
        scene.disc((start, at), 3.5, Colour::Hue(hue));
        scene.text((start - 12.0, place), label, LABEL_SIZE, Colour::Text(hue), Anchor::End);
    }
}
