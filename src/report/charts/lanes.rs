//! Lanes: what happens over time in several places, from one start to one end.

use super::axis::{Frame, Scale, headline};
use super::colour::{Colour, Hue};
use super::scene::{Anchor, Scene, Shape, Stroke};

const WIDTH: u32 = 900;
const LEFT: f64 = 66.0;
const GAP: f64 = 52.0;
const RIGHT: f64 = 24.0;
const ROW: f64 = 17.0;
const HEAD: f64 = 30.0;
const BETWEEN: f64 = 20.0;
const SMALL: f64 = 11.0;

/// What is drawn: panels in two columns.
pub(crate) struct Lanes {
    pub(crate) x_title: &'static str,
    /// Names of the columns.
    pub(crate) columns: [&'static str; 2],
    pub(crate) rows: Vec<LaneRow>,
}

/// Two panels side by side.
pub(crate) struct LaneRow {
    pub(crate) name: String,
    pub(crate) hue: Hue,
    pub(crate) panels: [Option<LanePanel>; 2],
}

/// A thick line from zero to an end, and a lane for each part below it.
pub(crate) struct LanePanel {
    pub(crate) name: &'static str,
    pub(crate) end: f64,
    pub(crate) end_label: String,
    pub(crate) lanes: Vec<Lane>,
}

/// A thin line from zero to a mark, and further.
pub(crate) struct Lane {
    pub(crate) name: String,
    /// `None` for a lane with no line.
    pub(crate) mark: Option<LaneMark>,
}

/// The mark of a lane.
pub(crate) struct LaneMark {
    pub(crate) at: f64,
    pub(crate) shape: Shape,
    /// Whether its lane has the colour of its row.
    pub(crate) stands_out: bool,
    /// Where a dashed line from the mark ends.
    pub(crate) back: Option<f64>,
    /// Stands behind it all.
    pub(crate) label: Option<String>,
}

impl Lanes {
    fn panels(&self) -> impl Iterator<Item = &LanePanel> {
        self.rows.iter().flat_map(|row| row.panels.iter().flatten())
    }
}

/// All panels on the same scale.
pub(crate) fn scene(lanes: &Lanes, title: Option<(&str, &str)>) -> Scene {
    let rows = lanes.panels().map(|panel| panel.lanes.len()).max().unwrap_or(0) as f64 + 1.0;
    let panel_height = HEAD + rows * ROW;
    let top = if title.is_some() { 104.0 } else { 34.0 };
    let bottom = top + lanes.rows.len().max(1) as f64 * (panel_height + BETWEEN);
    let mut scene = Scene::new(WIDTH, (bottom + 52.0).ceil() as u32);
    headline(&mut scene, title);
    let width = (f64::from(WIDTH) - LEFT - GAP - RIGHT) / 2.0;
    let lefts = [LEFT, LEFT + (width + GAP)];
    for (left, name) in lefts.into_iter().zip(lanes.columns) {
        scene.text((left, top - 16.0), name, 14.0, Colour::Ink, Anchor::Start);
        x_axis(&mut scene, Frame { left, right: left + width, top, bottom }, lanes);
    }
    for (i, row) in lanes.rows.iter().enumerate() {
        let top = top + i as f64 * (panel_height + BETWEEN);
        if row.panels[0].is_some() {
            scene.text((12.0, top + 12.0), row.name.as_str(), 14.0, Colour::Text(row.hue), Anchor::Start);
        }
        for (left, panel) in lefts.into_iter().zip(&row.panels) {
            if let Some(panel) = panel {
                draw(&mut scene, panel, row.hue, (left, top), scale(lanes, left, left + width));
            }
        }
    }
    scene
}

fn scale(lanes: &Lanes, left: f64, right: f64) -> Scale {
    let marks = lanes.panels().flat_map(|panel| panel.lanes.iter().filter_map(|lane| lane.mark.as_ref()));
    let times = marks.flat_map(|mark| [Some(mark.at), mark.back]).flatten();
    let high = times.chain(lanes.panels().map(|panel| panel.end)).fold(1.0, f64::max);
    Scale::new((0.0, high * 1.04), (left, right))
}

fn x_axis(scene: &mut Scene, frame: Frame, lanes: &Lanes) {
    let scale = scale(lanes, frame.left, frame.right);
    let high = scale.value(frame.right);
    let axis = Frame { bottom: frame.bottom - BETWEEN / 2.0, ..frame };
    axis.x_axis_with_grid(scene, scale, (0.0, high), 6, lanes.x_title);
}

fn draw(scene: &mut Scene, panel: &LanePanel, hue: Hue, (left, top): (f64, f64), x: Scale) {
    let y = |row: usize| top + HEAD + ROW * (row as f64 + 0.5);
    let end = x.at(panel.end);
    let last = y(panel.lanes.len());
    scene.line((end, y(0)), (end, last + ROW / 2.0), Stroke::solid(Colour::Ink, 1.25));
    let (anchor, at) = if end > left + 120.0 { (Anchor::End, end + 3.0) } else { (Anchor::Start, end - 3.0) };
    scene.text((at, top + 16.0), panel.end_label.as_str(), 12.0, Colour::Ink, anchor);
    scene.text((left - 8.0, y(0)), panel.name, SMALL, Colour::Muted, Anchor::End);
    scene.line((x.at(0.0), y(0)), (end, y(0)), Stroke::solid(Colour::Hue(hue), 4.0));
    for (row, lane) in panel.lanes.iter().enumerate() {
        scene.text((left - 8.0, y(row + 1)), lane.name.as_str(), SMALL, Colour::Muted, Anchor::End);
        if let Some(mark) = &lane.mark {
            draw_mark(scene, mark, y(row + 1), hue, x);
        }
    }
}

/// The line up to the mark, the mark, and the dashed line from it where that can be seen.
fn draw_mark(scene: &mut Scene, mark: &LaneMark, y: f64, hue: Hue, x: Scale) {
    const RADIUS: f64 = 4.0;
    let colour = if mark.stands_out { Colour::Hue(hue) } else { Colour::Muted };
    let at = x.at(mark.at);
    scene.line((x.at(0.0), y), (at, y), Stroke::solid(colour, 1.25));
    match mark.shape {
        Shape::Cross => {
            let stroke = Stroke::solid(Colour::Ink, 1.5);
            scene.line((at - RADIUS, y - RADIUS), (at + RADIUS, y + RADIUS), stroke);
            scene.line((at - RADIUS, y + RADIUS), (at + RADIUS, y - RADIUS), stroke);
        }
        Shape::Disc => scene.disc((at, y), RADIUS, colour),
        Shape::Ring => scene.ring((at, y), RADIUS, Stroke::solid(colour, 1.5)),
    }
    let mut end = at + RADIUS;
    if let Some(back) = mark.back.map(|back| x.at(back)).filter(|back| *back > at + 2.0 * RADIUS) {
        scene.path(vec![(end, y), (back, y)], Stroke::dashed(colour, 1.25));
        end = back;
    }
    if let Some(label) = &mark.label {
        scene.text((end + 4.0, y), label.as_str(), SMALL, Colour::Muted, Anchor::Start);
    }
}
