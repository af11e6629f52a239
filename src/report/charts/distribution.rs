//! Empirical distribution functions, one a quorum, over the predicted ones.

use super::axis::{Frame, Scale, TICK_SIZE, TITLE_SIZE, fitting, nothing, round_step, tick_label, ticks};
use super::canvas::text_width;
use super::colour::{Colour, Hue};
use super::scene::{Anchor, Point, Scene, Stroke};
use super::spread::spread;
use crate::report::model::{DistributionCurves, DistributionPoint};

const WIDTH: u32 = 900;
const HEIGHT: u32 = 500;
const LABEL_SIZE: f64 = 14.0;

/// The share of writes answered within a time, for each quorum.
pub(crate) fn scene(distributions: &[&DistributionCurves], title: Option<(&str, &str)>) -> Scene {
    let top = if title.is_some() { 106.0 } else { 44.0 };
    let height = if title.is_some() { HEIGHT } else { HEIGHT - 60 };
    let frame = Frame { left: 62.0, right: 880.0, top, bottom: f64::from(height) - 58.0 };
    let mut scene = Scene::new(WIDTH, height);
    if let Some((title, subtitle)) = title {
        scene.text((12.0, 26.0), title, fitting(title, TITLE_SIZE), Colour::Ink, Anchor::Start);
        scene.text((12.0, 52.0), subtitle, fitting(subtitle, TICK_SIZE), Colour::Muted, Anchor::Start);
    }
    if distributions.iter().all(|d| d.measured.is_empty() && d.predicted.is_empty()) {
        return nothing(title);
    }
    let shares: Vec<f64> = ticks(0.0, 100.0, 5);
    let y = frame.y_axis(&mut scene, &shares, 100.0, "Share of acknowledged writes answered, %");
    let x = x_axis(&mut scene, frame, distributions);
    let end_ms = cut_ms(distributions).unwrap_or(f64::INFINITY);
    for distribution in distributions {
        draw(&mut scene, distribution, end_ms, (x, y));
    }
    draw_labels(&mut scene, distributions, frame, (x, y));
    scene
}

/// The share of writes at each quorum that is shown whatever the axis leaves out.
pub(crate) const SHOWN: f64 = 0.995;

/// Where the axis ends, in ms, where that is before the slowest write: a heavy tail would
/// press all else against the left edge.
pub(crate) fn cut_ms(distributions: &[&DistributionCurves]) -> Option<f64> {
    let most = |times: &mut dyn Iterator<Item = f64>| times.fold(0.0_f64, f64::max);
    let whole = most(&mut distributions.iter().flat_map(|d| d.measured.iter().chain(&d.predicted)).map(|p| p.ms));
    let shown = most(&mut distributions.iter().filter_map(|d| at_share(d, SHOWN)));
    (shown > 0.0 && whole > 2.0 * shown).then_some(shown * 1.1)
}

fn x_axis(scene: &mut Scene, frame: Frame, distributions: &[&DistributionCurves]) -> Scale {
    let points = distributions.iter().flat_map(|d| d.measured.iter().chain(&d.predicted));
    let (low, high) = points.fold((0.0_f64, 1.0_f64), |(low, high), point| (low.min(point.ms), high.max(point.ms)));
    let high = cut_ms(distributions).unwrap_or(high);
    let step = round_step(high - low, 8);
    let scale = Scale::new((low, high * 1.02), (frame.left, frame.right));
    let labels: Vec<_> = ticks(low, high, 8).into_iter().map(|tick| (tick, tick_label(tick, step))).collect();
    frame.x_axis(scene, scale, &labels, "Latency, ms");
    scale
}

/// Steps of what was measured, over a dashed curve of what was predicted, up to `end_ms`.
fn draw(scene: &mut Scene, distribution: &DistributionCurves, end_ms: f64, (x, y): (Scale, Scale)) {
    let colour = Colour::Hue(Hue::of_quorum(distribution.quorum));
    let place = |ms: f64, share: f64| (x.at(ms), y.at(share * 100.0));
    let is_shown = |point: &&DistributionPoint| point.ms <= end_ms;
    let curve = distribution.predicted.iter().filter(is_shown).map(|point| place(point.ms, point.share)).collect();
    scene.path(curve, Stroke::dashed(colour, 1.5));
    let mut steps: Vec<Point> = Vec::with_capacity(distribution.measured.len() * 2);
    let mut below = 0.0;
    for point in distribution.measured.iter().filter(is_shown) {
        steps.extend([place(point.ms, below), place(point.ms, point.share)]);
        below = point.share;
    }
    scene.path(steps, Stroke::solid(colour, 2.0));
}

