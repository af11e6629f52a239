//! Marks over time, in panels one below the other.

use super::axis::{Frame, Scale, TICK_SIZE, headline, nothing, round_step, tick_label, ticks};
use super::colour::{Colour, Hue};
use super::scene::{Anchor, Point, Scene, Shape, Stroke};

const WIDTH: u32 = 900;
const PANEL: f64 = 96.0;
const BETWEEN: f64 = 30.0;

/// What is drawn, and on which axes.
pub(crate) struct Scatter {
    pub(crate) x_title: &'static str,
    pub(crate) y_title: &'static str,
    pub(crate) panels: Vec<ScatterPanel>,
}

/// One panel.
pub(crate) struct ScatterPanel {
    pub(crate) name: String,
    pub(crate) hue: Hue,
    pub(crate) marks: Vec<ScatterMark>,
    /// Where the ground is grey.
    pub(crate) shaded: Vec<Shade>,
}

/// One mark at its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScatterMark {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) shape: Shape,
}

/// A part of the horizontal axis that stands out.
pub(crate) struct Shade {
    pub(crate) name: String,
    pub(crate) from: f64,
    /// `None` if it lasts to the end.
    pub(crate) to: Option<f64>,
}

/// All panels on the same scales.
pub(crate) fn scene(scatter: &Scatter, title: Option<(&str, &str)>) -> Scene {
    let panels = &scatter.panels;
    if panels.iter().all(|panel| panel.marks.is_empty()) {
        return nothing(title);
    }
    let top = if title.is_some() { 112.0 } else { 48.0 };
    let bottom = top + panels.len() as f64 * (PANEL + BETWEEN);
    let mut scene = Scene::new(WIDTH, (bottom + 40.0).ceil() as u32);
    headline(&mut scene, title);
    scene.text((110.0, top - 32.0), scatter.y_title, TICK_SIZE, Colour::Muted, Anchor::Start);
    let marks = || panels.iter().flat_map(|panel| &panel.marks);
    let last = marks().map(|mark| mark.x).fold(0.0, f64::max).max(0.001);
    let highest = marks().map(|mark| mark.y).fold(1.0, f64::max);
    let x = Scale::new((0.0, last * 1.02), (110.0, 880.0));
    for (row, panel) in panels.iter().enumerate() {
        let top = top + row as f64 * (PANEL + BETWEEN);
        draw(&mut scene, panel, Frame { left: 110.0, right: 880.0, top, bottom: top + PANEL }, x, highest);
    }
    let axis = Frame { left: 110.0, right: 880.0, top, bottom: bottom - BETWEEN };
    axis.round_x_axis(&mut scene, x, (0.0, last), 8, scatter.x_title);
    scene
}

fn draw(scene: &mut Scene, panel: &ScatterPanel, frame: Frame, x: Scale, highest: f64) {
    let name = (12.0, frame.top + 8.0);
    scene.text(name, panel.name.as_str(), 14.0, Colour::Text(panel.hue), Anchor::Start);
    for shade in &panel.shaded {
        let at = |value: f64| x.at(value).clamp(frame.left, frame.right);
        let (from, to) = (at(shade.from), shade.to.map_or(frame.right, at));
        scene.rect((from, frame.top), (to.max(from + 1.0), frame.bottom), Colour::Surface);
        scene.line((from, frame.top), (from, frame.bottom), Stroke::solid(Colour::Muted, 1.0));
    }
    let marks = ticks(0.0, highest, 2);
    let step = round_step(highest, 2);
    let y = Scale::new((0.0, highest * 1.04), (frame.bottom, frame.top));
    for mark in marks {
        let colour = if mark == 0.0 { Colour::Muted } else { Colour::Grid };
        scene.line((frame.left, y.at(mark)), (frame.right, y.at(mark)), Stroke::solid(colour, 1.0));
        let label = (frame.left - 8.0, y.at(mark));
        scene.text(label, tick_label(mark, step), 12.0, Colour::Muted, Anchor::End);
    }
    for mark in &panel.marks {
        draw_mark(scene, (x.at(mark.x), y.at(mark.y)), mark.shape, panel.hue);
    }
    name_shades(scene, &panel.shaded, frame, x);
}

fn draw_mark(scene: &mut Scene, (left, top): Point, shape: Shape, hue: Hue) {
    const SIZE: f64 = 3.5;
    match shape {
        Shape::Disc => scene.disc((left, top), 2.5, Colour::Hue(hue)),
        Shape::Cross => {
            let stroke = Stroke::solid(Colour::Ink, 1.25);
            scene.line((left - SIZE, top - SIZE), (left + SIZE, top + SIZE), stroke);
            scene.line((left - SIZE, top + SIZE), (left + SIZE, top - SIZE), stroke);
        }
        Shape::Ring => scene.ring((left, top), SIZE, Stroke::solid(Colour::Ink, 1.25)),
    }
}

/// The first name above the ground that it greys, and how many more there are.
fn name_shades(scene: &mut Scene, shades: &[Shade], frame: Frame, x: Scale) {
    let Some(first) = shades.first() else { return };
    let more = if shades.len() > 1 { format!(" and {} more", shades.len() - 1) } else { String::new() };
    let at = x.at(first.from).clamp(frame.left, frame.right);
    let anchor = if at > frame.right - 150.0 { Anchor::End } else { Anchor::Start };
    let place = (at, frame.top - 9.0);
    scene.text(place, format!("{}{more}", first.name), 12.0, Colour::Muted, anchor);
}
