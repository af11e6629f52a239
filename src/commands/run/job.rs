//! One experiment as it is about to be run: file and command line put together.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};

use super::turns::Overlap;
use crate::analysis::Summary;
use crate::cli::{Paths, QuorumSelection, Run};
use crate::cluster::Backend;
use crate::commands::output::note;
use crate::commands::words;
use crate::config::{Config, Experiment, ExperimentName, SystemConfig};
use crate::data::{DataFolder, RunData, config_sha256};
use crate::model::{Followers, Quorum};
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
    /// How many of them may be measured side by side. `None` for one after the other.
    pub(super) jobs: Option<NonZeroU32>,
    /// Which of its rounds this is, from 1.
    pub(super) round: u32,
    /// How often it is run.
    pub(super) rounds: u32,
    /// Where the runs of its first round go.
    pub(super) first_round: DataFolder,
    /// Where the runs of this round go.
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
        round: u32,
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
        let first_round = DataFolder::for_experiment(&paths.data, name, &config.default);
        let data = first_round.round(round);
        let rounds = args.rounds;
        let report = if *name == config.default { paths.report.clone() } else { paths.report.join(name.as_str()) };
        Ok(Self {
            name: name.clone(),
            experiment,
            system,
            quorums,
            jobs: args.jobs,
            round,
            rounds,
            first_round,
            data,
            report,
        })
    }

    /// Says what would be run, and how long it would take by theory.
    pub(super) fn describe(&self) -> String {
        let network = &self.experiment.network;
        let mut text = format!(
            "experiment {}{}: {}; {}; {}; seed {}; backend {}",
            self.name,
            self.of_rounds(),
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

    /// What its runs may have in common on this backend.
    ///
    /// # Errors
    /// When more runs at a time were asked for than the nodes allow.
    pub(super) fn overlap(&self, backend: &dyn Backend) -> anyhow::Result<Overlap> {
        match (self.jobs, backend.only_one_at_a_time()) {
            (Some(jobs), Some(why)) if jobs.get() > 1 => {
                bail!("--jobs {jobs}: {why}; without --jobs one run follows the other")
            }
            (_, Some(_)) => Ok(Overlap::Nothing),
            (Some(jobs), None) if jobs.get() > 1 => Ok(Overlap::Runs(jobs)),
            (_, None) => Ok(Overlap::Edges),
        }
    }

    /// `, round 2 of 3`; nothing of one round.
    pub(super) fn of_rounds(&self) -> String {
        if self.rounds > 1 { format!(", round {} of {}", self.round, self.rounds) } else { String::new() }
    }

    /// Warns of quorums that no write can reach: they may be run, to see the refusals.
    pub(super) fn warn_of_impossible(&self) {
        for (quorum, followers) in self.impossible() {
            note!("W = {quorum} can never be reached by {followers} followers: every write should fail");
        }
    }

    /// Says once more, after the runs, why every write of some failed, or that they should have.
    pub(super) fn tell_impossible(&self, runs: &[Summary]) {
        for (quorum, followers) in self.impossible() {
            let Some((_, run)) = self.quorums.iter().zip(runs).find(|(other, _)| **other == quorum) else { continue };
            let never = format!("{followers} followers can never acknowledge one {quorum} times");
            let what = match run.n {
                0 => format!("every write failed, since {never}"),
                n => format!(
                    "{n} writes were acknowledged, though {never}: the system waits for fewer, and does not say so"
                ),
            };
            note!(
                "W = {quorum}: {what}; a report with other quorums leaves this run out, and deleting {} removes it",
                self.data.run(quorum).display()
            );
        }
    }

    /// Quorums that no write can reach, and the number of followers that are too few for each.
    fn impossible(&self) -> impl Iterator<Item = (Quorum, Followers)> {
        let runs = self.quorums.iter().map(|quorum| (*quorum, self.experiment.at(*quorum).followers));
        runs.filter(|(quorum, followers)| quorum.get() > followers.get())
    }

    /// Whether `--resume` may keep the run at this quorum.
    ///
    /// # Errors
    /// When there is one made under other conditions: the two would not be one experiment.
    pub(super) fn keeps(&self, quorum: Quorum, backend: &dyn Backend) -> anyhow::Result<bool> {
        let path = self.data.run(quorum);
        if !path.exists() {
            return Ok(false);
        }
        let earlier = RunData::load(&path)?.manifest;
        let now = config_sha256(&self.experiment.at(quorum))?;
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
