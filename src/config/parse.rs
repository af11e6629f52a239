//! From TOML text to [`Config`], collecting every problem instead of stopping at the first.

mod distribution;
mod faults;
mod network;
mod reads;
mod warnings;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::ops::Range;
use std::path::Path;

use serde::de::IntoDeserializer;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Problem, Warning};
use super::setting::Setting;
use super::types::{BackendChoice, Expect, Experiment, ExperimentName, Pacing, Workload};
use super::{Config, SCHEMA};
use crate::model::Quorum;

/// Parses the text of an `experiments.toml`. Files that it names are read with `read_file`.
///
/// # Errors
/// Every problem of the file, in its order; the list is never empty.
pub fn parse(input: &str, read_file: ReadFile<'_>) -> Result<Config, Vec<Problem>> {
    let root = DeTable::parse(input)
        .map_err(|error| vec![Problem::at(input, error.span().unwrap_or(0..0), error.message().replace('\n', ", "))])?;
    let mut problems = Problems { input, read_file, found: Vec::new(), warnings: Vec::new() };
    let config = read_config(root, &mut problems);
    problems.found.sort_by_key(|problem| (problem.line, problem.column));
    match config {
        Some(config) if problems.found.is_empty() => {
            problems.warnings.sort_by_key(|warning| (warning.problem.line, warning.problem.column));
            Ok(Config { warnings: problems.warnings, ..config })
        }
        _ => Err(problems.found),
    }
}

/// How a file is read that an `experiments.toml` names, relative to it.
type ReadFile<'a> = &'a dyn Fn(&Path) -> io::Result<String>;

/// What is wrong so far, and what it takes to find out.
struct Problems<'i> {
    input: &'i str,
    read_file: ReadFile<'i>,
    found: Vec<Problem>,
    warnings: Vec<Warning>,
}

impl Problems<'_> {
    fn add(&mut self, span: Range<usize>, message: impl Into<String>) {
        self.found.push(Problem::at(self.input, span, message));
    }

    fn warn(&mut self, experiment: &ExperimentName, span: Range<usize>, message: String) {
        let problem = Problem::at(self.input, span, message);
        self.warnings.push(Warning { experiment: experiment.clone(), problem });
    }

    /// A value as the file has it: its first line, up to 40 characters.
    fn shown(&self, span: &Range<usize>) -> String {
        let text = self.input.get(span.clone()).unwrap_or_default();
        let line = text.lines().next().unwrap_or_default();
        let clipped: String = line.chars().take(40).collect();
        if clipped.len() < text.trim_end().len() { clipped + "..." } else { clipped }
    }
}

/// A table being taken apart: what is left at the end was not known.
struct Fields<'i> {
    table: DeTable<'i>,
    span: Range<usize>,
    path: String,
    known: Vec<&'static str>,
}

impl<'i> Fields<'i> {
    fn of(table: Spanned<DeTable<'i>>, path: &str) -> Self {
        let span = table.span();
        Self { table: table.into_inner(), span, path: path.to_owned(), known: Vec::new() }
    }

