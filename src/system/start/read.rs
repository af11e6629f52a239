//! Reads templates from experiments.toml.

use toml::Spanned;
use toml::de::DeValue;

use super::template::Template;
use crate::config::Problems;

/// Reads the template at `path`. `None` if it is wrong, which is reported.
pub(in crate::system) fn template(
    value: &Spanned<DeValue<'_>>,
    path: &str,
    known: &[&str],
    problems: &mut Problems<'_>,
) -> Option<Template> {
    let span = value.span();
    problems.record(path.to_owned(), span.clone());
    let read = match value.get_ref() {
        DeValue::String(text) => Template::parse(text, known).map_err(|message| format!("{path}: {message}")),
        _ => Err(format!("{path} must be a text in quotes, not {}", problems.shown(&span))),
    };
    read.map_err(|message| problems.add(span, message)).ok()
}
