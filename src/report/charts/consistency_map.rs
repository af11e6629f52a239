//! Follower by key, for each quorum and both moments.

use super::axis::{TICK_SIZE, TITLE_SIZE, fitting};
use super::colour::{Colour, Hue};
use super::scene::{Anchor, Scene, Stroke};
use crate::analysis::{Cell, CellState};
use crate::report::labels;
use crate::report::model::{MomentReport, RunReport};

const WIDTH: u32 = 900;
const LEFT: f64 = 64.0;
const GAP: f64 = 64.0;
const ROW: f64 = 22.0;
const SMALL: f64 = 11.0;

/// Two maps a quorum: at the last acknowledgement and settled.
pub(crate) fn scene(runs: &[&RunReport], title: &str, subtitle: &str) -> Scene {
    let rows = |run: &RunReport| run.consistency.settled.followers.len() as f64;
    let heights: f64 = runs.iter().map(|run| rows(run) * ROW + 56.0).sum();
    let mut scene = Scene::new(WIDTH, (116.0 + heights).ceil() as u32);
    scene.text((12.0, 26.0), title, fitting(title, TITLE_SIZE), Colour::Ink, Anchor::Start);
    scene.text((12.0, 52.0), subtitle, fitting(subtitle, TICK_SIZE), Colour::Muted, Anchor::Start);
    let width = (f64::from(WIDTH) - LEFT - GAP - 20.0) / 2.0;
    let second = LEFT + width + GAP;
    scene.text((LEFT, 88.0), "When the last write was acknowledged", 14.0, Colour::Ink, Anchor::Start);
    scene.text((second, 88.0), "After every message had arrived", 14.0, Colour::Ink, Anchor::Start);
    let mut top = 106.0;
    for run in runs {
        let hue = Hue::of_quorum(run.quorum);
        let text = format!("W = {}", run.quorum);
        scene.text((12.0, top + 8.0), text, 14.0, Colour::Text(hue), Anchor::Start);
        for (left, moment) in [(LEFT, &run.consistency.at_last_ack), (second, &run.consistency.settled)] {
            draw(&mut scene, moment, (left, top), width);
        }
        top += rows(run) * ROW + 56.0;
    }
    scene
}

fn draw(scene: &mut Scene, moment: &MomentReport, (left, top): (f64, f64), width: f64) {
    let count = format!("{} of {} differ", moment.total.differing(), moment.total.pairs());
    scene.text((left, top + 8.0), count, 13.0, Colour::Muted, Anchor::Start);
    let column = (width / moment.shown_keys.len().max(1) as f64).min(38.0);
    let body = top + 36.0;
    for (i, key) in moment.shown_keys.iter().enumerate() {
        let middle = left + column * (i as f64 + 0.5);
        scene.text((middle, body - 9.0), key.as_str(), SMALL, Colour::Muted, Anchor::Middle);
    }
    for (row, follower) in moment.followers.iter().enumerate() {
        let y = body + ROW * row as f64;
        scene.text((left - 8.0, y + ROW / 2.0), follower.follower.to_string(), SMALL, Colour::Muted, Anchor::End);
        if follower.counts.is_none() {
            scene.text((left, y + ROW / 2.0), "did not answer", SMALL, Colour::Muted, Anchor::Start);
            continue;
        }
        for (i, key) in moment.shown_keys.iter().enumerate() {
            let corner = (left + column * i as f64 + 1.0, y + 1.0);
            let opposite = (left + column * (i + 1) as f64 - 1.0, y + ROW - 1.0);
            draw_cell(scene, moment.difference(follower.follower, key), corner, opposite);
        }
    }
}

/// Stale is filled, missing hollow, foreign black; the letter is the cause.
fn draw_cell(scene: &mut Scene, differing: Option<&Cell>, corner: (f64, f64), opposite: (f64, f64)) {
    let Some(cell) = differing else {
        scene.rect(corner, opposite, Colour::Surface);
        return;
    };
    match cell.state {
        CellState::Match => scene.rect(corner, opposite, Colour::Surface),
        CellState::Stale => scene.rect(corner, opposite, Colour::Hue(Hue::Purple)),
        CellState::Foreign => scene.rect(corner, opposite, Colour::Ink),
        CellState::Missing => {
            let ((left, top), (right, bottom)) =
                ((corner.0 + 1.0, corner.1 + 1.0), (opposite.0 - 1.0, opposite.1 - 1.0));
            let outline = vec![(left, top), (right, top), (right, bottom), (left, bottom), (left, top - 1.0)];
            scene.path(outline, Stroke::solid(Colour::Hue(Hue::Purple), 2.0));
        }
    }
    let middle = ((corner.0 + opposite.0) / 2.0, (corner.1 + opposite.1) / 2.0);
    let colour = if cell.state == CellState::Foreign { Colour::Paper } else { Colour::Ink };
    scene.text(middle, labels::letter(cell), 12.0, colour, Anchor::Middle);
}
