//! `labctl run`.

mod job;
mod progress;
mod quorum;
mod shared_cluster;
mod table;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use self::job::Job;
use super::orphans::{self, Keep};
use super::signals::Activity;
use super::{presence, report, saved, select, signals};
use crate::analysis::{RunConsistency, Summary, Verdict};
use crate::cli::Exit;
use crate::cli::{Format, Paths, Run};
use crate::cluster::{Backend, ClusterError, Deployment};
use crate::commands::descriptors;
use crate::commands::output::{self, note, paths_as_text, say};
use crate::config::{Config, ExperimentName};
use crate::data::{Conditions, DataError, DataFolder, Placement, RunData};
use crate::system::KINDS;

/// What `--format json` prints of an experiment.
#[derive(Serialize)]
struct Finished {
    experiment: ExperimentName,
    backend: &'static str,
    runs: Vec<Summary>,
    /// Every file and folder that was written.
    #[serde(serialize_with = "paths_as_text")]
    written: Vec<PathBuf>,
    /// Quorums expected to end consistent that did not.
    expectations_missed: Vec<u32>,
}

/// What an interruption finishes while no node runs.
const STARTING: &str = "ending";

/// Runs the selected experiments one after the other.
pub(super) async fn run(paths: &Paths, args: &Run) -> anyhow::Result<Exit> {
    let config = Config::read(&paths.config, &KINDS)?;
    let selected = select::experiments(&config, args.experiment.as_ref())?;
    let names: BTreeSet<&ExperimentName> = selected.iter().map(|(name, _)| *name).collect();
    output::warn(paths, config.warnings.iter().filter(|warning| names.contains(&warning.experiment)));
    let jobs = selected
        .into_iter()
        .map(|(name, experiment)| Job::new(&config, name, experiment, paths, args))
        .collect::<anyhow::Result<Vec<Job>>>()?;
    jobs.iter().for_each(Job::warn_of_impossible);
    if args.dry_run {
        jobs.iter().for_each(|job| say!("{}", job.describe()));
        return Ok(Exit::Success);
    }
    descriptors::raise();
    let _lock = DataFolder::lock(&paths.data)?;
    jobs.iter().try_for_each(|job| check_folder(&job.report))?;
    let _report_lock = report::lock(paths)?;
    let activity = Activity::new(STARTING);
    let cancel = signals::cancel_on_signal(activity.clone())?;
    let mut finished = Vec::new();
    for job in &jobs {
        let done =
            run_job(job, paths, args, &cancel, &activity).await.with_context(|| format!("experiment {}", job.name))?;
        finished.push(done);
    }
    if args.format == Format::Json {
        say!("{}", serde_json::to_string_pretty(&finished)?);
    }
    let missed = finished.iter().any(|done| !done.expectations_missed.is_empty());
    Ok(if missed { Exit::Expectation } else { Exit::Success })
}

