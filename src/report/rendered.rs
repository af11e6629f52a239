//! A report's files: rendered from runs, then written into a folder.

use std::path::{Path, PathBuf};

use super::error::ReportError;
use super::figures::Figures;
use super::headline::Headline;
use super::model::{AnalysedRun, Report};
use super::topics::TOPICS;
use super::{csv, files, page, summary};
use crate::analysis::Forecast;
use crate::config::ExperimentName;
use crate::data::RunData;

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

/// The paths of a report's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportFiles {
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

impl ReportFiles {
    /// Every file, the report first.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        [&self.html, &self.markdown, &self.csv, &self.json].into_iter().chain(&self.figures).map(PathBuf::as_path)
    }
}

/// What a report tells beside the runs.
#[derive(Debug, Clone, Copy, Default)]
pub struct Extras<'a> {
    /// What a reader must know first: sentences without a full stop, such as on runs that were left out.
    pub notes: &'a [String],
    /// Further rounds of experiments that were run several times.
    pub rounds: &'a [RunData],
    /// Each run against the simulation of the same seed, by W; empty if nothing was simulated.
    pub forecasts: &'a [Forecast],
}

/// Reports on the runs of one experiment. `others` are the runs of other experiments, to
/// compare with.
///
/// # Errors
/// [`ReportError::NoRuns`] without runs; the others only if a template or a figure is broken.
pub fn render(runs: &[RunData], others: &[(ExperimentName, Vec<RunData>)]) -> Result<Rendered, ReportError> {
    render_with(runs, others, Extras::default())
}

/// As [`render`], with what the runs do not tell.
///
/// # Errors
/// As [`render`].
pub fn render_with(
    runs: &[RunData],
    others: &[(ExperimentName, Vec<RunData>)],
    extras: Extras<'_>,
) -> Result<Rendered, ReportError> {
    render_analysed(runs.iter().map(AnalysedRun::of).collect(), others, extras)
}

/// The same of runs that are analysed already.
///
/// # Errors
/// As [`render`].
pub fn render_analysed(
    runs: Vec<AnalysedRun<'_>>,
    others: &[(ExperimentName, Vec<RunData>)],
    extras: Extras<'_>,
) -> Result<Rendered, ReportError> {
    let report = Report::of_analysed(runs, others, extras.rounds, extras.forecasts).ok_or(ReportError::NoRuns)?;
    let headline = Headline::of(&report, extras.notes);
    let mut figures = Figures::default();
    let document = headline.document(&report, &mut figures)?;
    let summaries: Vec<_> = report.runs.iter().map(|run| &run.summary).collect();
    Ok(Rendered {
        html: page::html(&document)?,
        markdown: page::markdown(&document)?,
        csv: csv::summary(&summaries),
        json: summary::summary(&headline, &report)?,
        figures,
    })
}

impl Rendered {
    /// Draws the figures and writes every file into `folder`, which is made if need be.
    ///
    /// # Errors
    /// [`ReportError`]; every file is either whole or as it was before.
    pub fn write(&self, folder: &Path) -> Result<ReportFiles, ReportError> {
        let pictures = self.figures.draw()?;
        let pngs = pictures.iter().map(|(name, png)| (*name, png.as_slice()));
        let figures: Vec<PathBuf> = pictures.iter().map(|(name, _)| folder.join(name)).collect();
        let texts = [
            ("summary.csv", &self.csv),
            ("summary.json", &self.json),
            ("report.md", &self.markdown),
            ("report.html", &self.html),
        ];
        let all: Vec<_> = pngs.chain(texts.map(|(name, text)| (name, text.as_bytes()))).collect();
        let is_drawn = |name: &&str| pictures.iter().any(|(drawn, _)| drawn == name);
        let absent: Vec<&str> = TOPICS.iter().filter_map(|topic| topic.file).filter(|name| !is_drawn(name)).collect();
        files::write_all(folder, &all, &absent)?;
        let [csv, json, markdown, html] = texts.map(|(name, _)| folder.join(name));
        Ok(ReportFiles { html, markdown, csv, json, figures })
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
) -> Result<ReportFiles, ReportError> {
    render(runs, others)?.write(folder)
}
