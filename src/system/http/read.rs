//! Reads parts of a mapping from experiments.toml.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::DeValue;

use super::filter::Filter;
use crate::config::{Fields, Problems};
use crate::system::start::Template;

/// The text of a key, and where it stands. `None` if the key is absent, or not a text, which is reported.
pub(super) fn text(
    fields: &mut Fields<'_>,
    key: &'static str,
    accepted: &str,
    problems: &mut Problems<'_>,
) -> Option<(String, Range<usize>)> {
    let value = fields.take(key)?;
    let (span, path) = (value.span(), format!("{}{key}", fields.path));
    problems.record(path.clone(), span.clone());
    match value.get_ref() {
        DeValue::String(text) => Some((text.to_string(), span)),
        _ => {
            let shown = problems.shown(&span);
            problems.add(span, format!("{path} must be {accepted}, not {shown}"));
            None
        }
    }
}

/// The filter of a key, or `default` if the key is absent or wrong.
pub(super) fn filter(
    fields: &mut Fields<'_>,
    key: &'static str,
    default: Option<Filter>,
    problems: &mut Problems<'_>,
) -> Option<Filter> {
    let Some((text, span)) = text(fields, key, "a jq filter in quotes", problems) else { return default };
    match Filter::parse(&text) {
        Ok(filter) => Some(filter),
        Err(wrong) => {
            let at = within(problems, &text, span, wrong.at);
            problems.add(at, format!("{}{key}: {}", fields.path, wrong.message));
            default
        }
    }
}

/// Where a part of a text stands, if the file has the text as it is, without escapes; else where the text stands.
fn within(problems: &Problems<'_>, text: &str, span: Range<usize>, part: Range<usize>) -> Range<usize> {
    match problems.text_at(&span).find(text) {
        Some(start) => {
            let start = span.start + start;
            // What is missing at the end is meant there.
            start + part.start..start + part.end.max(part.start + 1)
        }
        None => span,
    }
}

/// A template whose placeholders are among `known`. `None` if it is wrong, which is reported.
pub(super) fn template(
    text: &str,
    span: Range<usize>,
    path: &str,
    known: &[&str],
    problems: &mut Problems<'_>,
) -> Option<Template> {
    Template::parse(text, known).map_err(|message| problems.add(span, format!("{path}: {message}"))).ok()
}

/// A table of templates by name, such as headers. What is wrong is reported and left out.
pub(super) fn templates(
    fields: &mut Fields<'_>,
    key: &'static str,
    known: &[&str],
    problems: &mut Problems<'_>,
) -> Option<BTreeMap<String, Template>> {
    let value = fields.take(key)?;
    let table = fields.nested(value, format!("{}{key}.", fields.path), problems);
    let read = table.table.into_iter().filter_map(|(name, value): (_, Spanned<DeValue<'_>>)| {
        let (path, span) = (format!("{}{}", table.path, name.get_ref()), value.span());
        let DeValue::String(text) = value.get_ref() else {
            let shown = problems.shown(&span);
            problems.add(span, format!("{path} must be a text in quotes, not {shown}"));
            return None;
        };
        Some((name.get_ref().to_string(), template(text, span, &path, known, problems)?))
    });
    Some(read.collect())
}
