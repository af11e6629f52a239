//! How tables are laid out: for a terminal, or as Markdown.

use comfy_table::{TableStyle, presets};

use crate::commands::tables;

/// The layout of a comparison: for a terminal, or as Markdown.
pub(super) struct Layout {
    pub(super) heading: &'static str,
    style: TableStyle,
}

impl Layout {
    pub(super) fn text() -> Self {
        Self { heading: "", style: tables::PLAIN }
    }

    pub(super) fn markdown() -> Self {
        Self { heading: "## ", style: presets::ASCII_MARKDOWN }
    }

    pub(super) fn table(&self, columns: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
        format!("{}\n", tables::figures(self.style, columns.iter().copied(), rows))
    }
}
