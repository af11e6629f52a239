//! `labctl report`.

use std::path::{Path, PathBuf};

use super::output::{note, say};
use super::saved::{self, Saved};
use crate::analysis::Forecast;
use crate::cli::{Exit, Format, Paths, Report};
use crate::config::ExperimentName;
use crate::data::{DataError, DataFolder, Lock, RunData, SCHEMA, WriteOutcome};
use crate::report::{self, AnalysedRun, Extras};

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
    let all = saved::load_as(&paths.data, args.experiment.as_ref(), AnalysedRun::reduced)?;
    all.iter().for_each(Saved::tell_left_out);
    let _lock = lock(paths)?;
    let mut written = Vec::new();
    let sound = all.iter().try_for_each(Saved::check_sound);
    let complete = all.iter().try_for_each(Saved::check_complete);
    for saved in all {
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
    sound?;
    complete?;
    Ok(Exit::Success)
}

/// Reads the runs of an experiment whose report [`write`] renders. Each is analysed before the next one is read.
///
/// # Errors
/// As [`saved::read`].
pub(super) fn read(name: ExperimentName, folder: DataFolder) -> Result<Saved<AnalysedRun<'static>>, DataError> {
    saved::read_as(name, folder, AnalysedRun::reduced)
}

/// Renders one experiment's report, beside the other experiments that have data. Returns its files.
///
/// # Errors
/// If another experiment's data is damaged, no run is sound, or the report cannot be written.
pub(super) fn write(saved: Saved<AnalysedRun<'_>>, paths: &Paths, folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if saved.runs.is_empty() {
        saved.check_sound()?;
    }
    let mut rounds = saved::rounds(&saved)?;
    let Saved { name, runs, unsound: contradicted, left_out, .. } = saved;
    let (runs, impossible) = reachable(runs, AnalysedRun::acknowledged);
    impossible.iter().for_each(|sentence| note!("{sentence}"));
    let notes: Vec<String> =
        left_out.into_iter().chain(unsound(&contradicted)).chain(impossible).chain(lacking(&runs)).collect();
    let others = others(&paths.data, &name)?;
    for other in &others {
        rounds.extend(saved::rounds(other)?);
    }
    let acknowledged = |run: &RunData| run.writes.iter().filter(|row| row.outcome == WriteOutcome::Ok).count() as u64;
    let others: Vec<_> = others.into_iter().map(|saved| (saved.name, reachable(saved.runs, acknowledged).0)).collect();
    let forecasts = forecasts(&runs);
    let extras = Extras { notes: &notes, rounds: &rounds, forecasts: &forecasts };
    Ok(report::render_analysed(runs, &others, extras)?.write(folder)?.paths().map(Path::to_owned).collect())
}

/// What the simulation foresaw of each run, as `labctl run` stored it. Empty if some run has none.
fn forecasts(runs: &[AnalysedRun<'_>]) -> Vec<Forecast> {
    let mut runs: Vec<&RunData> = runs.iter().map(AnalysedRun::run).collect();
    runs.sort_by_key(|run| run.manifest.quorum);
    let stored = runs.iter().map(|run| Some(Forecast::of(run, run.forecast.as_ref()?)));
    stored.collect::<Option<_>>().unwrap_or_default()
}

/// What runs of an older schema lack.
fn lacking(runs: &[AnalysedRun<'_>]) -> Option<String> {
    let manifests = runs.iter().map(|run| &run.run().manifest);
    let old: Vec<String> =
        manifests.filter(|manifest| manifest.schema < SCHEMA).map(|manifest| manifest.quorum.to_string()).collect();
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
fn reachable<R: AsRef<RunData>>(runs: Vec<R>, acknowledged: impl Fn(&R) -> u64) -> (Vec<R>, Vec<String>) {
    let can = |run: &R| {
        let manifest = &run.as_ref().manifest;
        manifest.quorum.get() <= manifest.config.followers.get()
    };
    let (possible, impossible): (Vec<R>, Vec<R>) = runs.into_iter().partition(can);
    if possible.is_empty() {
        return (impossible, Vec::new());
    }
    let sentence = |run: &R| {
        let manifest = &run.as_ref().manifest;
        let (quorum, followers) = (manifest.quorum, manifest.config.followers);
        let never = format!("{followers} followers can never acknowledge a write {quorum} times");
        let though = match acknowledged(run) {
            0 => String::new(),
            some => {
                format!(", though {some} writes were acknowledged: the system waits for fewer, and does not say so")
            }
        };
        format!("W = {quorum} is left out of the report: {never}{though}")
    };
    let sentences = impossible.iter().map(sentence).collect();
    (possible, sentences)
}

/// A sentence on each run that has no figures because its files contradict each other.
fn unsound(runs: &[RunData]) -> impl Iterator<Item = String> {
    runs.iter().map(|run| {
        let first = run.contradictions.first().map(ToString::to_string).unwrap_or_default();
        format!("W = {} is left out: its files contradict each other: {first}", run.manifest.quorum)
    })
}

/// Every other experiment's runs.
fn others(root: &Path, name: &ExperimentName) -> Result<Vec<Saved>, DataError> {
    let read = || {
        let others = DataFolder::experiments(root)?.into_iter().filter(|(other, _)| other != name);
        others.map(|(other, folder)| saved::read(other, folder)).collect::<Result<Vec<_>, _>>()
    };
    let all = match read() {
        Err(DataError::Missing { .. }) => Vec::new(),
        all => all?,
    };
    Ok(all.into_iter().filter(|saved| !saved.runs.is_empty()).collect())
}
