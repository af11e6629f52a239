//! How many followers held acknowledged writes while the load ran.

use super::axis::{Frame, Scale, TICK_SIZE, TITLE_SIZE, fitting, nothing, round_step, tick_label, ticks};
use super::colour::{Colour, Hue};
use super::scene::{Anchor, Scene, Stroke};
use crate::analysis::{Durability, Exposure};

const WIDTH: u32 = 900;
const ROW: f64 = 46.0;
const BAR: f64 = 20.0;

/// A bar a quorum: acknowledged writes that were not on every follower, averaged over every
/// instant, in segments by number of copies; the fewer the copies, the stronger the colour.
pub(crate) fn scene(durabilities: &[&Durability], title: Option<(&str, &str)>) -> Scene {
    if durabilities.iter().all(|durability| durability.acknowledged == 0) {
        return nothing(title);
    }
    let top = if title.is_some() { 76.0 } else { 10.0 };
    let bottom = top + ROW * durabilities.len().max(1) as f64;
    let mut scene = Scene::new(WIDTH, (bottom + 58.0).ceil() as u32);
    if let Some((title, subtitle)) = title {
        scene.text((12.0, 26.0), title, fitting(title, TITLE_SIZE), Colour::Ink, Anchor::Start);
        scene.text((12.0, 52.0), subtitle, fitting(subtitle, TICK_SIZE), Colour::Muted, Anchor::Start);
    }
    let frame = Frame { left: 74.0, right: 870.0, top, bottom };
    let longest = durabilities.iter().map(|d| segments(d).map(|e| e.mean_writes.upper).sum()).fold(1.0, f64::max);
    let x = x_axis(&mut scene, frame, longest);
    for (row, durability) in durabilities.iter().enumerate() {
        draw(&mut scene, durability, top + ROW * (row as f64 + 0.5) + 6.0, x);
    }
    scene
}

/// Means that differ by more than this, in writes, are not drawn as one.
const VISIBLE: f64 = 0.05;

/// What was not on every follower.
fn segments(durability: &Durability) -> impl Iterator<Item = &Exposure> {
    let everywhere = durability.exposure.len().saturating_sub(1);
    durability.exposure.iter().take(everywhere)
}

fn x_axis(scene: &mut Scene, frame: Frame, longest: f64) -> Scale {
    let marks = ticks(0.0, longest, 8);
    let step = round_step(longest, 8);
    let scale = Scale::new((0.0, longest * 1.02), (frame.left, frame.right));
    for mark in &marks {
        let x = scale.at(*mark);
        scene.line((x, frame.top), (x, frame.bottom), Stroke::solid(Colour::Grid, 1.0));
    }
    scene.line((frame.left, frame.bottom), (frame.right, frame.bottom), Stroke::solid(Colour::Muted, 1.0));
    let labels: Vec<_> = marks.into_iter().map(|mark| (mark, tick_label(mark, step))).collect();
    frame.x_axis(scene, scale, &labels, "Acknowledged writes not on every follower, mean over the load");
    scale
}

fn draw(scene: &mut Scene, durability: &Durability, y: f64, x: Scale) {
    let hue = Hue::of_quorum(durability.quorum);
    scene.text((12.0, y), format!("W = {}", durability.quorum), 14.0, Colour::Text(hue), Anchor::Start);
    let count = segments(durability).count().max(1) as f64;
    if segments(durability).any(|exposure| exposure.mean_writes.upper - exposure.mean_writes.lower > VISIBLE) {
        let text = "not exactly known: see the table";
        return scene.text((x.at(0.0) + 6.0, y), text, 12.0, Colour::Muted, Anchor::Start);
    }
    let mut from = 0.0;
    for exposure in segments(durability) {
        let (left, right) = (x.at(from), x.at(from + exposure.mean_writes.upper));
        from += exposure.mean_writes.upper;
        let (top, bottom) = (y - BAR / 2.0, y + BAR / 2.0);
        let opacity = 1.0 - 0.85 * f64::from(exposure.copies) / count;
        let corners = vec![(left, top), (right, top), (right, bottom), (left, bottom)];
        // Grid lines must not show through.
        scene.rect((left, top), (right, bottom), Colour::Paper);
        scene.area(corners, Colour::Hue(hue), opacity);
        scene.line((right, top), (right, bottom), Stroke::solid(Colour::Paper, 1.0));
        if right - left > 12.0 {
            let above = ((left + right) / 2.0, top - 8.0);
            scene.text(above, exposure.copies.to_string(), 12.0, Colour::Muted, Anchor::Middle);
        }
    }
}
