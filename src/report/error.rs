//! Why a report could not be written.

use std::io;
use std::path::PathBuf;

use super::charts::DrawError;

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

impl From<DrawError> for ReportError {
    fn from(error: DrawError) -> Self {
        Self::Draw(error.to_string())
    }
}
