//! Linear scales with round ticks, and the frame of a chart.

use super::canvas::text_width;
use super::colour::Colour;
use super::scene::{Anchor, Scene, Stroke};

/// The size of tick labels and axis titles.
pub(super) const TICK_SIZE: f64 = 13.0;

/// The size of titles.
const TITLE_SIZE: f64 = 19.0;

/// The title and subtitle of a figure.
pub(super) fn headline(scene: &mut Scene, title: Option<(&str, &str)>) {
    if let Some((title, subtitle)) = title {
        scene.text((12.0, 26.0), title, fitting(title, TITLE_SIZE), Colour::Ink, Anchor::Start);
        scene.text((12.0, 52.0), subtitle, fitting(subtitle, TICK_SIZE), Colour::Muted, Anchor::Start);
    }
}

/// `size`, or less if a line of text would not fit into a figure of 900 logical pixels.
fn fitting(text: &str, size: f64) -> f64 {
    const ROOM: f64 = 876.0;
    size * (ROOM / text_width(text, size).max(1.0)).min(1.0)
}

/// A linear map from values to logical pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    from: (f64, f64),
    to: (f64, f64),
}

impl Scale {
    /// Maps `from` onto `to`; either may run downwards. A `from` without width maps to the middle.
    pub(super) const fn new(from: (f64, f64), to: (f64, f64)) -> Self {
        Self { from, to }
    }

    /// Where a value lies.
    pub(super) fn at(&self, value: f64) -> f64 {
        let width = self.from.1 - self.from.0;
        let share = if width == 0.0 { 0.5 } else { (value - self.from.0) / width };
        self.to.0 + share * (self.to.1 - self.to.0)
    }

    /// Which value lies there.
    pub(super) fn value(&self, at: f64) -> f64 {
        let width = self.to.1 - self.to.0;
        let share = if width == 0.0 { 0.5 } else { (at - self.to.0) / width };
        self.from.0 + share * (self.from.1 - self.from.0)
    }
}

/// A round step, 1, 2 or 5 times a power of ten, which divides `span` into at most `most` parts.
pub(super) fn round_step(span: f64, most: u32) -> f64 {
    let least = span / f64::from(most.max(1));
    if !least.is_finite() || least <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powi(least.log10().floor() as i32);
    [1.0, 2.0, 5.0, 10.0]
        .map(|factor| factor * power)
        .into_iter()
        .find(|step| *step >= least * 0.999_999)
        .unwrap_or(least)
}

/// Round ticks within `low..=high`; the first lies at or below `low`.
pub(super) fn ticks(low: f64, high: f64, most: u32) -> Vec<f64> {
    let step = round_step(high - low, most);
    let first = (low / step + 1e-9).floor() as i64;
    let last = (high / step + 1e-9).floor().max(first as f64 + 1.0) as i64;
    (first..=last).map(|i| i as f64 * step).collect()
}

/// A tick's label: no more decimals than its step needs.
pub(super) fn tick_label(value: f64, step: f64) -> String {
    let decimals = (-(step.log10() + 1e-9).floor()).max(0.0) as usize;
    format!("{value:.decimals$}")
}

/// What stands in the place of a figure without data.
pub(super) fn nothing(title: Option<(&str, &str)>) -> Scene {
    let mut scene = Scene::new(900, if title.is_some() { 110 } else { 60 });
    if let Some((title, _)) = title {
        scene.text((12.0, 26.0), title, fitting(title, TITLE_SIZE), Colour::Ink, Anchor::Start);
    }
    let middle = (450.0, f64::from(scene.height) - 30.0);
    scene.text(middle, "There is nothing to draw.", TICK_SIZE, Colour::Muted, Anchor::Middle);
    scene
}

/// The rectangle that values are drawn in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Frame {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
}

