//! `labctl report`.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::output::{note, say};
use super::saved::{self, Saved};
use crate::analysis::Forecast;
use crate::cli::{Exit, ExperimentSelection, Format, Paths, Report};
use crate::config::ExperimentName;
use crate::data::{DataError, Lock, RunData, SCHEMA, WriteOutcome};
use crate::report::{self, Extras};

/// The lock of a folder of reports. A data folder has another one, since both may be the same folder.
const LOCK: &str = ".report.lock";

/// Creates the folder of the reports and takes its lock, so that two labctl never write one report.
///
/// # Errors
/// [`DataError::Locked`] names who holds it.
pub(super) fn lock(paths: &Paths) -> Result<Lock, DataError> {
    Lock::take(&paths.report, LOCK)
}

/// Renders the selected experiments' reports from the saved data.
pub(super) fn report(paths: &Paths, args: &Report) -> anyhow::Result<Exit> {
    let all = saved::load(&paths.data, args.experiment.as_ref())?;
    all.iter().for_each(Saved::tell_left_out);
    let _lock = lock(paths)?;
    let mut written = Vec::new();
    for saved in &all {
        let is_default = saved.folder.path() == paths.data;
        let folder = if is_default { paths.report.clone() } else { paths.report.join(saved.name.as_str()) };
        written.extend(write(saved, paths, &folder)?);
    }
    match args.format {
        Format::Json => {
            let written: Vec<_> = written.iter().map(|path| path.to_string_lossy()).collect();
            say!("{}", serde_json::to_string_pretty(&written)?);
        }
        Format::Text => written.iter().for_each(|path| say!("{}", path.display())),
    }
    all.iter().try_for_each(Saved::check_sound)?;
    all.iter().try_for_each(Saved::check_complete)?;
    Ok(Exit::Success)
}

/// Renders one experiment's report, beside the other experiments that have data. Returns its files.
///
/// # Errors
/// If another experiment's data is damaged, no run is sound, or the report cannot be written.
pub(super) fn write(saved: &Saved, paths: &Paths, folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let (runs, impossible) = reachable(&saved.runs);
    impossible.iter().for_each(|sentence| note!("{sentence}"));
    if runs.is_empty() {
        saved.check_sound()?;
    }
    let notes: Vec<String> =
        saved.left_out.iter().cloned().chain(unsound(saved)).chain(impossible).chain(lacking(&runs)).collect();
    let others = others(&paths.data, &saved.name)?;
    let mut rounds = saved::rounds(saved)?;
    for other in &others {
        rounds.extend(saved::rounds(other)?);
    }
    let others: Vec<_> = others.into_iter().map(|saved| (saved.name, reachable(&saved.runs).0.into_owned())).collect();
    let extras = Extras { notes: &notes, rounds: &rounds, forecasts: &forecasts(&runs) };
    Ok(report::render_with(&runs, &others, extras)?.write(folder)?.paths().map(Path::to_owned).collect())
}

/// What the simulation foresaw of each run, as `labctl run` stored it. Empty if some run has none.
fn forecasts(runs: &[RunData]) -> Vec<Forecast> {
    let mut runs: Vec<&RunData> = runs.iter().collect();
    runs.sort_by_key(|run| run.manifest.quorum);
    let stored = runs.iter().map(|run| Some(Forecast::of(run, run.forecast.as_ref()?)));
    stored.collect::<Option<_>>().unwrap_or_default()
}

/// What runs of an older schema lack.
fn lacking(runs: &[RunData]) -> Option<String> {
    let old: Vec<String> =
        runs.iter().filter(|run| run.manifest.schema < SCHEMA).map(|run| run.manifest.quorum.to_string()).collect();
    (!old.is_empty()).then(|| {
        format!(
            "W = {}: saved by an older labctl (schema 1), which stored neither the version of what was measured nor \
             what the simulation foresaw",
            old.join(", ")
        )
    })
}

/// The runs whose quorum can be reached, and a sentence on each of the others. If none can, all
/// runs.
fn reachable(runs: &[RunData]) -> (Cow<'_, [RunData]>, Vec<String>) {
    let can = |run: &&RunData| run.manifest.quorum.get() <= run.manifest.config.followers.get();
    let (possible, impossible): (Vec<&RunData>, Vec<&RunData>) = runs.iter().partition(can);
    if possible.is_empty() || impossible.is_empty() {
        return (Cow::Borrowed(runs), Vec::new());
    }
    let sentence = |run: &&RunData| {
        let manifest = &run.manifest;
        let (quorum, followers) = (manifest.quorum, manifest.config.followers);
        let never = format!("{followers} followers can never acknowledge a write {quorum} times");
        let acknowledged = run.writes.iter().filter(|row| row.outcome == WriteOutcome::Ok).count();
        let though = match acknowledged {
            0 => String::new(),
            some => {
                format!(", though {some} writes were acknowledged: the system waits for fewer, and does not say so")
            }
        };
        format!("W = {quorum} is left out of the report: {never}{though}")
    };
    (possible.into_iter().cloned().collect(), impossible.iter().map(sentence).collect())
}

/// A sentence on each run that has no figures because its files contradict each other.
fn unsound(saved: &Saved) -> impl Iterator<Item = String> {
    saved.unsound.iter().map(|run| {
        let first = run.contradictions.first().map(ToString::to_string).unwrap_or_default();
        format!("W = {} is left out: its files contradict each other: {first}", run.manifest.quorum)
    })
}

/// Every other experiment's runs.
fn others(root: &Path, name: &ExperimentName) -> Result<Vec<Saved>, DataError> {
    let all = match saved::load(root, Some(&ExperimentSelection::All)) {
        Err(DataError::Missing { .. }) => Vec::new(),
        all => all?,
    };
    Ok(all.into_iter().filter(|saved| saved.name != *name && !saved.runs.is_empty()).collect())
}
