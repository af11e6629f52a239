//! StepCurve functions: steps of the measured ones over curves of the expected ones.

use super::axis::{Frame, Scale, headline, nothing, ticks};
use super::canvas::text_width;
use super::colour::{Colour, Hue};
use super::scene::{Anchor, Point, Scene, Stroke};
use super::spread::spread;

const WIDTH: u32 = 900;
const HEIGHT: u32 = 500;
const LABEL_SIZE: f64 = 14.0;

/// What is drawn, and on which axes.
pub(crate) struct StepChart {
    pub(crate) x_title: &'static str,
    /// In percent.
    pub(crate) y_title: &'static str,
    pub(crate) distributions: Vec<StepCurve>,
}

/// One distribution: values with the share at or below each, 0 to 1.
pub(crate) struct StepCurve {
    pub(crate) name: String,
    pub(crate) hue: Hue,
    /// Drawn as steps.
    pub(crate) measured: Vec<(f64, f64)>,
    /// Drawn as a dashed curve.
    pub(crate) expected: Vec<(f64, f64)>,
}

/// The steps and the curves, each distribution with its label.
pub(crate) fn scene(figure: &StepChart, title: Option<(&str, &str)>) -> Scene {
    let distributions = &figure.distributions;
    let top = if title.is_some() { 106.0 } else { 44.0 };
    let height = if title.is_some() { HEIGHT } else { HEIGHT - 60 };
    let frame = Frame { left: 62.0, right: 880.0, top, bottom: f64::from(height) - 58.0 };
    let mut scene = Scene::new(WIDTH, height);
    headline(&mut scene, title);
    if distributions.iter().all(|d| d.measured.is_empty() && d.expected.is_empty()) {
        return nothing(title);
    }
    let shares: Vec<f64> = ticks(0.0, 100.0, 5);
    let y = frame.y_axis(&mut scene, &shares, 100.0, figure.y_title);
    let x = x_axis(&mut scene, frame, figure);
    let end = cut(distributions).unwrap_or(f64::INFINITY);
    for distribution in distributions {
        draw(&mut scene, distribution, end, (x, y));
    }
    draw_labels(&mut scene, distributions, frame, (x, y));
    scene
}

/// The share of each distribution that is shown whatever the axis leaves out.
pub(crate) const SHOWN: f64 = 0.995;

/// Where the axis ends if that is before the greatest value: a heavy tail would press all else
/// against the left edge.
pub(crate) fn cut(distributions: &[StepCurve]) -> Option<f64> {
    let most = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0_f64, f64::max);
    let whole = most(&mut distributions.iter().flat_map(|d| d.measured.iter().chain(&d.expected)).map(|p| p.0));
    let shown = most(&mut distributions.iter().filter_map(|d| at_share(d, SHOWN)));
    (shown > 0.0 && whole > 2.0 * shown).then_some(shown * 1.1)
}

fn x_axis(scene: &mut Scene, frame: Frame, figure: &StepChart) -> Scale {
    let points = figure.distributions.iter().flat_map(|d| d.measured.iter().chain(&d.expected));
    let (low, high) = points.fold((0.0_f64, 1.0_f64), |(low, high), (value, _)| (low.min(*value), high.max(*value)));
    let high = cut(&figure.distributions).unwrap_or(high);
    let scale = Scale::new((low, high * 1.02), (frame.left, frame.right));
    frame.round_x_axis(scene, scale, (low, high), 8, figure.x_title);
    scale
}

/// StepChart of what was measured, over a dashed curve of what was expected, up to `end`.
fn draw(scene: &mut Scene, distribution: &StepCurve, end: f64, (x, y): (Scale, Scale)) {
    let colour = Colour::Hue(distribution.hue);
    let place = |value: f64, share: f64| (x.at(value), y.at(share * 100.0));
    let is_shown = |point: &&(f64, f64)| point.0 <= end;
    let curve = distribution.expected.iter().filter(is_shown).map(|(value, share)| place(*value, *share)).collect();
    scene.path(curve, Stroke::dashed(colour, 1.5));
    let mut steps: Vec<Point> = Vec::with_capacity(distribution.measured.len() * 2);
    let mut below = 0.0;
    for (value, share) in distribution.measured.iter().filter(is_shown) {
        steps.extend([place(*value, below), place(*value, *share)]);
        below = *share;
    }
    scene.path(steps, Stroke::solid(colour, 2.0));
}

