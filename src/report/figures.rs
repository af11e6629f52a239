//! The figures of a report as they are made: SVG into the page, PNG beside it.

use super::ReportError;
use super::document::{Block, Figure, Table};
use super::plots::Scene;

/// PNG files by name, in the order of the report.
#[derive(Debug, Default)]
pub(super) struct Figures(pub(super) Vec<(&'static str, Vec<u8>)>);

/// What goes with a figure.
pub(super) struct Legend {
    /// Its anchor.
    pub(super) id: &'static str,
    /// The PNG file's name.
    pub(super) file: &'static str,
    /// Its finding, a sentence.
    pub(super) caption: String,
    /// How to read it.
    pub(super) reading: String,
}

impl Figures {
    /// Draws a PNG file alone.
    pub(super) fn picture(&mut self, file: &'static str, scene: &Scene) -> Result<(), ReportError> {
        self.0.push((file, scene.png()?));
        Ok(())
    }

    /// Draws `page` into the page and `file` into a PNG file.
    pub(super) fn add(
        &mut self,
        legend: Legend,
        page: &Scene,
        file: &Scene,
        table: Table,
    ) -> Result<Block, ReportError> {
        let Legend { id, file: name, caption, reading } = legend;
        self.picture(name, file)?;
        let svg = page.svg(&caption)?;
        Ok(Block::Figure { figure: Figure { id, caption, reading, svg, file: name, table } })
    }
}
