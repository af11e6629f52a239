//! The report of an exploration: `report.html`, `report.md` and figures, functions of the
//! points alone.

mod conditions;
mod finding;
mod measures;
mod sections;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use super::figures::Figures;
use super::{ReportError, files, render};
use crate::explore::PointRow;

/// Reports on the points of one exploration into `folder`, which is there. Answers what was
/// written, the report first.
///
/// # Errors
/// [`ReportError`]; every file is either whole or as it was before.
pub fn write_exploration(points: &[PointRow], folder: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let mut figures = Figures::default();
    let document = sections::document(points, &mut figures)?;
    let (html, markdown) = (render::html(&document)?, render::markdown(&document)?);
    let pictures = figures.draw()?;
    let texts = [("report.html", html.as_bytes()), ("report.md", markdown.as_bytes())];
    let pictures = pictures.iter().map(|(name, png)| (*name, png.as_slice()));
    let staged: Vec<_> = texts
        .into_iter()
        .chain(pictures)
        .map(|(name, content)| files::stage(folder, name, content))
        .collect::<Result<_, _>>()?;
    staged.into_iter().map(files::Staged::put).collect()
}
