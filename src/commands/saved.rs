//! The saved runs that a command is about.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;

use super::output::note;
use crate::cli::ExperimentSelection;
use crate::config::{ExperimentName, Quorum};
use crate::data::{Conditions, DataError, DataFolder, Manifest, RunData};

/// Most contradictions of a run that are told one by one on a terminal.
const MOST_TOLD: usize = 10;

/// One experiment's runs, by quorum, all made under the same conditions; never without a run.
pub(super) struct Saved {
    /// The experiment, by its runs' manifests.
    pub(super) name: ExperimentName,
    /// Where they lie.
    pub(super) folder: DataFolder,
    /// The runs, without what their files contradict each other in.
    pub(super) runs: Vec<RunData>,
    /// Runs whose writes or manifest are contradicted, so that no figure can be given.
    pub(super) unsound: Vec<RunData>,
    /// Runs that are left out because they were made under other conditions, a sentence each.
    pub(super) left_out: Vec<String>,
}

impl Saved {
    /// Every run, sound or not, by quorum.
    pub(super) fn all_runs(&self) -> Vec<&RunData> {
        let mut all: Vec<&RunData> = self.runs.iter().chain(&self.unsound).collect();
        all.sort_by_key(|run| run.manifest.quorum);
        all
    }

    /// Quorums of the experiment that have no run.
    pub(super) fn missing(&self) -> Vec<Quorum> {
        let all = self.all_runs();
        let there: Vec<Quorum> = all.iter().map(|run| run.manifest.quorum).collect();
        let wanted = all.first().map(|run| run.manifest.config.quorums.clone()).unwrap_or_default();
        wanted.into_iter().filter(|quorum| !there.contains(quorum)).collect()
    }

    /// That some quorums have no run, as an error; nothing where all are there.
    ///
    /// # Errors
    /// [`DataError::Missing`] with the command that makes them.
    pub(super) fn check_complete(&self) -> Result<(), DataError> {
        let missing: Vec<String> = self.missing().iter().map(ToString::to_string).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let (list, argument, name) = (missing.join(", "), missing.join(","), &self.name);
        let what = format!("there is no run at W = {list}; `labctl run {argument} -e {name}` makes what is missing");
        Err(DataError::Missing { path: self.folder.path().to_owned(), what })
    }

    /// Tells on stderr which runs are left out, and what the files of a run contradict each other in.
    pub(super) fn tell_left_out(&self) {
        self.left_out.iter().for_each(|sentence| note!("{sentence}"));
        for run in self.all_runs() {
            let path = self.folder.run(run.manifest.quorum);
            for contradiction in run.contradictions.iter().take(MOST_TOLD) {
                note!("{}/{contradiction}", path.display());
            }
            if let Some(more) = run.contradictions.len().checked_sub(MOST_TOLD).filter(|more| *more > 0) {
                note!("{}: {more} more contradictions of this kind", path.display());
            }
        }
    }

    /// That the files of some run contradict each other, as an error. The data are wrong then, and
    /// no command can complete them: they are refused as damaged files are.
    ///
    /// # Errors
    /// [`DataError::Contradicted`] with the first contradiction.
    pub(super) fn check_sound(&self) -> Result<(), DataError> {
        let first = self.all_runs().into_iter().find_map(|run| Some((run, run.contradictions.first()?)));
        first.map_or(Ok(()), |(run, first)| {
            let path = self.folder.run(run.manifest.quorum);
            Err(DataError::Contradicted { path, first: Box::new(first.clone()), more: run.contradictions.len() - 1 })
        })
    }
}

/// Reads the runs that `-e` names: those directly in the data folder without it.
///
/// # Errors
/// When there are none, or when one is damaged.
pub(super) fn load(root: &Path, selection: Option<&ExperimentSelection>) -> Result<Vec<Saved>, DataError> {
    let found = DataFolder::experiments(root)?;
    let chosen: Vec<_> = match selection {
        None => found.into_iter().filter(|(_, folder)| folder.path() == root).collect(),
        Some(ExperimentSelection::All) => found,
        Some(ExperimentSelection::One(wanted)) => found.into_iter().filter(|(name, _)| name == wanted).collect(),
    };
    if chosen.is_empty() {
        let what = match selection {
            None => "there are no runs here; `labctl run all` makes them".to_owned(),
            Some(ExperimentSelection::All) => "there are no runs here; `labctl run all -e all` makes them".to_owned(),
            Some(ExperimentSelection::One(name)) => {
                format!("there are no runs of experiment {name} here; `labctl run all -e {name}` makes them")
            }
        };
        return Err(DataError::Missing { path: root.to_owned(), what });
    }
    chosen.into_iter().map(|(name, folder)| read(name, folder)).collect()
}

/// Reads every run in one experiment's folder, and holds the files of each against each other.
///
/// # Errors
/// When one is damaged, or belongs to another experiment or quorum than its place says.
pub(super) fn read(name: ExperimentName, folder: DataFolder) -> Result<Saved, DataError> {
    let mut runs = Vec::new();
    for (quorum, path) in folder.runs()? {
        let run = RunData::load(&path)?;
        let said = &run.manifest;
        if said.experiment != name || said.quorum != quorum {
            let message = format!(
                "this is W = {} of experiment {}, in the place of W = {quorum} of {name}",
                said.quorum, said.experiment
            );
            return Err(DataError::Invalid { path: path.join("manifest.json"), line: 1, message });
        }
        runs.push(run);
    }
    let (runs, left_out) = of_one_kind(&folder, runs);
    let checked = runs.into_iter().map(RunData::without_contradicted);
    let (runs, unsound) = checked.partition(RunData::has_sound_writes);
    Ok(Saved { name, folder, runs, unsound, left_out })
}

/// The runs that can stand in one table: those that were made under the conditions of the newest,
/// or, where no run has a time of day, under those of the most. Names the others.
fn of_one_kind(folder: &DataFolder, runs: Vec<RunData>) -> (Vec<RunData>, Vec<String>) {
    let mut kinds: BTreeMap<Conditions, Vec<RunData>> = BTreeMap::new();
    for run in runs {
        kinds.entry(Conditions::of(&run.manifest)).or_default().push(run);
    }
    let rank = |runs: &[RunData]| (runs.iter().filter_map(|run| started(&run.manifest)).max(), runs.len());
    let chosen = kinds.iter().max_by_key(|(_, runs)| rank(runs)).map(|(conditions, _)| conditions.clone());
    let Some((conditions, chosen)) = chosen.and_then(|conditions| kinds.remove_entry(&conditions)) else {
        return (Vec::new(), Vec::new());
    };
    let list = |runs: &[RunData]| runs.iter().map(|run| run.manifest.quorum.to_string()).collect::<Vec<_>>().join(", ");
    let sentence = |(others, runs): (&Conditions, &Vec<RunData>)| {
        format!(
            "In {} W = {} {} left out: made under other conditions than W = {} ({})",
            folder.path().display(),
            list(runs),
            if runs.len() == 1 { "is" } else { "are" },
            list(&chosen),
            others.difference(&conditions)
        )
    };
    let left_out = kinds.iter().map(sentence).collect();
    (chosen, left_out)
}

fn started(manifest: &Manifest) -> Option<Timestamp> {
    manifest.started.as_deref()?.parse().ok()
}
