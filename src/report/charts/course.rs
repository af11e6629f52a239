//! Each write of a run over time: a mark at its start, its height how long it took.

use super::axis::{Frame, Scale, TICK_SIZE, TITLE_SIZE, fitting, nothing, round_step, tick_label, ticks};
use super::colour::{Colour, Hue};
use super::scene::{Anchor, Point, Scene, Stroke};
use crate::data::WriteOutcome;
use crate::report::model::PlottedWrite;

const WIDTH: u32 = 900;
const PANEL: f64 = 96.0;
const BETWEEN: f64 = 30.0;

/// One panel: the writes of the run at one W.
pub(crate) struct Course<'a> {
    pub(crate) quorum: u32,
    pub(crate) writes: Vec<&'a PlottedWrite>,
    /// Times in which the ground is grey.
    pub(crate) shaded: Vec<Shade>,
}

/// A time that stands out.
pub(crate) struct Shade {
    pub(crate) name: String,
    pub(crate) from_ms: f64,
    /// `None` if it lasts to the end.
    pub(crate) to_ms: Option<f64>,
}

/// A panel a quorum, one below the other, on the same scales.
pub(crate) fn scene(courses: &[Course<'_>], title: Option<(&str, &str)>) -> Scene {
    if courses.iter().all(|course| course.writes.is_empty()) {
        return nothing(title);
    }
    let top = if title.is_some() { 112.0 } else { 48.0 };
    let bottom = top + courses.len() as f64 * (PANEL + BETWEEN);
    let mut scene = Scene::new(WIDTH, (bottom + 40.0).ceil() as u32);
    if let Some((title, subtitle)) = title {
        scene.text((12.0, 26.0), title, fitting(title, TITLE_SIZE), Colour::Ink, Anchor::Start);
        scene.text((12.0, 52.0), subtitle, fitting(subtitle, TICK_SIZE), Colour::Muted, Anchor::Start);
    }
    scene.text((110.0, top - 32.0), "Time until the answer, ms", TICK_SIZE, Colour::Muted, Anchor::Start);
    let writes = || courses.iter().flat_map(|course| &course.writes);
    let latest_s = writes().map(|write| write.start_ms / 1000.0).fold(0.0, f64::max).max(0.001);
    let longest_ms = writes().map(|write| write.latency_ms).fold(1.0, f64::max);
    let x = Scale::new((0.0, latest_s * 1.02), (110.0, 880.0));
    for (row, course) in courses.iter().enumerate() {
        let top = top + row as f64 * (PANEL + BETWEEN);
        draw(&mut scene, course, Frame { left: 110.0, right: 880.0, top, bottom: top + PANEL }, x, longest_ms);
    }
    let step = round_step(latest_s, 8);
    let labels: Vec<_> = ticks(0.0, latest_s, 8).into_iter().map(|tick| (tick, tick_label(tick, step))).collect();
    let axis = Frame { left: 110.0, right: 880.0, top, bottom: bottom - BETWEEN };
    axis.x_axis(&mut scene, x, &labels, "Seconds since the load began");
    scene
}

fn draw(scene: &mut Scene, course: &Course<'_>, frame: Frame, x: Scale, longest_ms: f64) {
    let hue = Hue::of_quorum(course.quorum);
    let text = format!("W = {}", course.quorum);
    scene.text((12.0, frame.top + 8.0), text, 14.0, Colour::Text(hue), Anchor::Start);
    for shade in &course.shaded {
        let at = |ms: f64| x.at(ms / 1000.0).clamp(frame.left, frame.right);
        let (from, to) = (at(shade.from_ms), shade.to_ms.map_or(frame.right, at));
        scene.rect((from, frame.top), (to.max(from + 1.0), frame.bottom), Colour::Surface);
        scene.line((from, frame.top), (from, frame.bottom), Stroke::solid(Colour::Muted, 1.0));
    }
    let marks = ticks(0.0, longest_ms, 2);
    let step = round_step(longest_ms, 2);
    let y = Scale::new((0.0, longest_ms * 1.04), (frame.bottom, frame.top));
    for mark in marks {
        let colour = if mark == 0.0 { Colour::Muted } else { Colour::Grid };
        scene.line((frame.left, y.at(mark)), (frame.right, y.at(mark)), Stroke::solid(colour, 1.0));
        let label = (frame.left - 8.0, y.at(mark));
        scene.text(label, tick_label(mark, step), 12.0, Colour::Muted, Anchor::End);
    }
    for write in &course.writes {
        draw_write(scene, (x.at(write.start_ms / 1000.0), y.at(write.latency_ms)), write.outcome, hue);
    }
    name_shades(scene, &course.shaded, frame, x);
}

/// A disc is acknowledged, a cross was refused, a ring had no answer.
fn draw_write(scene: &mut Scene, (left, top): Point, outcome: WriteOutcome, hue: Hue) {
    const SIZE: f64 = 3.5;
    match outcome {
        WriteOutcome::Ok => scene.disc((left, top), 2.5, Colour::Hue(hue)),
        WriteOutcome::Failed => {
            let stroke = Stroke::solid(Colour::Ink, 1.25);
            scene.line((left - SIZE, top - SIZE), (left + SIZE, top + SIZE), stroke);
            scene.line((left - SIZE, top + SIZE), (left + SIZE, top - SIZE), stroke);
        }
        WriteOutcome::Unknown => scene.ring((left, top), SIZE, Stroke::solid(Colour::Ink, 1.25)),
    }
}

/// The first name above the ground that it greys, and how many more there are.
fn name_shades(scene: &mut Scene, shades: &[Shade], frame: Frame, x: Scale) {
    let Some(first) = shades.first() else { return };
    let more = if shades.len() > 1 { format!(" and {} more", shades.len() - 1) } else { String::new() };
    let at = x.at(first.from_ms / 1000.0).clamp(frame.left, frame.right);
    let anchor = if at > frame.right - 150.0 { Anchor::End } else { Anchor::Start };
    let place = (at, frame.top - 9.0);
    scene.text(place, format!("{}{more}", first.name), 12.0, Colour::Muted, anchor);
}