    /// Removes a field and says where its value stands.
    fn take(&mut self, key: &'static str) -> Option<Spanned<DeValue<'i>>> {
        self.known.push(key);
        self.table.remove(key)
    }

    /// Removes and deserializes a field; `default` where it is absent. A wrong one is
    /// noted and also answered by `default`, so that what follows can still be checked.
    fn value<T: Setting>(&mut self, key: &'static str, default: T, problems: &mut Problems<'_>) -> Located<T> {
        let Some(value) = self.take(key) else {
            return Located { value: default, span: self.span.clone(), good: true };
        };
        let span = value.span();
        match T::deserialize(value.into_deserializer()) {
            Ok(value) => Located { value, span, good: true },
            Err(error) => {
                let at = error.span().filter(|at| !at.is_empty()).unwrap_or_else(|| span.clone());
                let shown = problems.shown(&at);
                problems.add(at, format!("{}{key} must be {}, not {shown}", self.path, T::accepted()));
                Located { value: default, span, good: false }
            }
        }
    }

    /// Removes a sub-table; an empty one where it is absent or not a table.
    fn table(&mut self, key: &'static str, problems: &mut Problems<'_>) -> Self {
        let path = format!("{}{key}.", self.path);
        match self.take(key) {
            Some(value) => as_table(value, &path, problems),
            None => Self { table: DeTable::new(), span: self.span.clone(), path, known: Vec::new() },
        }
    }

    /// Notes whatever nobody asked for.
    fn finish(self, problems: &mut Problems<'_>) {
        for key in self.table.keys() {
            let name: &str = key.get_ref();
            let near = self
                .known
                .iter()
                // Of two as near, the one whose beginning or end was forgotten.
                .map(|known| (strsim::damerau_levenshtein(known, name), !known.contains(name), *known))
                .min()
                .filter(|(distance, _, known)| *distance <= known.len().max(name.len()) / 3);
            let hint = match near {
                Some((_, _, known)) => format!("did you mean `{known}`?"),
                None => format!("the keys here are {}", self.known.join(", ")),
            };
            problems.add(key.span(), format!("unknown key `{}{name}`; {hint}", self.path));
        }
    }
}

/// A value and where it stands.
struct Located<T> {
    value: T,
    span: Range<usize>,
    good: bool,
}

fn as_table<'i>(value: Spanned<DeValue<'i>>, path: &str, problems: &mut Problems<'_>) -> Fields<'i> {
    let span = value.span();
    let table = match value.into_inner() {
        DeValue::Table(table) => table,
        _ => {
            let name = path.trim_end_matches('.');
            problems.add(span.clone(), format!("{name} must be a table, [{name}], not {}", problems.shown(&span)));
            DeTable::new()
        }
    };
    Fields { table, span, path: path.to_owned(), known: Vec::new() }
}

fn read_config(root: Spanned<DeTable<'_>>, problems: &mut Problems<'_>) -> Option<Config> {
    let mut fields = Fields::of(root, "");
    let schema = fields.value("schema", SCHEMA, problems);
    if schema.good && schema.value != SCHEMA {
        problems.add(
            schema.span,
            format!("schema must be {SCHEMA}, not {}; a newer file needs a newer labctl", schema.value),
        );
    }
    let default = fields.value::<Option<ExperimentName>>("default", None, problems);
    let experiments = read_experiments(&mut fields, problems);
    fields.finish(problems);
    let names: Vec<&str> = experiments.keys().map(ExperimentName::as_str).collect();
    if names.is_empty() && problems.found.is_empty() {
        problems.add(0..0, "the file has no experiment; start one with [experiment.NAME]");
    }
    match default.value {
        Some(name) if experiments.contains_key(&name) => {
            Some(Config { default: name, experiments, warnings: Vec::new() })
        }
        Some(_) if names.is_empty() => None,
        Some(name) => {
            problems.add(
                default.span,
                format!("default must be an experiment of this file ({}), not `{name}`", names.join(", ")),
            );
            None
        }
        None if default.good && !names.is_empty() => {
            problems
                .add(0..0, format!("default is missing; it must be an experiment of this file ({})", names.join(", ")));
            None
        }
        None => None,
    }
}

fn read_experiments(fields: &mut Fields<'_>, problems: &mut Problems<'_>) -> BTreeMap<ExperimentName, Experiment> {
    let mut experiments = BTreeMap::new();
    for (key, value) in fields.table("experiment", problems).table {
        match ExperimentName::try_from(key.get_ref().to_string()) {
            Ok(name) => {
                let path = format!("experiment.{name}.");
                let mut table = as_table(value, &path, problems);
                let experiment = read_experiment(&name, &mut table, problems);
                experiments.insert(name, experiment);
                table.finish(problems);
            }
            Err(message) => problems.add(key.span(), message),
        }
    }
    experiments
}

fn read_experiment(name: &ExperimentName, fields: &mut Fields<'_>, problems: &mut Problems<'_>) -> Experiment {
    let lab = Experiment::default();
    let followers = fields.value("followers", lab.followers, problems);
    let quorums = read_list(fields, "quorums", lab.quorums, problems);
    for quorum in &quorums {
        if quorum.value.get() > followers.value.get() {
            let message = format!(
                "{}quorums: a write quorum must be at most {}, the number of followers, not {}",
                fields.path, followers.value, quorum.value
            );
            problems.add(quorum.span.clone(), message);
        }
    }
    let seed = fields.value("seed", lab.seed, problems).value;
    let backend = fields.value::<BackendChoice>("backend", lab.backend, problems).value;
    let mut table = fields.table("network", problems);
    let (network, links) = network::read_network(&mut table, followers.value, problems);
    table.finish(problems);
    let mut table = fields.table("workload", problems);
    let workload = read_workload(&mut table, lab.workload, problems);
    table.finish(problems);
    let mut table = fields.table("expect", problems);
    let consistent_at = read_list::<Quorum>(&mut table, "consistent_at", Vec::new(), problems);
    table.finish(problems);
    for expected in &consistent_at {
        if quorums.iter().all(|quorum| quorum.value != expected.value) {
            let listed: Vec<String> = quorums.iter().map(|quorum| quorum.value.to_string()).collect();
            let message = format!(
                "{}expect.consistent_at: each value must be among quorums ({}), not {}",
                fields.path,
                listed.join(", "),
                expected.value
            );
            problems.add(expected.span.clone(), message);
        }
    }
    let expect = Expect { consistent_at: consistent_at.into_iter().map(|quorum| quorum.value).collect() };
    let lab = faults::Lab { followers: followers.value, writes: workload.writes };
    let (faults, fault_places) = faults::read_faults(fields, &lab, problems);
    let mut table = fields.table("reads", problems);
    let reads = reads::read_reads(&mut table, followers.value, problems);
    table.finish(problems);
    let listed = quorums.iter().map(|quorum| quorum.value).collect();
    let followers = followers.value;
    let experiment = Experiment { quorums: listed, followers, seed, backend, network, workload, expect, faults, reads };
    warnings::check(name, &experiment, &warnings::Places { quorums, links, faults: fault_places }, problems);
    experiment
}

/// Reads a list of distinct values; it has at least one where its default has.
fn read_list<T: Setting + PartialEq + fmt::Display>(
    fields: &mut Fields<'_>,
    key: &'static str,
    default: Vec<T>,
    problems: &mut Problems<'_>,
) -> Vec<Located<T>> {
    let place = fields.span.clone();
    let located = |value| Located { value, span: place.clone(), good: true };
    let Some(list) = fields.take(key) else {
        return default.into_iter().map(located).collect();
    };
    let (span, path) = (list.span(), format!("{}{key}", fields.path));
    let DeValue::Array(items) = list.into_inner() else {
        let shown = problems.shown(&span);
        problems.add(span, format!("{path} must be a list in brackets, each value {}, not {shown}", T::accepted()));
        return default.into_iter().map(located).collect();
    };
    if items.is_empty() && !default.is_empty() {
        problems.add(span, format!("{path} must have at least one value"));
    }
    let mut read: Vec<Located<T>> = Vec::new();
    for item in items {
        let span = item.span();
        match T::deserialize(item.into_deserializer()) {
            Ok(value) if read.iter().any(|earlier| earlier.value == value) => {
                problems.add(span, format!("{path} lists {value} twice"));
            }
            Ok(value) => read.push(Located { value, span, good: true }),
            Err(_) => {
                let shown = problems.shown(&span);
                problems.add(span, format!("{path}: each value must be {}, not {shown}", T::accepted()));
            }
        }
    }
    read
}

fn read_workload(fields: &mut Fields<'_>, lab: Workload, problems: &mut Problems<'_>) -> Workload {
    Workload {
        writes: fields.value("writes", lab.writes, problems).value,
        concurrency: fields.value("concurrency", lab.concurrency, problems).value,
        keys: fields.value("keys", lab.keys, problems).value,
        pacing: fields.value::<Pacing>("pacing", lab.pacing, problems).value,
    }
}

#[cfg(test)]
mod tests;
