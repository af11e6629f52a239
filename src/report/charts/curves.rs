//! ShareCurves of shares over time, labelled where they begin.

use super::axis::{Frame, Scale, headline, nothing, ticks};
use super::canvas::text_width;
use super::colour::{Colour, Hue};
use super::scene::{Anchor, Point, Scene, Stroke};
use super::spread::spread;

const WIDTH: u32 = 900;
const HEIGHT: u32 = 500;
const LABEL_SIZE: f64 = 14.0;

/// What is drawn, and on which axes.
pub(crate) struct ShareCurves {
    pub(crate) x_title: &'static str,
    /// In percent.
    pub(crate) y_title: &'static str,
    pub(crate) curves: Vec<ShareCurve>,
}

/// One curve in up to three lines, each of places on the horizontal axis with their shares, 0 to 1.
pub(crate) struct ShareCurve {
    pub(crate) name: String,
    pub(crate) hue: Hue,
    /// Two lines bound a share from both sides; either may be empty.
    pub(crate) solid: [Vec<(f64, f64)>; 2],
    pub(crate) dashed: Vec<(f64, f64)>,
}

impl ShareCurve {
    /// Its first point.
    fn begin(&self) -> Option<(f64, f64)> {
        self.solid[0].first().or(self.dashed.first()).copied()
    }
}

/// Labels stand where curves begin: they all end alike.
pub(crate) fn scene(figure: &ShareCurves, title: Option<(&str, &str)>) -> Scene {
    let curves = &figure.curves;
    if curves.iter().all(|curve| curve.begin().is_none()) {
        return nothing(title);
    }
    let top = if title.is_some() { 106.0 } else { 44.0 };
    let height = if title.is_some() { HEIGHT } else { HEIGHT - 60 };
    let gutter = curves.iter().map(|curve| text_width(&curve.name, LABEL_SIZE)).fold(0.0, f64::max) + 22.0;
    let frame = Frame { left: 62.0, right: 880.0, top, bottom: f64::from(height) - 58.0 };
    let mut scene = Scene::new(WIDTH, height);
    headline(&mut scene, title);
    let shares = ticks(0.0, 100.0, 5);
    let y = frame.y_axis(&mut scene, &shares, 100.0, figure.y_title);
    let x = x_axis(&mut scene, Frame { left: frame.left + gutter, ..frame }, figure);
    for curve in curves {
        draw(&mut scene, curve, frame.right, (x, y));
    }
    draw_labels(&mut scene, curves, frame, (x, y));
    scene
}

fn x_axis(scene: &mut Scene, frame: Frame, figure: &ShareCurves) -> Scale {
    let points = figure.curves.iter().flat_map(|curve| curve.solid.iter().flatten().chain(&curve.dashed));
    let last = points.map(|(x, _)| *x).fold(0.0, f64::max);
    let high = if last > 0.0 { last } else { 1.0 };
    let scale = Scale::new((0.0, high * 1.02), (frame.left, frame.right));
    scene.line((frame.left, frame.bottom), (frame.left, frame.top), Stroke::solid(Colour::Grid, 1.0));
    frame.round_x_axis(scene, scale, (0.0, high), 8, figure.x_title);
    scale
}

/// Past its last point a curve goes on as it is.
fn draw(scene: &mut Scene, curve: &ShareCurve, right: f64, (x, y): (Scale, Scale)) {
    let colour = Colour::Hue(curve.hue);
    let path = |points: &[(f64, f64)]| {
        let mut path: Vec<Point> = points.iter().map(|(at, share)| (x.at(*at), y.at(share * 100.0))).collect();
        path.extend(path.last().map(|(_, end)| (right, *end)));
        path
    };
    for line in &curve.solid {
        scene.path(path(line), Stroke::solid(colour, 2.0));
    }
    scene.path(path(&curve.dashed), Stroke::dashed(colour, 1.5));
}

/// A label at the left of each curve, as high as it begins.
fn draw_labels(scene: &mut Scene, curves: &[ShareCurve], frame: Frame, (x, y): (Scale, Scale)) {
    let begins: Vec<(&ShareCurve, f64)> =
        curves.iter().filter_map(|curve| Some((curve, y.at(curve.begin()?.1 * 100.0)))).collect();
    let wanted: Vec<f64> = begins.iter().map(|(_, at)| *at).collect();
    let places = spread(&wanted, LABEL_SIZE * 1.35, frame.top, frame.bottom);
    let start = x.at(0.0);
    for ((curve, at), place) in begins.into_iter().zip(places) {
        let ShareCurve { name, hue, .. } = curve;
        let left = start - 12.0 - text_width(name, LABEL_SIZE);
        scene.rect((left - 3.0, place - 9.0), (start - 9.0, place + 9.0), Colour::Paper);
        scene.line((start - 9.0, place), (start - 2.0, at), Stroke::solid(Colour::Hue(*hue), 1.0));
        scene.disc((start, at), 3.5, Colour::Hue(*hue));
        scene.text((start - 12.0, place), name.as_str(), LABEL_SIZE, Colour::Text(*hue), Anchor::End);
    }
}
