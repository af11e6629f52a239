//! `labctl validate`.

use super::output::{self, say};
use crate::cli::Exit;
use crate::cli::Paths;
use crate::config::{CatchUp, Config, Reads};

/// Reads the configuration and says what is in it.
pub(super) fn validate(paths: &Paths) -> anyhow::Result<Exit> {
    let config = Config::read(&paths.config)?;
    let judgement = match config.warnings.len() {
        0 => "no problems".to_owned(),
        1 => "1 warning".to_owned(),
        warnings => format!("{warnings} warnings"),
    };
    say!("{}: {} experiments, {judgement}", paths.config.display(), config.experiments.len());
    output::warn(paths, &config.warnings);
    let width = config.experiments.keys().map(|name| name.as_str().len()).max().unwrap_or(0);
    for (name, experiment) in &config.experiments {
        let quorums: Vec<String> = experiment.quorums.iter().map(ToString::to_string).collect();
        let (network, workload) = (&experiment.network, &experiment.workload);
        say!(
            "  {name:<width$}  W = {} of {} followers; {} writes, {} at a time ({}), {} keys; \
             {}, {} order{}{}",
            quorums.join(", "),
            experiment.followers,
            workload.writes,
            workload.concurrency,
            workload.pacing,
            workload.keys,
            network.common_delays_in_words(),
            network.order,
            if network.catch_up == CatchUp::Snapshot { ", catch-up by snapshot" } else { "" },
            if *name == config.default { "; the default" } else { "" },
        );
        network.overrides_in_words().iter().for_each(|own| say!("    {own}"));
        if experiment.reads != Reads::default() {
            say!("    {}", experiment.reads);
        }
        experiment.faults.iter().for_each(|fault| say!("    {fault}"));
    }
    Ok(Exit::Success)
}