/// Runs one experiment's quorums and renders its report.
async fn run_job(
    job: &Job,
    paths: &Paths,
    args: &Run,
    cancel: &CancellationToken,
    activity: &Activity,
) -> anyhow::Result<Finished> {
    activity.set(STARTING);
    for path in job.data.clear_unfinished()? {
        note!("removed {}, a run that a labctl that was killed had not finished", path.display());
    }
    let backend = choose_backend(job, cancel).await?;
    if !matches!(backend, Backend::Sim) {
        descriptors::check(job.system.as_ref(), &job.experiment, matches!(backend, Backend::Process { .. }))?;
    }
    note!("experiment {}, backend {}", job.name, backend.describe());
    let conditions = Conditions::new(&job.experiment, backend.name(), backend.node_sha256());
    let mut placement = Placement::survey(&job.data, &job.quorums, &conditions, args.resume)?;
    placement.notes().iter().for_each(|sentence| note!("{sentence}"));
    let mut finished = Finished {
        experiment: job.name.clone(),
        backend: backend.name(),
        runs: Vec::new(),
        written: Vec::new(),
        expectations_missed: Vec::new(),
    };
    for quorum in &job.quorums {
        let path = job.data.run(*quorum);
        let kept = args.resume && job.keeps(*quorum, &backend)?;
        let data = if kept {
            RunData::load(&path)?
        } else {
            if cancel.is_cancelled() {
                return Err(ClusterError::Interrupted.into());
            }
            activity.set("stopping the nodes");
            let run = quorum::run_quorum(job, *quorum, &backend, cancel);
            let data = run.await.with_context(|| format!("W = {quorum}"))?;
            activity.set("saving the run");
            if let Some(aside) = data.save(&path)? {
                note!("the earlier {} is now {}", path.display(), aside.display());
            }
            for (path, aside) in placement.set_unlike_aside()? {
                note!("{} is now {}", path.display(), aside.display());
            }
            data
        }
        .without_contradicted();
        let summary = Summary::of(&data);
        if args.format == Format::Text {
            say!("{}{}", table::line(&summary), if kept { "  (kept)" } else { "" });
        }
        let expected = data.manifest.config.expect.consistent_at.contains(quorum);
        if expected && RunConsistency::of(&data).verdict != Verdict::Consistent {
            note!("W = {quorum} was expected to end consistent, and did not");
            finished.expectations_missed.push(quorum.get());
        }
        finished.runs.push(summary);
        finished.written.push(path);
    }
    activity.set("finishing the report");
    let (written, sound) = write_report(job, paths).await?;
    finished.written.extend(written);
    if args.format == Format::Text {
        say!("{}", table::table(&finished.runs));
        finished.written.iter().for_each(|path| say!("  {}", path.display()));
    }
    job.tell_impossible();
    // An interruption during the report has promised to end labctl once it is written.
    if cancel.is_cancelled() {
        return Err(ClusterError::Interrupted.into());
    }
    sound?;
    Ok(finished)
}

/// Renders an experiment's report on a thread where that may take its time: meanwhile signals
/// are answered.
async fn write_report(job: &Job, paths: &Paths) -> anyhow::Result<(Vec<PathBuf>, Result<(), DataError>)> {
    let (name, data, folder, paths) = (job.name.clone(), job.data.clone(), job.report.clone(), paths.clone());
    let written = spawn_blocking(move || {
        let saved = saved::read(name, data)?;
        saved.tell_left_out();
        Ok((report::write(&saved, &paths, &folder)?, saved.check_sound()))
    });
    written.await.context("rendering the report")?
}

/// Chooses the backend, on a thread where blocking is welcome, and clears up after a killed labctl.
async fn choose_backend(job: &Job, cancel: &CancellationToken) -> anyhow::Result<Backend> {
    let (choice, cancel) = (job.experiment.backend, cancel.clone());
    let nodes = job.quorums.first().map(|quorum| job.system.nodes(&job.experiment, *quorum)).unwrap_or_default();
    let (containers, experiment) = (job.system.containers(), job.experiment.clone());
    let chosen = spawn_blocking(move || {
        presence::check(&experiment)?;
        orphans::end_processes().iter().for_each(|done| note!("{done}"));
        let backend = Backend::choose(choice, &nodes, containers, &|text| note!("{text}"), &cancel)?;
        if let Backend::Compose(deployment) = &backend {
            let Deployment { docker, folder, .. } = deployment.as_ref();
            let cleared = orphans::remove(docker, folder, Keep::ClusterToPlayWith, &cancel)?;
            for name in cleared.removed {
                note!("removed {name}, which a labctl that was killed had left behind");
            }
            cleared.left_alone.iter().for_each(|project| note!("left alone {project}"));
        }
        Ok::<_, ClusterError>(backend)
    });
    Ok(chosen.await.context("choosing the backend")??)
}

/// Finds out before a run, not after it, that its report could not be written.
fn check_folder(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)
        .and_then(|()| tempfile::tempfile_in(folder))
        .map(drop)
        .with_context(|| format!("{}: cannot write the report here", folder.display()))
}
