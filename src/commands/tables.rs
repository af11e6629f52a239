//! Tables for the terminal.

use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};

/// A line under the header; columns are separated by space.
pub(super) const PLAIN: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// A table of figures, all aligned to the right.
pub(super) fn figures<R>(
    style: TableStyle,
    header: impl IntoIterator<Item = impl Into<String>>,
    rows: impl IntoIterator<Item = R>,
) -> Table
where
    R: IntoIterator<Item = String>,
{
    let mut table = Table::new();
    table.load_style(style).set_header(header.into_iter().map(Into::into).collect::<Vec<String>>());
    for row in rows {
        table.add_row(row.into_iter().collect::<Vec<_>>());
    }
    table.column_iter_mut().for_each(|column| {
        column.set_cell_alignment(CellAlignment::Right);
    });
    table
}
