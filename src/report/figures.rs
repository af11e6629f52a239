//! The figures of a report as they are made: SVG into the page, PNG beside it.

use std::num::NonZero;
use std::thread;

use super::charts::Scene;
use super::charts::against_quorum::Whiskers;
use super::document::{Block, Figure, Table};
use super::error::ReportError;
use crate::analysis::Interval;

/// The PNG files to draw, in the order of the report.
#[derive(Debug, Default)]
pub(crate) struct Figures(Vec<(&'static str, Scene)>);

/// What goes with a figure.
pub(crate) struct Legend {
    /// Its anchor.
    pub(crate) id: String,
    /// The PNG file's name.
    pub(crate) file: &'static str,
    /// Its finding, a sentence.
    pub(crate) caption: String,
    /// How to read it.
    pub(crate) reading: String,
}

impl From<Interval> for Whiskers {
    fn from(Interval { lower, upper }: Interval) -> Self {
        Self { lower, upper }
    }
}

impl Figures {
    /// Has `scene` drawn into a PNG file.
    pub(crate) fn picture(&mut self, file: &'static str, scene: Scene) {
        self.0.push((file, scene));
    }

    /// Draws `page` into the page and has `file` drawn into a PNG file.
    pub(crate) fn add(
        &mut self,
        legend: Legend,
        page: &Scene,
        file: Scene,
        table: Table,
    ) -> Result<Block, ReportError> {
        let Legend { id, file: name, caption, reading } = legend;
        self.picture(name, file);
        let svg = page.svg(&caption)?;
        Ok(Block::Figure { figure: Figure { id, caption, reading, svg, file: name, table } })
    }

    /// Draws every PNG file, on as many threads as there are processors: that is most of the
    /// work of a report. Answers them by name, in order.
    pub(crate) fn draw(&self) -> Result<Vec<(&'static str, Vec<u8>)>, ReportError> {
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        let drawn: Vec<_> = thread::scope(|scope| {
            let share = self.0.len().div_ceil(threads).max(1);
            let workers: Vec<_> = self
                .0
                .chunks(share)
                .map(|scenes| scope.spawn(|| scenes.iter().map(|(name, scene)| Ok((*name, scene.png()?))).collect()))
                .collect();
            workers
                .into_iter()
                .map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        });
        drawn
            .into_iter()
            .collect::<Result<Vec<Vec<_>>, ReportError>>()
            .map(|files| files.into_iter().flatten().collect())
    }
}
