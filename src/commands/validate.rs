//! `labctl validate`.

use super::output::{self, say};
use super::words;
use crate::cli::Exit;
use crate::cli::Paths;
use crate::config::{Config, Reads, SystemConfig};
use crate::system::KINDS;

/// Reads the configuration and says what is in it.
pub(super) fn validate(paths: &Paths) -> anyhow::Result<Exit> {
    let config = Config::read(&paths.config, &KINDS)?;
    let judgement = match config.warnings.len() {
        0 => "no problems".to_owned(),
        warnings => counted(warnings, "warning"),
    };
    say!("{}: {}, {judgement}", paths.config.display(), counted(config.experiments.len(), "experiment"));
    output::warn(paths, &config.warnings);
    let width = config.experiments.keys().map(|name| name.as_str().len()).max().unwrap_or(0);
    for (name, experiment) in &config.experiments {
        let quorums: Vec<String> = experiment.quorums.iter().map(ToString::to_string).collect();
        let network = &experiment.network;
        say!(
            "  {name:<width$}  W = {} of {}; {}; {}{}",
            quorums.join(", "),
            experiment.in_words().join(", "),
            experiment.workload.in_words().join(", "),
            words::network(experiment),
            if *name == config.default { "; the default" } else { "" },
        );
        if experiment.system != SystemConfig::default() {
            say!("    {}", experiment.system.in_words());
        }
        network.overrides_in_words().iter().for_each(|own| say!("    {own}"));
        if experiment.reads != Reads::default() {
            say!("    {}", experiment.reads);
        }
        experiment.faults.iter().for_each(|fault| say!("    {fault}"));
    }
    Ok(Exit::Success)
}

/// `1 warning`, `2 warnings`.
fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
