//! The experiments that `-e` selects from experiments.toml.

use anyhow::bail;

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
    let name = match selection {
        Some(ExperimentSelection::All) => return Ok(config.experiments.iter().collect()),
        Some(ExperimentSelection::One(name)) => name,
        None => &config.default,
    };
    match config.experiments.get_key_value(name) {
        Some(found) => Ok(vec![found]),
        None => {
            let names: Vec<&str> = config.experiments.keys().map(ExperimentName::as_str).collect();
            bail!("there is no experiment `{name}`; choose one of {}, or `all`", names.join(", "));
        }
    }
}
