//! What a report says, in order, for templates to set: the same for HTML and Markdown.

use serde::Serialize;

/// A whole report.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Document {
    pub(super) title: String,
    /// Under which conditions, in one line.
    pub(super) subtitle: String,
    /// The answer, in one paragraph.
    pub(super) answer: String,
    /// What the intervals and times mean, in one paragraph.
    pub(super) method: String,
    /// What a reader must know before believing the rest.
    pub(super) warnings: Vec<String>,
    pub(super) sections: Vec<Section>,
}

/// One part with a heading.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Section {
    /// Its anchor.
    pub(super) id: &'static str,
    pub(super) heading: &'static str,
    pub(super) blocks: Vec<Block>,
}

/// One thing in a section.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Block {
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
pub(super) struct Figure {
    /// Its anchor.
    pub(super) id: &'static str,
    /// What it shows, as a sentence.
    pub(super) caption: String,
    /// How to read it.
    pub(super) reading: String,
    pub(super) svg: String,
    /// The PNG file beside the report.
    pub(super) file: &'static str,
    /// The numbers it is drawn from.
    pub(super) table: Table,
}

/// Rows of text. The first column names the row.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Table {
    pub(super) caption: String,
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<String>>,
}

/// A table's column.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Column {
    pub(super) name: String,
    /// Numbers stand at the right.
    pub(super) numeric: bool,
    /// Whether it holds what theory or the model says, beside what was measured.
    pub(super) theory: bool,
}

/// Maps of followers by keys: tables on the page, one PNG file beside it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Maps {
    pub(super) id: &'static str,
    pub(super) caption: String,
    pub(super) reading: String,
    pub(super) file: &'static str,
    /// What the letters stand for.
    pub(super) letters: Vec<(&'static str, &'static str)>,
    /// Each quorum's maps, by moment.
    pub(super) quorums: Vec<QuorumMaps>,
}

/// One quorum's maps.
#[derive(Debug, Clone, Serialize)]
pub(super) struct QuorumMaps {
    pub(super) quorum: u32,
    /// The name of its colour.
    pub(super) hue: &'static str,
    pub(super) maps: Vec<Map>,
}

/// One map.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Map {
    pub(super) caption: String,
    pub(super) keys: Vec<String>,
    pub(super) rows: Vec<MapRow>,
}

/// A follower's row of a map.
#[derive(Debug, Clone, Serialize)]
pub(super) struct MapRow {
    pub(super) follower: String,
    /// One a key; none where the follower did not answer.
    pub(super) cells: Vec<MapCell>,
}

/// One pair of follower and key.
#[derive(Debug, Clone, Serialize)]
pub(super) struct MapCell {
    /// `match`, `stale`, `missing` or `foreign`.
    pub(super) state: &'static str,
    pub(super) letter: &'static str,
    /// What the follower holds, and why.
    pub(super) title: String,
}

impl Column {
    fn new(name: &str, numeric: bool) -> Self {
        Self { name: name.to_owned(), numeric, theory: matches!(name, "predicted" | "expected" | "chance of any") }
    }
}

impl Table {
    pub(super) fn new(caption: impl Into<String>) -> Self {
        Self { caption: caption.into(), ..Self::default() }
    }

    pub(super) fn text(mut self, names: &[&str]) -> Self {
        self.columns.extend(names.iter().map(|name| Column::new(name, false)));
        self
    }

    pub(super) fn numbers(mut self, names: &[&str]) -> Self {
        self.columns.extend(names.iter().map(|name| Column::new(name, true)));
        self
    }

    pub(super) fn rows(mut self, rows: impl IntoIterator<Item = Vec<String>>) -> Self {
        self.rows.extend(rows);
        self
    }
}

impl Block {
    pub(super) fn paragraph(text: impl Into<String>) -> Self {
        Self::Paragraph { text: text.into() }
    }
}
