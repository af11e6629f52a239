//! How tables are laid out: for a terminal, or as Markdown.

use comfy_table::{TableStyle, presets};

use crate::commands::tables;
use crate::report::document::Table;

/// The layout of a comparison: for a terminal, or as Markdown.
pub(super) struct Layout {
    pub(super) heading: &'static str,
    /// Stands before each sentence of a list.
    pub(super) item: &'static str,
    /// How the name of a column is set.
    column: fn(&str) -> String,
    style: TableStyle,
}

impl Layout {
    pub(super) fn text() -> Self {
        Self { heading: "", item: "", column: in_lines, style: tables::PLAIN }
    }

    pub(super) fn markdown() -> Self {
        Self { heading: "## ", item: "- ", column: str::to_owned, style: presets::ASCII_MARKDOWN }
    }

    /// A table of a report.
    pub(super) fn rendered(&self, table: &Table) -> String {
        let columns: Vec<String> = table.columns.iter().map(|column| (self.column)(&column.name)).collect();
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        self.table(&columns, table.rows.iter().cloned())
    }

    /// Sentences below each other.
    pub(super) fn list(&self, sentences: &[String]) -> String {
        let lines: String = sentences.iter().map(|sentence| format!("{}{sentence}\n", self.item)).collect();
        if lines.is_empty() { lines } else { format!("\n{lines}") }
    }

    pub(super) fn table(&self, columns: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
        format!("{}\n", tables::figures(self.style, columns.iter().copied(), rows))
    }
}

/// Characters of a line in the name of a column.
const LINE: usize = 10;

/// The words of a name in short lines.
fn in_lines(name: &str) -> String {
    let mut lines = String::new();
    let mut length = 0;
    for word in name.split(' ') {
        if length > 0 {
            let fits = length + 1 + word.len() <= LINE;
            lines.push(if fits { ' ' } else { '\n' });
            length = if fits { length + 1 } else { 0 };
        }
        lines += word;
        length += word.len();
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_of_columns_are_set_in_lines() {
        let told = ["W", "lost with the leader", "added by the software", "mean, predicted"].map(in_lines);
        assert_eq!(told, ["W", "lost with\nthe leader", "added by\nthe\nsoftware", "mean,\npredicted"]);
    }
}
