//! The saved runs that `-e` selects.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;

use super::output::note;
use crate::cli::{ExperimentSelection, Paths};
use crate::config::ExperimentName;
use crate::data::{Conditions, DataError, DataFolder, Manifest, RunData};
use crate::model::Quorum;

/// Contradictions of one run that are printed; of further ones only their number is.
const MAX_PRINTED: usize = 10;

/// One experiment's runs, at least one, by quorum, all made under the same conditions; each as it was read, or as `R`.
pub(super) struct Saved<R = RunData> {
    /// The experiment, as the manifests name it.
    pub(super) name: ExperimentName,
    /// Their folder.
    pub(super) folder: DataFolder,
    /// The runs, without the facts that are contradicted.
    pub(super) runs: Vec<R>,
    /// Runs whose writes or manifest are contradicted: they have no figures.
    pub(super) unsound: Vec<RunData>,
    /// A sentence on each run that is left out because it was made under other conditions.
    pub(super) left_out: Vec<String>,
}

impl<R: AsRef<RunData>> Saved<R> {
    /// All runs, sound or not, by quorum.
    pub(super) fn all_runs(&self) -> Vec<&RunData> {
        let mut all: Vec<&RunData> = self.runs.iter().map(AsRef::as_ref).chain(&self.unsound).collect();
        all.sort_by_key(|run| run.manifest.quorum);
        all
    }

    /// The experiment's quorums that have no run.
    pub(super) fn missing(&self) -> Vec<Quorum> {
        let all = self.all_runs();
        let there: Vec<Quorum> = all.iter().map(|run| run.manifest.quorum).collect();
        let wanted = all.first().map(|run| run.manifest.config.quorums.clone()).unwrap_or_default();
        wanted.into_iter().filter(|quorum| !there.contains(quorum)).collect()
    }

    /// Fails if a quorum of the experiment has no run.
    ///
    /// # Errors
    /// [`DataError::NoRuns`] names the command that makes them.
    pub(super) fn check_complete(&self) -> Result<(), DataError> {
        let missing: Vec<String> = self.missing().iter().map(ToString::to_string).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let (list, argument, name) = (missing.join(", "), missing.join(","), &self.name);
        let (what, command) = (format!("there is no run at W = {list}"), format!("labctl run {argument} -e {name}"));
        Err(DataError::NoRuns { path: self.folder.path().to_owned(), what, command })
    }

    /// Prints on stderr which runs are left out, and the contradictions within each run.
    pub(super) fn tell_left_out(&self) {
        self.left_out.iter().for_each(|sentence| note!("{sentence}"));
        for run in self.all_runs() {
            let path = self.folder.run(run.manifest.quorum);
            for contradiction in run.contradictions.iter().take(MAX_PRINTED) {
                note!("{}/{contradiction}", path.display());
            }
            if let Some(more) = run.contradictions.len().checked_sub(MAX_PRINTED).filter(|more| *more > 0) {
                note!("{}: {more} more contradictions of this kind", path.display());
            }
        }
    }

    /// Fails if the files of some run contradict each other. Such data is refused like damaged
    /// files: no command can complete it.
    ///
    /// # Errors
    /// [`DataError::Contradicted`] names the first contradiction.
    pub(super) fn check_sound(&self) -> Result<(), DataError> {
        let first = self.all_runs().into_iter().find_map(|run| Some((run, run.contradictions.first()?)));
        first.map_or(Ok(()), |(run, first)| {
            let path = self.folder.run(run.manifest.quorum);
            Err(DataError::Contradicted { path, first: Box::new(first.clone()), more: run.contradictions.len() - 1 })
        })
    }
}

/// Adds the user's files and folders to the command that an error names, so that the command makes what this one reads.
pub(super) fn complete_command(mut error: anyhow::Error, paths: &Paths) -> anyhow::Error {
    if let Some(DataError::NoRuns { command, .. }) = error.downcast_mut() {
        let defaults = [("config", &paths.config, "experiments.toml"), ("data", &paths.data, "data")];
        for (flag, path, _) in defaults.into_iter().filter(|(_, path, default)| *path != Path::new(default)) {
            *command += &format!(" --{flag} {}", path.display());
        }
    }
    error
}

/// Reads the runs that `-e` selects; without it, those directly in the data folder.
///
/// # Errors
/// If there are none, or one is damaged.
pub(super) fn load(root: &Path, selection: Option<&ExperimentSelection>) -> Result<Vec<Saved>, DataError> {
    load_as(root, selection, |run| run)
}

