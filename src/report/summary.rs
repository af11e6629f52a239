//! `summary.json`: what the report says, as sentences and numbers.

use std::collections::BTreeMap;

use serde::Serialize;

use super::headline::Headline;
use super::json;
use super::model::Report;

/// Version of `summary.json`.
pub const SCHEMA: u32 = 3;

/// `summary.json`.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Serialize)]
struct SummaryFile<'a> {
    /// Version of this format.
    #[cfg_attr(test, schemars(schema_with = "schema::version"))]
    schema: u32,
    /// What came out, in one paragraph.
    answer: String,
    /// What the intervals and times mean, in one paragraph.
    method: &'a str,
    /// What a reader must know before believing the rest.
    warnings: &'a [String],
    /// What each topic shows, in one sentence.
    #[cfg_attr(test, schemars(schema_with = "schema::findings"))]
    findings: &'a BTreeMap<&'static str, Option<String>>,
    #[serde(flatten)]
    report: &'a Report,
}

/// The file's text.
pub(super) fn summary(headline: &Headline, report: &Report) -> Result<String, serde_json::Error> {
    let Headline { answer, method, warnings, findings } = headline;
    json::to_string(&SummaryFile { schema: SCHEMA, answer: answer.join(" "), method, warnings, findings, report })
}

#[cfg(test)]
mod schema;