impl Frame {
    /// Horizontal lines at the ticks with their labels at the left, and the axis' title above.
    /// Answers the scale, which runs from the first tick to `high` or to the last.
    pub(super) fn y_axis(&self, scene: &mut Scene, ticks: &[f64], high: f64, title: &str) -> Scale {
        let (low, last) = (ticks.first().copied().unwrap_or(0.0), ticks.last().copied().unwrap_or(1.0));
        let scale = Scale::new((low, high.max(last)), (self.bottom, self.top));
        let step = ticks.windows(2).map(|pair| pair[1] - pair[0]).next().unwrap_or(1.0);
        for tick in ticks {
            let y = scale.at(*tick);
            let colour = if *tick == 0.0 { Colour::Muted } else { Colour::Grid };
            scene.line((self.left, y), (self.right, y), Stroke::solid(colour, 1.0));
            scene.text((self.left - 8.0, y), tick_label(*tick, step), TICK_SIZE, Colour::Muted, Anchor::End);
        }
        let widest = ticks.iter().map(|tick| text_width(&tick_label(*tick, step), TICK_SIZE)).fold(0.0, f64::max);
        let x = (self.left - 8.0 - widest).max(2.0);
        scene.text((x, self.top - 20.0), title, TICK_SIZE, Colour::Muted, Anchor::Start);
        scale
    }

    /// Round ticks of `low..=high`, at most `most` parts, below the frame, and the axis' title below them.
    pub(super) fn round_x_axis(
        &self,
        scene: &mut Scene,
        scale: Scale,
        (low, high): (f64, f64),
        most: u32,
        title: &str,
    ) {
        let step = round_step(high - low, most);
        let labels: Vec<_> = ticks(low, high, most).into_iter().map(|tick| (tick, tick_label(tick, step))).collect();
        self.x_axis(scene, scale, &labels, title);
    }

    /// The same with a vertical line through the frame at each tick.
    pub(super) fn x_axis_with_grid(
        &self,
        scene: &mut Scene,
        scale: Scale,
        (low, high): (f64, f64),
        most: u32,
        title: &str,
    ) {
        for tick in ticks(low, high, most) {
            let x = scale.at(tick);
            scene.line((x, self.top), (x, self.bottom), Stroke::solid(Colour::Grid, 1.0));
        }
        scene.line((self.left, self.bottom), (self.right, self.bottom), Stroke::solid(Colour::Muted, 1.0));
        self.round_x_axis(scene, scale, (low, high), most, title);
    }

    /// Ticks below the frame with these labels, and the axis' title below them.
    pub(super) fn x_axis(&self, scene: &mut Scene, scale: Scale, ticks: &[(f64, String)], title: &str) {
        for (value, label) in ticks {
            let x = scale.at(*value);
            scene.line((x, self.bottom), (x, self.bottom + 5.0), Stroke::solid(Colour::Muted, 1.0));
            scene.text((x, self.bottom + 18.0), label.as_str(), TICK_SIZE, Colour::Ink, Anchor::Middle);
        }
        let middle = (self.left + self.right) / 2.0;
        scene.text((middle, self.bottom + 42.0), title, TICK_SIZE, Colour::Muted, Anchor::Middle);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ticks_are_round_and_start_at_or_below_the_values() {
        assert_eq!(ticks(0.0, 1001.5, 6), [0.0, 200.0, 400.0, 600.0, 800.0, 1000.0]);
        assert_eq!(ticks(0.0, 1.0, 4), [0.0, 0.5, 1.0]);
        assert_eq!(ticks(-3.0, 12.0, 5), [-5.0, 0.0, 5.0, 10.0]);
    }

    #[test]
    fn a_long_title_is_set_smaller_until_it_fits() {
        assert_eq!(fitting("short", TITLE_SIZE), TITLE_SIZE);
        let long = "4 of 12 copies are wrong for good ".repeat(4);
        let size = fitting(&long, TITLE_SIZE);
        assert!(size < TITLE_SIZE && text_width(&long, size) <= 880.0, "{size}");
    }

    #[test]
    fn a_label_has_the_decimals_of_its_step() {
        assert_eq!(tick_label(200.0, 200.0), "200");
        assert_eq!(tick_label(0.5, 0.5), "0.5");
        assert_eq!(tick_label(0.25, 0.05), "0.25");
        assert_eq!(tick_label(2.0, 1.0), "2");
    }

    #[test]
    fn values_without_spread_still_have_ticks() {
        assert_eq!(ticks(0.0, 0.0, 5), [0.0, 1.0]);
        assert_eq!(Scale::new((3.0, 3.0), (0.0, 10.0)).at(3.0), 5.0);
    }

    proptest! {
        #[test]
        fn there_are_always_some_and_never_too_many(low in -1e6..1e6_f64, span in 0.0..1e7_f64, most in 1_u32..12) {
            let ticks = ticks(low, low + span, most);
            prop_assert!(ticks.len() >= 2 && ticks.len() <= most as usize + 3);
            prop_assert!(ticks[0] <= low + 1e-6 * span.max(1.0));
        }
    }
}
