//! The experiments that `-e` selects from experiments.toml.

use anyhow::Context;

use crate::cli::ExperimentSelection;
use crate::config::{Config, Experiment, ExperimentName};

/// The experiments that `-e` selects; without it, the default one.
///
/// # Errors
/// If there is no experiment of that name.
pub(super) fn experiments<'c>(
    config: &'c Config,
    selection: Option<&ExperimentSelection>,
) -> anyhow::Result<Vec<(&'c ExperimentName, &'c Experiment)>> {
    let names = match selection {
        Some(ExperimentSelection::All) => return Ok(config.experiments.iter().collect()),
        Some(ExperimentSelection::Some(names)) => names.as_slice(),
        None => std::slice::from_ref(&config.default),
    };
    let found = |name| {
        config.experiments.get_key_value(name).with_context(|| {
            let names: Vec<&str> = config.experiments.keys().map(ExperimentName::as_str).collect();
            format!("there is no experiment `{name}`; choose one of {}, or `all`", names.join(", "))
        })
    };
    names.iter().map(found).collect()
}
