//! The saved runs that a command is about.

use std::path::Path;

use crate::cli::ExperimentSelection;
use crate::config::{ExperimentName, Quorum};
use crate::data::{DataError, DataFolder, RunData};

/// One experiment's runs, by quorum; never empty.
pub(super) struct Saved {
    /// The experiment, by its runs' manifests.
    pub(super) name: ExperimentName,
    /// Where they lie.
    pub(super) folder: DataFolder,
    /// The runs.
    pub(super) runs: Vec<RunData>,
}

impl Saved {
    /// Quorums of the experiment that have no run.
    pub(super) fn missing(&self) -> Vec<Quorum> {
        let there: Vec<Quorum> = self.runs.iter().map(|run| run.manifest.quorum).collect();
        let wanted = self.runs.first().map(|run| run.manifest.config.quorums.clone()).unwrap_or_default();
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

/// Reads every run in one experiment's folder.
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
    Ok(Saved { name, folder, runs })
}
