//! A whole `experiments.toml`, with every problem in one go.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use toml::Spanned;
use toml::de::DeTable;

use super::experiment::Experiment;
use super::experiment_name::ExperimentName;
use super::kinds::SystemKinds;
use super::problem::{ConfigError, Problem, Warning};
use super::reader::{Fields, Problems, ReadFile, Size};
use super::system::SystemConfig;
use super::system_tables::SystemTables;
use super::workload::{Workload, WriteCount};
use super::{checks, warnings};
use crate::model::{LinkOrder, SystemName};

/// The newest `schema` of `experiments.toml` that this labctl reads.
pub const SCHEMA: i64 = 1;

/// A whole `experiments.toml`.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// What `labctl run all` runs; one of `experiments`.
    pub default: ExperimentName,
    /// Every experiment by its name.
    pub experiments: BTreeMap<ExperimentName, Experiment>,
    /// Every table `[system.NAME]` by its name, also those that no experiment uses.
    pub systems: BTreeMap<SystemName, SystemConfig>,
    /// What cannot have the effect that it seems to have, in the order of the file.
    pub warnings: Vec<Warning>,
}

impl Config {
    /// Reads and validates `path`; `kinds` are the systems that an experiment can measure.
    ///
    /// # Errors
    /// [`ConfigError`] names the file and, for every problem in it, line, column and text.
    pub fn read(path: &Path, kinds: &dyn SystemKinds) -> Result<Self, ConfigError> {
        let bytes = fs::read(path).map_err(|source| ConfigError::Read { path: path.into(), source })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let (at, text) = (error.utf8_error().valid_up_to(), String::from_utf8_lossy(error.as_bytes()).into_owned());
            let problems = vec![Problem::at(&text, at..at, "the file must be UTF-8 text, and from here on it is not")];
            ConfigError::Invalid { path: path.into(), problems }
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut config = parse(&text, &|name| fs::read_to_string(folder.join(name)), kinds)
            .map_err(|problems| ConfigError::Invalid { path: path.into(), problems })?;
        let measured = config.experiments.values_mut().map(|experiment| &mut experiment.system);
        config.systems.values_mut().chain(measured).for_each(|system| system.settings.set_file(path));
        Ok(config)
    }
}

/// Parses the text of an `experiments.toml`. Files that it names are read with `read_file`; `kinds` are the systems that
/// an experiment can measure.
///
/// # Errors
/// Every problem of the file, in its order; the list is never empty.
pub fn parse(input: &str, read_file: ReadFile<'_>, kinds: &dyn SystemKinds) -> Result<Config, Vec<Problem>> {
    let root = DeTable::parse(input)
        .map_err(|error| vec![Problem::at(input, error.span().unwrap_or(0..0), error.message().replace('\n', ", "))])?;
    let mut problems = Problems::new(input, read_file);
    let config = read_config(root, kinds, &mut problems);
    problems.found.sort_by_key(|problem| (problem.line, problem.column));
    match config {
        Some(config) if problems.found.is_empty() => {
            problems.warnings.sort_by_key(|warning| (warning.problem.line, warning.problem.column));
            Ok(Config { warnings: problems.warnings, ..config })
        }
        _ => Err(problems.found),
    }
}

fn read_config(root: Spanned<DeTable<'_>>, kinds: &dyn SystemKinds, problems: &mut Problems<'_>) -> Option<Config> {
    let lab = Experiment::default();
    let size = Size { followers: lab.followers, writes: lab.workload.writes.get() };
    let mut fields = Fields::root(root, size);
    let schema = fields.located("schema", SCHEMA, problems);
    if schema.good && schema.value != SCHEMA {
        problems.add(
            schema.span,
            format!("schema must be {SCHEMA}, not {}; a newer file needs a newer labctl", schema.value),
        );
    }
    let default = fields.optional::<ExperimentName>("default", problems);
    let systems = SystemTables::read(&mut fields, kinds, problems);
    let experiments = read_experiments(&mut fields, &systems, problems);
    fields.finish(problems);
    let names: Vec<&str> = experiments.keys().map(ExperimentName::as_str).collect();
    if names.is_empty() && problems.found.is_empty() {
        problems.add(0..0, "the file has no experiment; start one with [experiment.NAME]");
    }
    match default.value {
        Some(name) if experiments.contains_key(&name) => {
            Some(Config { default: name, experiments, systems: systems.tables, warnings: Vec::new() })
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

fn read_experiments(
    fields: &mut Fields<'_>,
    systems: &SystemTables<'_>,
    problems: &mut Problems<'_>,
) -> BTreeMap<ExperimentName, Experiment> {
    let mut experiments = BTreeMap::new();
    let mut tables = fields.table("experiment", problems);
    for (key, value) in std::mem::take(&mut tables.table) {
        match ExperimentName::try_from(key.get_ref().to_string()) {
            Ok(name) => {
                let mut table = tables.nested(value, format!("experiment.{name}."), problems);
                let experiment = read_experiment(&name, &mut table, systems, problems);
                experiments.insert(name, experiment);
                table.finish(problems);
            }
            Err(message) => problems.add(key.span(), message),
        }
    }
    experiments
}

fn read_experiment(
    name: &ExperimentName,
    fields: &mut Fields<'_>,
    systems: &SystemTables<'_>,
    problems: &mut Problems<'_>,
) -> Experiment {
    let Size { followers, writes } = fields.size;
    fields.size = Size {
        followers: fields.peek(&["followers"]).unwrap_or(followers),
        writes: fields.peek(&["workload", "writes"]).map_or(writes, WriteCount::get),
    };
    let system = systems.choose(fields, problems);
    let mut default = Experiment { system: system.clone().unwrap_or_default(), ..Experiment::default() };
    if systems.has_followers_by_quorum(&default.system) && !fields.has("followers") {
        default = default.with_followers_by_quorum(fields.peek(&["quorums"]));
        fields.size.followers = default.followers;
    }
    default.workload = Workload::with_pacing(fields.peek(&["workload", "pacing"]));
    let mut experiment = Experiment::read_from(fields, default, problems);
    checks::check(&fields.path, &experiment, problems);
    experiment.workload = experiment.workload.resolved();
    let capabilities = system.and_then(|_| systems.check(&fields.path, &experiment, problems));
    warnings::check(name, &fields.path, &experiment, capabilities, problems);
    // A system that delays each copy itself, by its own variables, lets them overtake as the lab's node does.
    if experiment.system != SystemConfig::default() && capabilities.is_some_and(|known| known.own_delays) {
        experiment.network.link.get_or_insert(LinkOrder::Independent);
    }
    experiment
}

#[cfg(test)]
mod tests;
