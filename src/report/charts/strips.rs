//! Strips: every value as a tick, with two of them marked.

use super::axis::{Frame, Scale, headline, nothing, ticks};
use super::colour::{Colour, Hue};
use super::scene::{Anchor, Scene, Stroke};

const WIDTH: u32 = 900;
const ROW: f64 = 52.0;

/// One strip.
pub(crate) struct Strip<'a> {
    pub(crate) name: String,
    pub(crate) hue: Hue,
    /// A tick each.
    pub(crate) values: &'a [f64],
    /// A value with a disc on it.
    pub(crate) disc: Option<Marked>,
    /// A greater one with a ring on it.
    pub(crate) ring: Option<Marked>,
}

/// A value that is marked, and its label.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Marked {
    pub(crate) value: f64,
    pub(crate) label: &'static str,
}

/// Strips one below the other. `axis` is the title of the horizontal axis.
pub(crate) fn scene(strips: &[Strip<'_>], axis: &str, title: Option<(&str, &str)>) -> Scene {
    if strips.iter().all(|strip| strip.values.is_empty()) {
        return nothing(title);
    }
    let top = if title.is_some() { 76.0 } else { 10.0 };
    let bottom = top + ROW * strips.len().max(1) as f64;
    let mut scene = Scene::new(WIDTH, (bottom + 58.0).ceil() as u32);
    headline(&mut scene, title);
    let frame = Frame { left: 74.0, right: 870.0, top, bottom };
    let x = x_axis(&mut scene, frame, strips, axis);
    for (row, strip) in strips.iter().enumerate() {
        draw(&mut scene, strip, top + ROW * (row as f64 + 0.5), x);
    }
    scene
}

fn x_axis(scene: &mut Scene, frame: Frame, strips: &[Strip<'_>], title: &str) -> Scale {
    let values = || strips.iter().flat_map(|strip| strip.values.iter().copied());
    let (low, high) = (values().fold(0.0, f64::min), values().fold(1.0, f64::max));
    let first = ticks(low, high, 8).first().copied().unwrap_or(low);
    let scale = Scale::new((first, high * 1.02), (frame.left, frame.right));
    frame.x_axis_with_grid(scene, scale, (low, high), 8, title);
    scale
}

fn draw(scene: &mut Scene, strip: &Strip<'_>, y: f64, x: Scale) {
    const TICK: f64 = 6.0;
    scene.text((12.0, y), strip.name.as_str(), 14.0, Colour::Text(strip.hue), Anchor::Start);
    for value in strip.values {
        let left = x.at(*value);
        scene.line((left, y - TICK), (left, y + TICK), Stroke::solid(Colour::Hue(strip.hue), 1.0));
    }
    if let Some(ring) = strip.ring {
        scene.ring((x.at(ring.value), y), 5.5, Stroke::solid(Colour::Ink, 1.75));
    }
    if let Some(disc) = strip.disc {
        scene.disc((x.at(disc.value), y), 5.5, Colour::Ink);
    }
    let label = |marked: Marked, scene: &mut Scene| {
        scene.text((x.at(marked.value), y - 16.0), marked.label, 12.0, Colour::Muted, Anchor::Middle);
    };
    if let (Some(disc), Some(ring)) = (strip.disc, strip.ring) {
        label(disc, scene);
        if x.at(ring.value) - x.at(disc.value) > 30.0 {
            label(ring, scene);
        }
    }
}
