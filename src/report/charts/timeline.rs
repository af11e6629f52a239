//! The lives of single writes: leader, followers, and the moment the client had its answer.

use super::axis::{Frame, Scale, TICK_SIZE, TITLE_SIZE, fitting, round_step, tick_label, ticks};
use super::colour::{Colour, Hue};
use super::scene::{Anchor, Scene, Stroke};
use crate::analysis::{Exemplar, FollowerLeg, WriteLife};

const WIDTH: u32 = 900;
const LEFT: f64 = 66.0;
const GAP: f64 = 52.0;
const RIGHT: f64 = 24.0;
const ROW: f64 = 17.0;
const HEAD: f64 = 30.0;
const BETWEEN: f64 = 20.0;
const SMALL: f64 = 11.0;

/// A panel for each life: the median writes at the left, the worst at the right.
pub(crate) fn scene(lives: &[&WriteLife], title: Option<(&str, &str)>) -> Scene {
    let mut quorums: Vec<u32> = lives.iter().map(|life| life.quorum).collect();
    quorums.dedup();
    let rows = lives.iter().map(|life| life.followers.len()).max().unwrap_or(0) as f64 + 1.0;
    let panel = HEAD + rows * ROW;
    let top = if title.is_some() { 104.0 } else { 34.0 };
    let bottom = top + quorums.len().max(1) as f64 * (panel + BETWEEN);
    let mut scene = Scene::new(WIDTH, (bottom + 52.0).ceil() as u32);
    if let Some((title, subtitle)) = title {
        scene.text((12.0, 26.0), title, fitting(title, TITLE_SIZE), Colour::Ink, Anchor::Start);
        scene.text((12.0, 52.0), subtitle, fitting(subtitle, TICK_SIZE), Colour::Muted, Anchor::Start);
    }
    let width = (f64::from(WIDTH) - LEFT - GAP - RIGHT) / 2.0;
    for (column, name) in [(0.0, "The write of median latency"), (1.0, "The slowest write")] {
        let left = LEFT + column * (width + GAP);
        scene.text((left, top - 16.0), name, 14.0, Colour::Ink, Anchor::Start);
        let frame = Frame { left, right: left + width, top, bottom };
        x_axis(&mut scene, frame, lives);
    }
    for life in lives {
        let column = if life.exemplar == Exemplar::Median { 0.0 } else { 1.0 };
        let row = quorums.iter().position(|quorum| *quorum == life.quorum).unwrap_or(0) as f64;
        let left = LEFT + column * (width + GAP);
        let x = scale(lives, left, left + width);
        draw(&mut scene, life, (left, top + row * (panel + BETWEEN)), x);
    }
    scene
}

fn scale(lives: &[&WriteLife], left: f64, right: f64) -> Scale {
    let legs = || lives.iter().flat_map(|life| &life.followers);
    let times = legs().flat_map(|leg| [leg.sent_ms, leg.arrived_ms, leg.acked_ms]).flatten();
    let high = times.chain(lives.iter().map(|life| life.latency_ms)).fold(1.0, f64::max);
    Scale::new((0.0, high * 1.04), (left, right))
}

fn x_axis(scene: &mut Scene, frame: Frame, lives: &[&WriteLife]) {
    let scale = scale(lives, frame.left, frame.right);
    let high = scale.value(frame.right);
    let step = round_step(high, 6);
    let marks = ticks(0.0, high, 6);
    for mark in &marks {
        let x = scale.at(*mark);
        scene.line((x, frame.top), (x, frame.bottom - BETWEEN / 2.0), Stroke::solid(Colour::Grid, 1.0));
    }
    let axis = Frame { bottom: frame.bottom - BETWEEN / 2.0, ..frame };
    scene.line((axis.left, axis.bottom), (axis.right, axis.bottom), Stroke::solid(Colour::Muted, 1.0));
    let labels: Vec<_> = marks.into_iter().map(|mark| (mark, tick_label(mark, step))).collect();
    axis.x_axis(scene, scale, &labels, "ms since the client's request");
}

fn draw(scene: &mut Scene, life: &WriteLife, (left, top): (f64, f64), x: Scale) {
    let hue = Hue::of_quorum(life.quorum);
    if life.exemplar == Exemplar::Median {
        scene.text((12.0, top + 12.0), format!("W = {}", life.quorum), 14.0, Colour::Text(hue), Anchor::Start);
    }
    let y = |row: usize| top + HEAD + ROW * (row as f64 + 0.5);
    let answer = x.at(life.latency_ms);
    let last = y(life.followers.len());
    scene.line((answer, y(0)), (answer, last + ROW / 2.0), Stroke::solid(Colour::Ink, 1.25));
    let label = format!("answer {:.1} ms", life.latency_ms);
    let (anchor, at) = if answer > left + 120.0 { (Anchor::End, answer + 3.0) } else { (Anchor::Start, answer - 3.0) };
    scene.text((at, top + 16.0), label, 12.0, Colour::Ink, anchor);
    scene.text((left - 8.0, y(0)), "leader", SMALL, Colour::Muted, Anchor::End);
    scene.line((x.at(0.0), y(0)), (answer, y(0)), Stroke::solid(Colour::Hue(hue), 4.0));
    for (row, leg) in life.followers.iter().enumerate() {
        scene.text((left - 8.0, y(row + 1)), leg.follower.to_string(), SMALL, Colour::Muted, Anchor::End);
        draw_leg(scene, leg, y(row + 1), hue, x);
    }
}

/// The wait until a copy left, then its arrival: a disc for the acknowledgements that the
/// client waited for, a ring for later ones, a cross where the copy was lost. Then the
/// acknowledgement's way back, where it can be seen.
fn draw_leg(scene: &mut Scene, leg: &FollowerLeg, y: f64, hue: Hue, x: Scale) {
    const RADIUS: f64 = 4.0;
    let colour = if leg.in_quorum { Colour::Hue(hue) } else { Colour::Muted };
    let Some(arrived) = leg.arrived_ms.or(leg.acked_ms).or(leg.sent_ms).or(leg.delay_ms) else {
        return;
    };
    let at = x.at(arrived);
    scene.line((x.at(0.0), y), (at, y), Stroke::solid(colour, 1.25));
    if leg.arrived_ms.is_none() && leg.acked_ms.is_none() {
        let stroke = Stroke::solid(Colour::Ink, 1.5);
        scene.line((at - RADIUS, y - RADIUS), (at + RADIUS, y + RADIUS), stroke);
        scene.line((at - RADIUS, y + RADIUS), (at + RADIUS, y - RADIUS), stroke);
    } else if leg.in_quorum {
        scene.disc((at, y), RADIUS, colour);
    } else {
        scene.ring((at, y), RADIUS, Stroke::solid(colour, 1.5));
    }
    let mut end = at + RADIUS;
    if let Some(back) = leg.acked_ms.map(|acked_ms| x.at(acked_ms)).filter(|back| *back > at + 2.0 * RADIUS) {
        scene.path(vec![(end, y), (back, y)], Stroke::dashed(colour, 1.25));
        end = back;
    }
    if let Some(rank) = leg.ack_rank {
        scene.text((end + 4.0, y), rank.to_string(), SMALL, Colour::Muted, Anchor::Start);
    }
}