/// A label on each curve at its median; where medians are too near each other for that, each
/// stands beside its curve at a height of its own.
fn draw_labels(scene: &mut Scene, distributions: &[&DistributionCurves], frame: Frame, (x, y): (Scale, Scale)) {
    let labelled: Vec<&DistributionCurves> =
        distributions.iter().filter(|d| at_share(d, 0.5).is_some()).copied().collect();
    let names: Vec<String> = labelled.iter().map(|d| format!("W = {}", d.quorum)).collect();
    let width = names.iter().map(|name| text_width(name, LABEL_SIZE)).fold(0.0, f64::max) * 1.15 + 10.0;
    let place = |distribution: &DistributionCurves, share| x.at(at_share(distribution, share).unwrap_or(0.0));
    let medians: Vec<f64> = labelled.iter().map(|d| place(d, 0.5)).collect();
    let places = spread(&medians, width, frame.left + width / 2.0, frame.right - width / 2.0);
    let is_crowded = places.iter().zip(&medians).any(|(place, median)| (place - median).abs() > width / 2.0);
    let last = labelled.len().saturating_sub(1).max(1) as f64;
    for (rank, ((distribution, name), at_median)) in labelled.iter().zip(names).zip(places).enumerate() {
        let (at, row) = if is_crowded {
            let share = 0.85 - 0.7 * rank as f64 / last;
            let beside = place(distribution, share) + width / 2.0 + 4.0;
            (beside.min(frame.right - width / 2.0), y.at(share * 100.0))
        } else {
            (at_median, y.at(50.0))
        };
        scene.rect((at - width / 2.0, row - 10.0), (at + width / 2.0, row + 10.0), Colour::Paper);
        let hue = Hue::of_quorum(distribution.quorum);
        scene.text((at, row), name, LABEL_SIZE, Colour::Text(hue), Anchor::Middle);
    }
}

/// The time within which this share was answered.
fn at_share(distribution: &DistributionCurves, share: f64) -> Option<f64> {
    let points = if distribution.measured.is_empty() { &distribution.predicted } else { &distribution.measured };
    points.iter().find(|point| point.share >= share).map(|point| point.ms)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::report::charts::scene::Mark;

    /// A curve from 0 to twice its median.
    fn curve(quorum: u32, median_ms: f64) -> DistributionCurves {
        let at = |share: f64| DistributionPoint { ms: 2.0 * median_ms * share, share };
        DistributionCurves {
            quorum,
            measured: (1..=100).map(|i| at(f64::from(i) / 100.0)).collect(),
            predicted: Vec::new(),
        }
    }

    /// Where the labels of such curves stand.
    fn labels(medians_ms: &[f64]) -> Vec<Point> {
        let curves: Vec<DistributionCurves> =
            (1..).zip(medians_ms).map(|(w, median_ms)| curve(w, *median_ms)).collect();
        let scene = scene(&curves.iter().collect::<Vec<_>>(), None);
        let label = |mark: Mark| match mark {
            Mark::Text { at, text, .. } if text.starts_with("W =") => Some(at),
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

    fn of(times_ms: impl Iterator<Item = f64>) -> DistributionCurves {
        let times_ms: Vec<f64> = times_ms.collect();
        let n = times_ms.len() as f64;
        let point = |(index, ms): (usize, &f64)| DistributionPoint { ms: *ms, share: (index + 1) as f64 / n };
        DistributionCurves {
            quorum: 1,
            measured: times_ms.iter().enumerate().map(point).collect(),
            predicted: Vec::new(),
        }
    }

    #[test]
    fn only_a_heavy_tail_is_cut_off() {
        let light = of((1..=1000).map(f64::from));
        assert_eq!(cut_ms(&[&light]), None);
        let heavy = of((1..=999).map(f64::from).chain([50_000.0]));
        let cut = cut_ms(&[&light, &heavy]).unwrap();
        assert!((1000.0..1200.0).contains(&cut), "{cut}");
    }

    #[test]
    fn a_single_slow_write_is_no_tail() {
        assert_eq!(cut_ms(&[&of([1.0, 2.0, 900.0].into_iter())]), None);
        assert_eq!(cut_ms(&[&of([].into_iter())]), None);
    }
}