/// The same with each run that has sound writes as `keep` makes it of the run, before the next one is read.
///
/// # Errors
/// As [`load`].
pub(super) fn load_as<R: AsRef<RunData>>(
    root: &Path,
    selection: Option<&ExperimentSelection>,
    keep: impl Fn(RunData) -> R,
) -> Result<Vec<Saved<R>>, DataError> {
    let found = DataFolder::experiments(root)?;
    let missing = |what: &str, selection: &str| {
        let (what, command) = (format!("there are no runs{what} here"), format!("labctl run all{selection}"));
        DataError::NoRuns { path: root.to_owned(), what, command }
    };
    let chosen: Vec<_> = match selection {
        None => found.into_iter().filter(|(_, folder)| folder.path() == root).collect(),
        Some(ExperimentSelection::All) => found,
        Some(ExperimentSelection::Some(wanted)) => {
            let of = |name: &ExperimentName| {
                let own: Vec<_> = found.iter().filter(|(found, _)| found == name).cloned().collect();
                if own.is_empty() {
                    Err(missing(&format!(" of experiment {name}"), &format!(" -e {name}")))
                } else {
                    Ok(own)
                }
            };
            wanted.iter().map(of).collect::<Result<Vec<_>, _>>()?.concat()
        }
    };
    if chosen.is_empty() {
        return Err(missing("", if selection.is_none() { "" } else { " -e all" }));
    }
    chosen.into_iter().map(|(name, folder)| read_as(name, folder, &keep)).collect()
}

/// Reads all runs in one experiment's folder, and checks the files of each against each other.
///
/// # Errors
/// If one is damaged, or is not of the experiment and quorum that its folder's name says.
pub(super) fn read(name: ExperimentName, folder: DataFolder) -> Result<Saved, DataError> {
    read_as(name, folder, |run| run)
}

/// The same with each run that has sound writes as `keep` makes it of the run, before the next one is read.
///
/// # Errors
/// As [`read`].
pub(super) fn read_as<R: AsRef<RunData>>(
    name: ExperimentName,
    folder: DataFolder,
    keep: impl Fn(RunData) -> R,
) -> Result<Saved<R>, DataError> {
    let mut runs = Vec::new();
    for (quorum, path) in folder.runs()? {
        let run = RunData::load(&path)?;
        let said = &run.manifest;
        if said.experiment != name || said.quorum != quorum {
            let message = format!(
                "this is W = {} of experiment {}; in this folder it must be W = {quorum} of {name}",
                said.quorum, said.experiment
            );
            return Err(DataError::Invalid { path: path.join("manifest.json"), line: 1, message });
        }
        let run = run.without_contradicted();
        runs.push(if run.has_sound_writes() { Checked::Sound(keep(run)) } else { Checked::Unsound(Box::new(run)) });
    }
    let (all, left_out) = of_one_kind(&folder, runs);
    let (mut runs, mut unsound) = (Vec::new(), Vec::new());
    for run in all {
        match run {
            Checked::Sound(run) => runs.push(run),
            Checked::Unsound(run) => unsound.push(*run),
        }
    }
    Ok(Saved { name, folder, runs, unsound, left_out })
}

/// A run whose files were held against each other.
enum Checked<R> {
    /// Its writes and its manifest are free of contradictions.
    Sound(R),
    /// They are not.
    Unsound(Box<RunData>),
}

impl<R: AsRef<RunData>> AsRef<RunData> for Checked<R> {
    fn as_ref(&self) -> &RunData {
        match self {
            Self::Sound(run) => run.as_ref(),
            Self::Unsound(run) => run,
        }
    }
}

fn manifest(run: &impl AsRef<RunData>) -> &Manifest {
    &run.as_ref().manifest
}

/// The runs that can share a table, and a sentence on the others. They were made under the
/// conditions of the newest run; if no run has a time of day, under those of the most runs.
fn of_one_kind<R: AsRef<RunData>>(folder: &DataFolder, runs: Vec<R>) -> (Vec<R>, Vec<String>) {
    let mut kinds: BTreeMap<Conditions, Vec<R>> = BTreeMap::new();
    for run in runs {
        kinds.entry(Conditions::of(manifest(&run))).or_default().push(run);
    }
    let rank = |runs: &[R]| (runs.iter().filter_map(|run| started(manifest(run))).max(), runs.len());
    let chosen = kinds.iter().max_by_key(|(_, runs)| rank(runs)).map(|(conditions, _)| conditions.clone());
    let Some((conditions, chosen)) = chosen.and_then(|conditions| kinds.remove_entry(&conditions)) else {
        return (Vec::new(), Vec::new());
    };
    let list = |runs: &[R]| runs.iter().map(|run| manifest(run).quorum.to_string()).collect::<Vec<_>>().join(", ");
    let sentence = |(others, runs): (&Conditions, &Vec<R>)| {
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

/// The runs of the further rounds of an experiment, which were made under the conditions of its first.
///
/// # Errors
/// As [`read`].
pub(super) fn rounds<R: AsRef<RunData>>(first: &Saved<R>) -> Result<Vec<RunData>, DataError> {
    let conditions = first.runs.first().map(|run| Conditions::of(manifest(run)));
    let mut rounds = Vec::new();
    for folder in first.folder.rounds()? {
        rounds.extend(read(first.name.clone(), folder)?.runs);
    }
    rounds.retain(|run| Some(Conditions::of(&run.manifest)) == conditions);
    Ok(rounds)
}

fn started(manifest: &Manifest) -> Option<Timestamp> {
    manifest.started.as_deref()?.parse().ok()
}