/// A label on each curve at its median; where medians are too near each other for that, each
/// stands beside its curve at a height of its own.
fn draw_labels(scene: &mut Scene, distributions: &[StepCurve], frame: Frame, (x, y): (Scale, Scale)) {
    let labelled: Vec<&StepCurve> = distributions.iter().filter(|d| at_share(d, 0.5).is_some()).collect();
    let width = labelled.iter().map(|d| text_width(&d.name, LABEL_SIZE)).fold(0.0, f64::max) * 1.15 + 10.0;
    let place = |distribution: &StepCurve, share| x.at(at_share(distribution, share).unwrap_or(0.0));
    let medians: Vec<f64> = labelled.iter().map(|d| place(d, 0.5)).collect();
    let places = spread(&medians, width, frame.left + width / 2.0, frame.right - width / 2.0);
    let is_crowded = places.iter().zip(&medians).any(|(place, median)| (place - median).abs() > width / 2.0);
    let last = labelled.len().saturating_sub(1).max(1) as f64;
    for (rank, (distribution, at_median)) in labelled.iter().zip(places).enumerate() {
        let (at, row) = if is_crowded {
            let share = 0.85 - 0.7 * rank as f64 / last;
            let beside = place(distribution, share) + width / 2.0 + 4.0;
            (beside.min(frame.right - width / 2.0), y.at(share * 100.0))
        } else {
            (at_median, y.at(50.0))
        };
        scene.rect((at - width / 2.0, row - 10.0), (at + width / 2.0, row + 10.0), Colour::Paper);
        let StepCurve { name, hue, .. } = distribution;
        scene.text((at, row), name.as_str(), LABEL_SIZE, Colour::Text(*hue), Anchor::Middle);
    }
}

/// The value that this share is at or below.
fn at_share(distribution: &StepCurve, share: f64) -> Option<f64> {
    let points = if distribution.measured.is_empty() { &distribution.expected } else { &distribution.measured };
    points.iter().find(|(_, at)| *at >= share).map(|(value, _)| *value)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::report::charts::scene::Mark;

    /// A curve from 0 to twice its median.
    fn curve(median: f64) -> StepCurve {
        let at = |share: f64| (2.0 * median * share, share);
        distribution((1..=100).map(|i| at(f64::from(i) / 100.0)).collect())
    }

    fn distribution(measured: Vec<(f64, f64)>) -> StepCurve {
        StepCurve { name: "a curve".to_owned(), hue: Hue::Blue, measured, expected: Vec::new() }
    }

    /// Where the labels of such curves stand.
    fn labels(medians: &[f64]) -> Vec<Point> {
        let distributions = medians.iter().map(|median| curve(*median)).collect();
        let scene = scene(&StepChart { x_title: "", y_title: "", distributions }, None);
        let label = |mark: Mark| match mark {
            Mark::Text { at, text, .. } if text == "a curve" => Some(at),
            _ => None,
        };
        scene.marks.into_iter().filter_map(label).collect()
    }

    #[test]
    fn labels_stand_in_a_row_where_there_is_room() {
        let places = labels(&[100.0, 300.0, 500.0]);
        assert_eq!(places.len(), 3);
        assert!(places.windows(2).all(|pair| pair[0].1 == pair[1].1 && pair[0].0 < pair[1].0), "{places:?}");
    }

    #[test]
    fn labels_of_crowded_curves_stand_below_each_other() {
        let places = labels(&[2.0, 2.3, 2.6, 500.0]);
        assert!(places.windows(2).all(|pair| pair[1].1 - pair[0].1 > LABEL_SIZE), "{places:?}");
    }

    fn of(values: impl Iterator<Item = f64>) -> StepCurve {
        let values: Vec<f64> = values.collect();
        let n = values.len() as f64;
        let point = |(index, value): (usize, &f64)| (*value, (index + 1) as f64 / n);
        distribution(values.iter().enumerate().map(point).collect())
    }

    #[test]
    fn only_a_heavy_tail_is_cut_off() {
        let light = || of((1..=1000).map(f64::from));
        assert_eq!(cut(&[light()]), None);
        let heavy = of((1..=999).map(f64::from).chain([50_000.0]));
        let cut = cut(&[light(), heavy]).unwrap();
        assert!((1000.0..1200.0).contains(&cut), "{cut}");
    }

    #[test]
    fn a_single_great_value_is_no_tail() {
        assert_eq!(cut(&[of([1.0, 2.0, 900.0].into_iter())]), None);
        assert_eq!(cut(&[of([].into_iter())]), None);
    }
}
