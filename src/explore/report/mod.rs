//! The report of an exploration: `report.html`, `report.md` and figures, made from its points
//! alone.

mod conditions;
mod measures;
mod sections;
#[cfg(test)]
mod tests;
mod trend;

use std::path::{Path, PathBuf};

use super::PointRow;
use crate::report::ReportError;
use crate::report::figures::Figures;
use crate::report::{files, page};

/// Writes the report on these points into `folder`. Returns the files, the report first.
///
/// # Errors
/// [`ReportError`]; each file is then either whole or as it was before.
pub fn write_exploration(points: &[PointRow], folder: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let mut figures = Figures::default();
    let document = sections::document(points, &mut figures)?;
    let (html, markdown) = (page::html(&document)?, page::markdown(&document)?);
    let pictures = figures.draw()?;
    let texts = [("report.html", html.as_bytes()), ("report.md", markdown.as_bytes())];
    let pictures = pictures.iter().map(|(name, png)| (*name, png.as_slice()));
    let all: Vec<_> = texts.into_iter().chain(pictures).collect();
    files::write_all(folder, &all, &[])?;
    Ok(all.iter().map(|(name, _)| folder.join(name)).collect())
}
