//! Sets a document in HTML and in Markdown: the only module that knows tera.

use serde::Serialize;
use tera::{Context, Kwargs, State, Tera, Value};

use super::charts;
use super::document::Document;

/// A template's name, which decides on escaping, and its text.
type Template = (&'static str, &'static str);

const HTML: Template = ("report.html", include_str!("../../templates/report.html"));
const MARKDOWN: Template = ("report.md", include_str!("../../templates/report.md"));

/// What the templates see beside the document.
#[derive(Serialize)]
struct Page<'a> {
    document: &'a Document,
    /// CSS declarations of the colours on light paper.
    light: String,
    /// The same on dark paper.
    dark: String,
    style: &'static str,
}

/// The document as one HTML file that needs nothing else.
pub(crate) fn html(document: &Document) -> tera::TeraResult<String> {
    let (light, dark) = charts::variables();
    render(HTML, &Page { document, light, dark, style: include_str!("../../templates/report.css") })
}

/// The document as Markdown with its figures in PNG files beside it.
pub(crate) fn markdown(document: &Document) -> tera::TeraResult<String> {
    render(MARKDOWN, &Page { document, light: String::new(), dark: String::new(), style: "" })
}

/// Each template gets a new engine, since the names of components are global in an engine.
fn render((name, text): Template, page: &Page<'_>) -> tera::TeraResult<String> {
    let mut tera = Tera::new();
    tera.register_filter("cell", cell);
    tera.register_filter("inline", inline);
    tera.add_raw_template(name, text)?;
    tera.render(name, &Context::from_serialize(page)?)
}

/// A text inside a cell of a Markdown table.
fn cell(text: &str, _: Kwargs, _: &State<'_>) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// A text whose numbers stay on one line with their units, W with its value, and where what
/// stands between backticks is set as code.
fn inline(text: &str, _: Kwargs, _: &State<'_>) -> tera::TeraResult<Value> {
    let mut escaped = Vec::with_capacity(text.len());
    tera::escape_html(text, &mut escaped).map_err(|error| tera::Error::message(error.to_string()))?;
    let escaped = String::from_utf8_lossy(&escaped);
    let kept = [("W = ", "W\u{a0}=\u{a0}"), (" ms", "\u{a0}ms"), (" %", "\u{a0}%")]
        .iter()
        .fold(escaped.into_owned(), |text, (loose, kept)| text.replace(loose, kept));
    Ok(Value::safe_string(&with_code(&kept)))
}

/// Elements in the place of pairs of backticks; a single one stays.
fn with_code(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    let last = parts.len() - 1;
    let is_code = |i: usize| i % 2 == 1 && i < last;
    let part = |(i, part): (usize, &&str)| match () {
        () if is_code(i) => format!("<code>{part}</code>"),
        () if i % 2 == 1 => format!("`{part}"),
        () => (*part).to_owned(),
    };
    parts.iter().enumerate().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_of_backticks_become_code() {
        assert_eq!(with_code("run `quorum` or `versioned`."), "run <code>quorum</code> or <code>versioned</code>.");
        assert_eq!(with_code("a lone ` stays"), "a lone ` stays");
        assert_eq!(with_code("`a` and `b"), "<code>a</code> and `b");
        assert_eq!(with_code(""), "");
    }
}
