//! The distribution of a delay: a table with its `kind` and parameters.

use std::ops::Range;
use std::path::{Path, PathBuf};

use labnode::delay::{DelayRange, Distribution, Empirical, Kind, Millis, Mixture, Part, Weight};
use serde::Deserialize;
use toml::Spanned;
use toml::de::DeValue;

use super::{Fields, Problems, as_table};
use crate::config::setting::{Setting, words};
use crate::model::Accepted as _;

words!(KindName: "constant", "uniform", "exponential", "lognormal", "pareto", "empirical", "mixture");

/// `kind`, without its parameters.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KindName {
    Constant,
    Uniform,
    Exponential,
    Lognormal,
    Pareto,
    Empirical,
    Mixture,
}

/// Reads the distribution under a key; none where it is absent, or wrong, which is noted.
pub(super) fn read_distribution(
    fields: &mut Fields<'_>,
    key: &'static str,
    problems: &mut Problems<'_>,
) -> Option<Distribution> {
    let value = fields.take(key)?;
    let path = format!("{}{key}", fields.path);
    if !matches!(value.get_ref(), DeValue::Table(_)) {
        let example = "{ kind = \"lognormal\", median_ms = 5, sigma = 0.5 }";
        let shown = problems.shown(&value.span());
        problems.add(value.span(), format!("{path} must be a table such as {example}, not {shown}"));
        return None;
    }
    let mut table = as_table(value, &format!("{path}."), problems);
    let (distribution, is_known) = read_table(&mut table, problems);
    if is_known {
        table.finish(problems);
    }
    distribution
}

/// What a table says, and whether its kind is known: what else it may hold depends on that.
fn read_table(fields: &mut Fields<'_>, problems: &mut Problems<'_>) -> (Option<Distribution>, bool) {
    let kind = required::<KindName>(fields, "kind", problems);
    let extra = fields.value("extra_ms", Millis::ZERO, problems).value;
    let Some(name) = kind else {
        return (None, false);
    };
    let kind = read_kind(fields, name, problems);
    (kind.map(|kind| Distribution::from(kind).plus(extra)), true)
}

fn read_kind(fields: &mut Fields<'_>, name: KindName, problems: &mut Problems<'_>) -> Option<Kind> {
    Some(match name {
        KindName::Constant => Kind::Constant { ms: required(fields, "ms", problems)? },
        KindName::Uniform => {
            let (min, max) = (required(fields, "min_ms", problems), required(fields, "max_ms", problems));
            let range = DelayRange::from_ms(min?, max?);
            Kind::Uniform(noted(range, fields.span.clone(), &fields.path, problems)?)
        }
        KindName::Exponential => Kind::Exponential { mean_ms: required(fields, "mean_ms", problems)? },
        KindName::Lognormal => {
            let (median, sigma) = (required(fields, "median_ms", problems), required(fields, "sigma", problems));
            Kind::Lognormal { median_ms: median?, sigma: sigma? }
        }
        KindName::Pareto => {
            let (min, shape) = (required(fields, "min_ms", problems), required(fields, "shape", problems));
            Kind::Pareto { min_ms: min?, shape: shape? }
        }
        KindName::Empirical => Kind::Empirical(read_empirical(fields, problems)?),
        KindName::Mixture => Kind::Mixture(read_mixture(fields, problems)?),
    })
}

fn required<T: Setting>(fields: &mut Fields<'_>, key: &'static str, problems: &mut Problems<'_>) -> Option<T> {
    if !fields.table.contains_key(key) {
        problems.add(fields.span.clone(), format!("{}{key} is missing; it must be {}", fields.path, T::accepted()));
    }
    fields.value::<Option<T>>(key, None, problems).value
}

/// The value, or its problem noted.
fn noted<T>(result: Result<T, String>, span: Range<usize>, path: &str, problems: &mut Problems<'_>) -> Option<T> {
    result.map_err(|message| problems.add(span, format!("{}: {message}", path.trim_end_matches('.')))).ok()
}

/// The distribution of the delays in a file, or the table that a manifest records of them.
fn read_empirical(fields: &mut Fields<'_>, problems: &mut Problems<'_>) -> Option<Empirical> {
    let table = fields.value::<Option<Vec<Millis>>>("quantiles_ms", None, problems);
    let file = fields.value::<Option<PathBuf>>("file", None, problems);
    if let Some(quantiles) = table.value {
        if file.value.is_some() {
            problems.add(
                file.span,
                format!("{}file and quantiles_ms exclude each other; leave out one of them", fields.path),
            );
        }
        let path = format!("{}quantiles_ms", fields.path);
        return noted(Empirical::new(quantiles), table.span, &path, problems);
    }
    if file.value.is_none() && file.good && table.good {
        problems
            .add(fields.span.clone(), format!("{}file is missing; it must be {}", fields.path, PathBuf::accepted()));
    }
    let name = file.value?;
    let sample = (problems.read_file)(&name)
        .map_err(|error| format!("{}: {error}", name.display()))
        .and_then(|text| delays(&text, &name));
    let too_few = |_| format!("{}: must have at least two delays", name.display());
    let empirical = sample.and_then(|sample| Empirical::of_sample(sample).map_err(too_few));
    noted(empirical, file.span, &format!("{}file", fields.path), problems)
}

/// The delays of a file with one column of milliseconds, under a header or not.
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

/// What the parts of a mixture must be.
const PARTS: &str = "a list of tables, each with a weight and a distribution";

fn read_mixture(fields: &mut Fields<'_>, problems: &mut Problems<'_>) -> Option<Mixture> {
    let path = format!("{}parts", fields.path);
    let Some(list) = fields.take("parts") else {
        problems.add(fields.span.clone(), format!("{path} is missing; it must be {PARTS}"));
        return None;
    };
    let span = list.span();
    let DeValue::Array(tables) = list.into_inner() else {
        problems.add(span, format!("{path} must be {PARTS}"));
        return None;
    };
    let read: Vec<Option<Part>> =
        tables.into_iter().map(|table| read_part(table, &format!("{path}."), problems)).collect();
    let parts = read.into_iter().collect::<Option<Vec<_>>>()?;
    noted(Mixture::new(parts), span, &path, problems)
}

fn read_part(table: Spanned<DeValue<'_>>, path: &str, problems: &mut Problems<'_>) -> Option<Part> {
    let mut fields = as_table(table, path, problems);
    let weight = required::<Weight>(&mut fields, "weight", problems);
    let (distribution, is_known) = read_table(&mut fields, problems);
    if is_known {
        fields.finish(problems);
    }
    Some(Part { weight: weight?, distribution: distribution? })
}
