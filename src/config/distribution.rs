//! A distribution of delays in TOML: a table with its `kind` and parameters.

use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IntoDeserializer;
use toml::Spanned;
use toml::de::DeValue;

use super::reader::{Fields, Problems};
use super::setting::Setting;
use crate::model::{Accepted, Distribution, FAMILIES, Family, Millis, Number, Parameters, Part, one_of, quantiles_of};

/// `kind`, without its parameters.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
struct Kind(&'static Family);

impl TryFrom<String> for Kind {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Family::named(&name).map(Self)
    }
}

impl Accepted for Kind {
    fn accepted() -> String {
        one_of(&FAMILIES.iter().map(|family| family.name).collect::<Vec<_>>())
    }
}

impl Setting for Option<Distribution> {
    fn read(fields: &mut Fields<'_>, key: &'static str, default: Self, problems: &mut Problems<'_>) -> Self {
        let Some(value) = fields.take(key) else {
            return default;
        };
        let path = format!("{}{key}", fields.path);
        if !matches!(value.get_ref(), DeValue::Table(_)) {
            let example = "{ kind = \"lognormal\", median_ms = 5, sigma = 0.5 }";
            let shown = problems.shown(&value.span());
            problems.add(value.span(), format!("{path} must be a table such as {example}, not {shown}"));
            return default;
        }
        let mut table = fields.nested(value, format!("{path}."), problems);
        let (distribution, is_known) = read_table(&mut table, problems);
        if is_known {
            table.finish(problems);
        }
        distribution
    }
}

/// Reads a table, and tells whether its kind is known: its keys depend on the kind.
fn read_table(fields: &mut Fields<'_>, problems: &mut Problems<'_>) -> (Option<Distribution>, bool) {
    let kind = fields.required::<Kind>("kind", problems);
    let extra = Millis::read(fields, "extra_ms", Millis::ZERO, problems);
    let Some(Kind(family)) = kind else {
        return (None, false);
    };
    (read_member(fields, family, problems).map(|distribution| distribution.plus(extra)), true)
}

fn read_member(fields: &mut Fields<'_>, family: &Family, problems: &mut Problems<'_>) -> Option<Distribution> {
    match &family.parameters {
        Parameters::Numbers { numbers, new, .. } => {
            let values: Vec<_> = numbers.iter().map(|number| read_number(fields, number, problems)).collect();
            let values = values.into_iter().collect::<Option<Vec<f64>>>()?;
            reported(new(&values), fields.span.clone(), &fields.path, problems)
        }
        Parameters::Quantiles(new) => read_quantiles(fields, *new, problems),
        Parameters::Parts(new) => read_parts(fields, *new, problems),
    }
}

fn read_number(fields: &mut Fields<'_>, number: &Number, problems: &mut Problems<'_>) -> Option<f64> {
    fields.require(number.key, &number.accepted(), problems);
    let value = fields.take(number.key)?;
    let span = value.span();
    let found = f64::deserialize(value.into_deserializer()).ok().and_then(|value| number.check(value).ok());
    if found.is_none() {
        let shown = problems.shown(&span);
        problems.add(span, format!("{}{} must be {}, not {shown}", fields.path, number.key, number.accepted()));
    }
    found
}

/// The value. `None` if there is a message instead, which is reported.
fn reported<T>(result: Result<T, String>, span: Range<usize>, path: &str, problems: &mut Problems<'_>) -> Option<T> {
    result.map_err(|message| problems.add(span, format!("{}: {message}", path.trim_end_matches('.')))).ok()
}

/// `quantiles_ms`, the form of an empirical distribution in manifests.
#[derive(Deserialize)]
struct Quantiles(Vec<Millis>);

impl Accepted for Quantiles {
    fn accepted() -> String {
        format!("a list in brackets, each value {}", Millis::accepted())
    }
}

/// Reads the quantiles that a manifest records, or a file of measured delays.
fn read_quantiles(
    fields: &mut Fields<'_>,
    new: fn(Vec<Millis>) -> Result<Distribution, String>,
    problems: &mut Problems<'_>,
) -> Option<Distribution> {
    let table = fields.optional::<Quantiles>("quantiles_ms", problems);
    let file = fields.optional::<PathBuf>("file", problems);
    if let Some(Quantiles(quantiles)) = table.value {
        if file.value.is_some() {
            problems.add(
                file.span,
                format!("{}file and quantiles_ms exclude each other; leave out one of them", fields.path),
            );
        }
        return reported(new(quantiles), table.span, &format!("{}quantiles_ms", fields.path), problems);
    }
    if file.value.is_none() && file.good && table.good {
        fields.require("file", &PathBuf::accepted(), problems);
    }
    let name = file.value?;
    let sample = (problems.read_file)(&name)
        .map_err(|error| format!("{}: {error}", name.display()))
        .and_then(|text| delays(&text, &name))
        .and_then(quantiles_of);
    let too_few = |_| format!("{}: must have at least two delays", name.display());
    let distribution = sample.and_then(|sample| new(sample).map_err(too_few));
    reported(distribution, file.span, &format!("{}file", fields.path), problems)
}

/// The delays in a file: one number of milliseconds a line, with or without a header.
fn delays(text: &str, file: &Path) -> Result<Vec<Millis>, String> {
    let mut delays = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let cell = line.trim();
        match cell.parse::<f64>() {
            _ if cell.is_empty() => {}
            Ok(ms) => {
                let delay = Millis::try_from(ms);
                delays.push(delay.map_err(|message| format!("{}:{}: {message}", file.display(), index + 1))?);
            }
            Err(_) if index == 0 => {}
            Err(_) => {
                let cell: String = cell.chars().take(40).flat_map(char::escape_debug).collect();
                let message = "each line must be one number of milliseconds, not";
                return Err(format!("{}:{}: {message} `{cell}`", file.display(), index + 1));
            }
        }
    }
    Ok(delays)
}

/// What `parts` must be.
const PARTS: &str = "a list of tables, each with a weight and a distribution";

fn read_parts(
    fields: &mut Fields<'_>,
    new: fn(Vec<Part>) -> Result<Distribution, String>,
    problems: &mut Problems<'_>,
) -> Option<Distribution> {
    let path = format!("{}parts", fields.path);
    fields.require("parts", PARTS, problems);
    let list = fields.take("parts")?;
    let span = list.span();
    let DeValue::Array(tables) = list.into_inner() else {
        problems.add(span, format!("{path} must be {PARTS}"));
        return None;
    };
    let read: Vec<Option<Part>> =
        tables.into_iter().map(|table| read_part(fields, table, format!("{path}."), problems)).collect();
    let parts = read.into_iter().collect::<Option<Vec<_>>>()?;
    reported(new(parts), span, &path, problems)
}

fn read_part<'i>(
    fields: &Fields<'i>,
    table: Spanned<DeValue<'i>>,
    path: String,
    problems: &mut Problems<'_>,
) -> Option<Part> {
    let mut fields = fields.nested(table, path, problems);
    let weight = read_number(&mut fields, &Part::WEIGHT, problems);
    let (distribution, is_known) = read_table(&mut fields, problems);
    if is_known {
        fields.finish(problems);
    }
    Part::new(weight?, distribution?).ok()
}
