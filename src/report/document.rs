//! What a report says, in order, for templates to set: the same for HTML and Markdown.

use serde::Serialize;

use super::number::NONE;

/// A whole report.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Document {
    pub(crate) title: String,
    /// Under which conditions, in one line.
    pub(crate) subtitle: String,
    /// What was measured, and what it does not tell; `None` if the runs do not say.
    pub(crate) system: Option<String>,
    /// The answer, a finding an item.
    pub(crate) answer: Vec<String>,
    /// What the intervals and times mean, in one paragraph.
    pub(crate) method: String,
    /// What a reader must know before believing the rest.
    pub(crate) warnings: Vec<String>,
    pub(crate) sections: Vec<Section>,
}

/// One part with a heading.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Section {
    /// Its anchor.
    pub(crate) id: &'static str,
    pub(crate) heading: &'static str,
    pub(crate) blocks: Vec<Block>,
}

/// One thing in a section.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Block {
    Paragraph {
        text: String,
    },
    List {
        items: Vec<String>,
    },
    /// Lines to be typed or pasted, in `sh` or `toml`.
    Code {
        language: &'static str,
        text: String,
    },
    Table {
        table: Table,
    },
    /// A table that few will read.
    Details {
        summary: String,
        table: Table,
    },
    Figure {
        figure: Figure,
    },
    Maps {
        maps: Maps,
    },
}

/// A picture and the numbers behind it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figure {
    /// Its anchor.
    pub(crate) id: String,
    /// What it shows, as a sentence.
    pub(crate) caption: String,
    /// How to read it.
    pub(crate) reading: String,
    pub(crate) svg: String,
    /// The PNG file beside the report.
    pub(crate) file: &'static str,
    /// The numbers it is drawn from.
    pub(crate) table: Table,
}

/// Rows of text. The first column names the row.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Table {
    pub(crate) caption: String,
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// A table's column.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// Numbers stand at the right.
    pub(crate) numeric: bool,
    /// Whether it holds what theory or the model says, beside what was measured.
    pub(crate) theory: bool,
}

/// Maps of followers by keys: tables on the page, one PNG file beside it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Maps {
    pub(crate) id: String,
    pub(crate) caption: String,
    pub(crate) reading: String,
    pub(crate) file: &'static str,
    /// What the letters stand for.
    pub(crate) letters: Vec<(&'static str, &'static str)>,
    /// Each quorum's maps, by moment.
    pub(crate) quorums: Vec<QuorumMaps>,
}

/// One quorum's maps.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct QuorumMaps {
    pub(crate) quorum: u32,
    /// The name of its colour.
    pub(crate) hue: &'static str,
    pub(crate) maps: Vec<Map>,
}

/// One map.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Map {
    pub(crate) caption: String,
    pub(crate) keys: Vec<String>,
    pub(crate) rows: Vec<MapRow>,
}

/// A follower's row of a map.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct MapRow {
    pub(crate) follower: String,
    /// One for each key, or empty if the follower did not answer.
    pub(crate) cells: Vec<MapCell>,
}

/// One pair of follower and key.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct MapCell {
    /// `match`, `stale`, `missing` or `foreign`.
    pub(crate) state: &'static str,
    pub(crate) letter: &'static str,
    /// What the follower holds, and why.
    pub(crate) title: String,
}

impl Column {
    fn new(name: &str, numeric: bool) -> Self {
        Self {
            name: name.to_owned(),
            numeric,
            theory: ["predicted", "expected", "model"].iter().any(|word| name.contains(word)),
        }
    }
}

impl Table {
    pub(crate) fn new(caption: impl Into<String>) -> Self {
        Self { caption: caption.into(), ..Self::default() }
    }

    pub(crate) fn text(mut self, names: &[&str]) -> Self {
        self.columns.extend(names.iter().map(|name| Column::new(name, false)));
        self
    }

    pub(crate) fn numbers(mut self, names: &[&str]) -> Self {
        self.columns.extend(names.iter().map(|name| Column::new(name, true)));
        self
    }

    /// Without the columns that have no figure in any row.
    fn drop_empty_columns(&mut self) {
        let is_filled = |column: usize| self.rows.iter().any(|row| row.get(column).is_some_and(|cell| cell != NONE));
        let kept: Vec<bool> = (0..self.columns.len()).map(|column| self.rows.is_empty() || is_filled(column)).collect();
        keep(&mut self.columns, &kept);
        self.rows.iter_mut().for_each(|row| keep(row, &kept));
    }

    pub(crate) fn rows(mut self, rows: impl IntoIterator<Item = Vec<String>>) -> Self {
        self.rows.extend(rows);
        self
    }
}

impl Block {
    pub(crate) fn paragraph(text: impl Into<String>) -> Self {
        Self::Paragraph { text: text.into() }
    }

    /// Takes from its table the columns that have no figure in any row.
    pub(crate) fn drop_empty_columns(&mut self) {
        match self {
            Self::Table { table } | Self::Details { table, .. } => table.drop_empty_columns(),
            Self::Figure { figure } => figure.table.drop_empty_columns(),
            Self::Paragraph { .. } | Self::List { .. } | Self::Code { .. } | Self::Maps { .. } => {}
        }
    }
}

/// Keeps those of the values that are to be kept.
fn keep<T>(values: &mut Vec<T>, kept: &[bool]) {
    let mut kept = kept.iter();
    values.retain(|_| kept.next().copied().unwrap_or(true));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headings(rows: &[[&str; 3]]) -> Vec<String> {
        let rows = rows.iter().map(|row| row.map(str::to_owned).to_vec());
        let mut table = Table::new("").numbers(&["W", "mean", "predicted"]).rows(rows);
        table.drop_empty_columns();
        assert!(table.rows.iter().all(|row| row.len() == table.columns.len()));
        table.columns.into_iter().map(|column| column.name).collect()
    }

    #[test]
    fn a_column_without_a_figure_in_any_row_is_dropped() {
        assert_eq!(headings(&[["1", "2.5", NONE], ["2", NONE, NONE]]), ["W", "mean"]);
        assert_eq!(headings(&[["1", "2.5", NONE], ["2", NONE, "3.0"]]), ["W", "mean", "predicted"]);
        assert_eq!(headings(&[]), ["W", "mean", "predicted"]);
    }
}
