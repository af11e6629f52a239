//! The report: `report.html`, `report.md`, `summary.csv`, `summary.json` and figures, all
//! functions of the data alone. The same runs give the same bytes on any machine.
//!
//! `model` holds the numbers, `prose` and `topics` make sentences, tables and figures of
//! them, `render` sets them.

mod charts;
mod csv;
mod document;
mod explore;
mod figures;
mod files;
mod json;
mod labels;
mod model;
mod number;
mod prose;
mod render;
mod topics;

pub(crate) use self::number::{bounds, share};
pub(crate) use self::topics::visible_after;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use explore::write_exploration;
pub use model::{
    ComparedExperiment, ComparedRun, ConsistencyReport, Distribution, DistributionPoint, FaultReport, Findings,
    MomentReport, OverheadReport, PlottedWrite, Report, RunReport, SCHEMA,
};

use crate::config::ExperimentName;
use crate::data::RunData;
use figures::Figures;

/// What was written, where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// `report.html`.
    pub html: PathBuf,
    /// `report.md`.
    pub markdown: PathBuf,
    /// `summary.csv`.
    pub csv: PathBuf,
    /// `summary.json`.
    pub json: PathBuf,
    /// The figures, in the order of the report; the first is `quorum_vs_latency_full.png`.
    pub figures: Vec<PathBuf>,
}

impl Written {
    /// Every file, the report first.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        [&self.html, &self.markdown, &self.csv, &self.json].into_iter().chain(&self.figures).map(PathBuf::as_path)
    }
}

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// There is nothing to report on.
    #[error("no run to report on")]
    NoRuns,
    /// A file or the folder could not be written.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// Why it did not work.
        source: io::Error,
    },
    /// A figure could not be drawn.
    #[error("cannot draw a figure: {0}")]
    Draw(String),
    /// A template did not render.
    #[error("cannot render the report: {0}")]
    Render(#[from] tera::Error),
    /// The summary could not be serialized.
    #[error("cannot write the summary as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl From<charts::DrawError> for ReportError {
    fn from(error: charts::DrawError) -> Self {
        Self::Draw(error.to_string())
    }
}

/// A report whose text is there and whose PNG files are yet to be drawn.
#[derive(Debug)]
pub struct Rendered {
    /// `report.html`.
    pub html: String,
    /// `report.md`.
    pub markdown: String,
    /// `summary.csv`.
    pub csv: String,
    /// `summary.json`.
    pub json: String,
    figures: Figures,
}

/// Reports on the runs of one experiment. `others` are the runs of other experiments, to
/// compare with.
///
/// # Errors
/// [`ReportError::NoRuns`] without runs; the others only if a template or a figure is broken.
pub fn render(runs: &[RunData], others: &[(ExperimentName, Vec<RunData>)]) -> Result<Rendered, ReportError> {
    render_noting(runs, others, &[])
}

/// As [`render`], with what else a reader must know first: sentences without a full stop, such as
/// on runs that were left out.
///
/// # Errors
/// As [`render`].
pub fn render_noting(
    runs: &[RunData],
    others: &[(ExperimentName, Vec<RunData>)],
    notes: &[String],
) -> Result<Rendered, ReportError> {
    let mut report = Report::of(runs, others).ok_or(ReportError::NoRuns)?;
    report.warnings.splice(0..0, notes.iter().map(|note| format!("{note}.")));
    let mut figures = Figures::default();
    let document = topics::document(&report, &mut figures)?;
    let summaries: Vec<_> = report.runs.iter().map(|run| &run.summary).collect();
    Ok(Rendered {
        html: render::html(&document)?,
        markdown: render::markdown(&document)?,
        csv: csv::summary(&summaries),
        json: json::to_string(&report)?,
        figures,
    })
}

impl Rendered {
    /// Draws the figures and writes every file into `folder`, which is made if need be.
    ///
    /// # Errors
    /// [`ReportError`]; every file is either whole or as it was before.
    pub fn write(&self, folder: &Path) -> Result<Written, ReportError> {
        let pictures = self.figures.draw()?;
        fs::create_dir_all(folder).map_err(|source| ReportError::Io {
            path: folder.to_owned(),
            action: "make the folder",
            source,
        })?;
        let stage = |name, content| files::stage(folder, name, content);
        let figures: Vec<_> = pictures.iter().map(|(name, png)| stage(*name, png)).collect::<Result<_, _>>()?;
        let csv = stage("summary.csv", self.csv.as_bytes())?;
        let json = stage("summary.json", self.json.as_bytes())?;
        let markdown = stage("report.md", self.markdown.as_bytes())?;
        let html = stage("report.html", self.html.as_bytes())?;
        for name in topics::OPTIONAL_FILES {
            if pictures.iter().all(|(written, _)| *written != name) {
                files::remove(folder, name)?;
            }
        }
        let written = Written {
            figures: figures.into_iter().map(files::Staged::put).collect::<Result<_, _>>()?,
            csv: csv.put()?,
            json: json.put()?,
            markdown: markdown.put()?,
            html: html.put()?,
        };
        files::sync(folder)?;
        Ok(written)
    }
}

/// Reports on the runs of one experiment into `folder`, which is made if need be. `others`
/// are the runs of other experiments, to compare with.
///
/// # Errors
/// [`ReportError`]; every file is either whole or as it was before.
pub fn write(
    runs: &[RunData],
    others: &[(ExperimentName, Vec<RunData>)],
    folder: &Path,
) -> Result<Written, ReportError> {
    render(runs, others)?.write(folder)
}
