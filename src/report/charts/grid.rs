//! Grids of cells, some of which stand out: two side by side, one pair a row.

use super::axis::headline;
use super::colour::{Colour, Hue};
use super::scene::{Anchor, Scene, Stroke};

const WIDTH: u32 = 900;
const LEFT: f64 = 64.0;
const GAP: f64 = 64.0;
const ROW: f64 = 22.0;
const SMALL: f64 = 11.0;

/// Two grids side by side.
pub(crate) struct GridPair {
    pub(crate) name: String,
    pub(crate) hue: Hue,
    pub(crate) grids: [CellGrid; 2],
}

/// Rows of cells below the names of their columns.
pub(crate) struct CellGrid {
    /// Stands above it.
    pub(crate) note: String,
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<GridRow>,
}

/// One row of a grid.
pub(crate) struct GridRow {
    pub(crate) name: String,
    /// One cell a column, or a text in their place.
    pub(crate) cells: Result<Vec<GridCell>, &'static str>,
}

/// One cell.
#[derive(Debug, Clone, Copy)]
pub(crate) enum GridCell {
    Quiet,
    /// Filled with colour, around a letter.
    Filled(&'static str),
    /// An outline around a letter.
    Hollow(&'static str),
    /// Filled with ink, around a letter.
    Black(&'static str),
}

/// A pair of grids a row, below the headings of the two columns.
pub(crate) fn scene(pairs: &[GridPair], headings: [&str; 2], title: &str, subtitle: &str) -> Scene {
    let rows = |pair: &GridPair| pair.grids.iter().map(|grid| grid.rows.len()).max().unwrap_or(0) as f64;
    let heights: f64 = pairs.iter().map(|pair| rows(pair) * ROW + 56.0).sum();
    let mut scene = Scene::new(WIDTH, (116.0 + heights).ceil() as u32);
    headline(&mut scene, Some((title, subtitle)));
    let width = (f64::from(WIDTH) - LEFT - GAP - 20.0) / 2.0;
    let lefts = [LEFT, LEFT + width + GAP];
    for (left, heading) in lefts.into_iter().zip(headings) {
        scene.text((left, 88.0), heading, 14.0, Colour::Ink, Anchor::Start);
    }
    let mut top = 106.0;
    for pair in pairs {
        scene.text((12.0, top + 8.0), pair.name.as_str(), 14.0, Colour::Text(pair.hue), Anchor::Start);
        for (left, grid) in lefts.into_iter().zip(&pair.grids) {
            draw(&mut scene, grid, (left, top), width);
        }
        top += rows(pair) * ROW + 56.0;
    }
    scene
}

fn draw(scene: &mut Scene, grid: &CellGrid, (left, top): (f64, f64), width: f64) {
    scene.text((left, top + 8.0), grid.note.as_str(), 13.0, Colour::Muted, Anchor::Start);
    let column = (width / grid.columns.len().max(1) as f64).min(38.0);
    let body = top + 36.0;
    for (i, name) in grid.columns.iter().enumerate() {
        let middle = left + column * (i as f64 + 0.5);
        scene.text((middle, body - 9.0), name.as_str(), SMALL, Colour::Muted, Anchor::Middle);
    }
    for (i, row) in grid.rows.iter().enumerate() {
        let y = body + ROW * i as f64;
        scene.text((left - 8.0, y + ROW / 2.0), row.name.as_str(), SMALL, Colour::Muted, Anchor::End);
        match &row.cells {
            Err(instead) => scene.text((left, y + ROW / 2.0), *instead, SMALL, Colour::Muted, Anchor::Start),
            Ok(cells) => {
                for (i, cell) in cells.iter().enumerate() {
                    let corner = (left + column * i as f64 + 1.0, y + 1.0);
                    let opposite = (left + column * (i + 1) as f64 - 1.0, y + ROW - 1.0);
                    draw_cell(scene, *cell, corner, opposite);
                }
            }
        }
    }
}

fn draw_cell(scene: &mut Scene, cell: GridCell, corner: (f64, f64), opposite: (f64, f64)) {
    let (letter, colour) = match cell {
        GridCell::Quiet => return scene.rect(corner, opposite, Colour::Surface),
        GridCell::Filled(letter) => {
            scene.rect(corner, opposite, Colour::Hue(Hue::Purple));
            (letter, Colour::Ink)
        }
        GridCell::Black(letter) => {
            scene.rect(corner, opposite, Colour::Ink);
            (letter, Colour::Paper)
        }
        GridCell::Hollow(letter) => {
            let ((left, top), (right, bottom)) =
                ((corner.0 + 1.0, corner.1 + 1.0), (opposite.0 - 1.0, opposite.1 - 1.0));
            let outline = vec![(left, top), (right, top), (right, bottom), (left, bottom), (left, top - 1.0)];
            scene.path(outline, Stroke::solid(Colour::Hue(Hue::Purple), 2.0));
            (letter, Colour::Ink)
        }
    };
    let middle = ((corner.0 + opposite.0) / 2.0, (corner.1 + opposite.1) / 2.0);
    scene.text(middle, letter, 12.0, colour, Anchor::Middle);
}
