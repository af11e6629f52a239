//! Horizontal bars in segments.

use super::axis::{Frame, Scale, headline, nothing};
use super::colour::{Colour, Hue};
use super::scene::{Anchor, Scene, Stroke};

const WIDTH: u32 = 900;
const ROW: f64 = 46.0;
const BAR: f64 = 20.0;

/// One bar.
pub(crate) struct StackedBar {
    pub(crate) name: String,
    pub(crate) hue: Hue,
    /// From the left; the first is drawn in the strongest colour.
    pub(crate) segments: Vec<BarSegment>,
    /// Stands in the place of a bar that cannot be drawn.
    pub(crate) instead: Option<&'static str>,
}

/// A part of a bar.
pub(crate) struct BarSegment {
    pub(crate) label: String,
    pub(crate) length: f64,
}

/// Bars one below the other. `axis` is the title of the horizontal axis.
pub(crate) fn scene(bars: &[StackedBar], axis: &str, title: Option<(&str, &str)>) -> Scene {
    if bars.is_empty() {
        return nothing(title);
    }
    let top = if title.is_some() { 76.0 } else { 10.0 };
    let bottom = top + ROW * bars.len() as f64;
    let mut scene = Scene::new(WIDTH, (bottom + 58.0).ceil() as u32);
    headline(&mut scene, title);
    let frame = Frame { left: 74.0, right: 870.0, top, bottom };
    let length = |bar: &StackedBar| bar.segments.iter().map(|segment| segment.length).sum();
    let longest = bars.iter().map(length).fold(1.0, f64::max);
    let x = x_axis(&mut scene, frame, longest, axis);
    for (row, bar) in bars.iter().enumerate() {
        draw(&mut scene, bar, top + ROW * (row as f64 + 0.5) + 6.0, x);
    }
    scene
}

fn x_axis(scene: &mut Scene, frame: Frame, longest: f64, title: &str) -> Scale {
    let scale = Scale::new((0.0, longest * 1.02), (frame.left, frame.right));
    frame.x_axis_with_grid(scene, scale, (0.0, longest), 8, title);
    scale
}

fn draw(scene: &mut Scene, bar: &StackedBar, y: f64, x: Scale) {
    scene.text((12.0, y), bar.name.as_str(), 14.0, Colour::Text(bar.hue), Anchor::Start);
    if let Some(instead) = bar.instead {
        return scene.text((x.at(0.0) + 6.0, y), instead, 12.0, Colour::Muted, Anchor::Start);
    }
    let count = bar.segments.len().max(1) as f64;
    let mut from = 0.0;
    for (rank, segment) in bar.segments.iter().enumerate() {
        let (left, right) = (x.at(from), x.at(from + segment.length));
        from += segment.length;
        let (top, bottom) = (y - BAR / 2.0, y + BAR / 2.0);
        let opacity = 1.0 - 0.85 * rank as f64 / count;
        let corners = vec![(left, top), (right, top), (right, bottom), (left, bottom)];
        // Grid lines must not show through.
        scene.rect((left, top), (right, bottom), Colour::Paper);
        scene.area(corners, Colour::Hue(bar.hue), opacity);
        scene.line((right, top), (right, bottom), Stroke::solid(Colour::Paper, 1.0));
        if right - left > 12.0 {
            let above = ((left + right) / 2.0, top - 8.0);
            scene.text(above, segment.label.as_str(), 12.0, Colour::Muted, Anchor::Middle);
        }
    }
}
