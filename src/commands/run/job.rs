//! One experiment as it is about to be run: file and command line put together.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};

use crate::cli::{Paths, QuorumSelection, Run};
use crate::cluster::Backend;
use crate::commands::output::note;
use crate::commands::words;
use crate::config::{Config, Experiment, ExperimentName, Quorum, SystemConfig};
use crate::data::{DataFolder, RunData, config_sha256};
use crate::system::{System, system_of};

/// An experiment to run.
pub(super) struct Job {
    /// Its name.
    pub(super) name: ExperimentName,
    /// Its resolved configuration.
    pub(super) experiment: Experiment,
    /// The system that is measured.
    pub(super) system: Arc<dyn System>,
    /// The quorums to run, in this order.
    pub(super) quorums: Vec<Quorum>,
    /// Where its runs go.
    pub(super) data: DataFolder,
    /// Where its report goes.
    pub(super) report: PathBuf,
}

impl Job {
    /// Puts together what the file and the command line say.
    ///
    /// # Errors
    /// When the system cannot take what the command line asks for.
    pub(super) fn new(
        config: &Config,
        name: &ExperimentName,
        experiment: &Experiment,
        paths: &Paths,
        args: &Run,
    ) -> anyhow::Result<Self> {
        let mut experiment = experiment.clone();
        experiment.seed = args.seed.unwrap_or(experiment.seed);
        experiment.backend = args.backend.unwrap_or(experiment.backend);
        let quorums = match &args.quorums {
            QuorumSelection::All => experiment.quorums.clone(),
            QuorumSelection::Some(quorums) => quorums.clone(),
        };
        let planned = Experiment { quorums: quorums.clone(), ..experiment.clone() };
        let system = system_of(&planned).with_context(|| format!("experiment {name}"))?;
        let data = DataFolder::for_experiment(&paths.data, name, &config.default);
        let report = if *name == config.default { paths.report.clone() } else { paths.report.join(name.as_str()) };
        Ok(Self { name: name.clone(), experiment, system, quorums, data, report })
    }

    /// Says what would be run, and how long it would take by theory.
    pub(super) fn describe(&self) -> String {
        let network = &self.experiment.network;
        let mut text = format!(
            "experiment {}: {}; {}; {}; seed {}; backend {}",
            self.name,
            self.experiment.workload.in_words().join(", "),
            self.experiment.in_words().join(", "),
            words::network(&self.experiment),
            self.experiment.seed,
            self.experiment.backend,
        );
        if self.experiment.system != SystemConfig::default() {
            text += &format!("\n  {}", self.experiment.system.in_words());
        }
        for own in network.overrides_in_words() {
            text += &format!("\n  {own}");
        }
        for fault in &self.experiment.faults {
            text += &format!("\n  {fault}");
        }
        for quorum in &self.quorums {
            text += &format!("\n  W={quorum} -> {}", self.data.run(*quorum).display());
        }
        text + &format!("\n  report -> {}", self.report.display())
    }

    /// Warns of quorums that no write can reach: they may be run, to see the refusals.
    pub(super) fn warn_of_impossible(&self) {
        for quorum in self.quorums.iter().filter(|quorum| quorum.get() > self.experiment.followers.get()) {
            let followers = self.experiment.followers;
            note!("W = {quorum} can never be reached by {followers} followers: every write will fail");
        }
    }

    /// Says once more, after the runs, why every write of some failed.
    pub(super) fn tell_impossible(&self) {
        let followers = self.experiment.followers;
        for quorum in self.quorums.iter().filter(|quorum| quorum.get() > followers.get()) {
            note!(
                "W = {quorum}: every write failed, since {followers} followers can never acknowledge one {quorum} \
                 times; a report with other quorums leaves this run out, and deleting {} removes it",
                self.data.run(*quorum).display()
            );
        }
    }

    /// Whether `--resume` may keep the run at this quorum.
    ///
    /// # Errors
    /// When there is one made under other conditions: the two would not be one experiment.
    pub(super) fn keeps(&self, quorum: Quorum, backend: &Backend) -> anyhow::Result<bool> {
        let path = self.data.run(quorum);
        if !path.exists() {
            return Ok(false);
        }
        let earlier = RunData::load(&path)?.manifest;
        let now = config_sha256(&self.experiment)?;
        let differences: Vec<&str> = [
            (earlier.seed != self.experiment.seed, "seed"),
            (earlier.config_sha256 != now, "configuration"),
            (earlier.node_sha256 != backend.node_sha256(), "node binary"),
            (earlier.backend.name != backend.name(), "backend"),
        ]
        .into_iter()
        .filter_map(|(differs, what)| differs.then_some(what))
        .collect();
        if !differences.is_empty() {
            bail!(
                "{}: this run was made with another {}; run without --resume to make all of them anew",
                path.display(),
                differences.join(" and another ")
            );
        }
        Ok(true)
    }
}
