//! `labctl run`.

mod job;
mod progress;
mod quorum;
mod table;
mod turns;
mod unplanned;

use std::collections::BTreeSet;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;

use anyhow::Context;
use futures_util::{StreamExt as _, stream};
use serde::Serialize;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use self::job::Job;
use self::turns::Turns;
use super::signals::Activity;
use super::{presence, report, select, signals};
use crate::analysis::{RunConsistency, Summary, Verdict};
use crate::cli::Exit;
use crate::cli::{Format, Paths, Run};
use crate::cluster::{Backend, ClusterError};
use crate::commands::descriptors;
use crate::commands::output::{self, note, paths_as_text, say};
use crate::config::{Config, ExperimentName};
use crate::data::{Conditions, DataError, DataFolder, Placement, RunData};
use crate::model::{NodeId, Quorum};
use crate::system::KINDS;

/// What `--format json` prints of an experiment.
#[derive(Serialize)]
struct Finished {
    experiment: ExperimentName,
    /// Which of several rounds.
    #[serde(skip_serializing_if = "Option::is_none")]
    round: Option<u32>,
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
    // In turn: what changes on the machine meanwhile meets all experiments.
    let rounds = (1..=args.rounds).flat_map(|round| selected.iter().map(move |selected| (round, *selected)));
    let jobs = rounds
        .map(|(round, (name, experiment))| Job::new(&config, name, experiment, paths, args, round).map(Arc::new))
        .collect::<anyhow::Result<Vec<_>>>()?;
    jobs.iter().filter(|job| job.round == 1).for_each(|job| job.warn_of_impossible());
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

/// Runs one round of an experiment's quorums, and renders its report after the last.
async fn run_job(
    job: &Arc<Job>,
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
    if !backend.is_virtual_time() {
        let largest = job.quorums.iter().max().map_or_else(|| job.experiment.clone(), |most| job.experiment.at(*most));
        descriptors::check(job.system.as_ref(), &largest, backend.shares_limits())?;
    }
    note!("experiment {}{}, backend {}", job.name, job.of_rounds(), backend.describe());
    let overlap = job.overlap(backend.as_ref())?;
    let conditions = Conditions::new(&job.experiment, backend.name(), backend.node_sha256());
    let mut placement = Placement::survey(&job.data, &job.quorums, &conditions, args.resume)?;
    placement.notes().iter().for_each(|sentence| note!("{sentence}"));
    let mut finished = Finished {
        experiment: job.name.clone(),
        round: (job.rounds > 1).then_some(job.round),
        backend: backend.name(),
        runs: Vec::new(),
        written: Vec::new(),
        expectations_missed: Vec::new(),
    };
    let kept = job.quorums.iter().map(|quorum| Ok(args.resume && job.keeps(*quorum, backend.as_ref())?));
    let kept = kept.collect::<anyhow::Result<Vec<bool>>>()?;
    let turns = Turns::new(overlap);
    activity.set("stopping the nodes");
    // Where a run fails, those before it are saved, and those after it are ended.
    let cancel_rest = cancel.child_token();
    let runs = stream::iter(kept.iter().zip(&job.quorums).enumerate()).map(|(number, (kept, quorum))| {
        let (kept, quorum, turn) = (*kept, *quorum, turns.turn(number));
        let (job, backend, cancel) = (Arc::clone(job), Arc::clone(&backend), cancel_rest.clone());
        // On a thread of its own: saving one run does not hold up another.
        let run = spawn_blocking(move || {
            let run = || quorum::run_quorum(&job, quorum, backend.as_ref(), turn, &cancel);
            if kept { Ok(None) } else { Handle::current().block_on(run()).map(Some) }
        });
        async move { (quorum, run.await.unwrap_or_else(|error| resume_unwind(error.into_panic()))) }
    });
    let mut runs = pin!(runs.buffered(turns.width()));
    let mut failed = None;
    while let Some((quorum, run)) = runs.next().await {
        if failed.is_some() {
            continue;
        }
        activity.set("saving the run");
        let taken = run.and_then(|run| take(job, quorum, run, &mut placement, args.format, &mut finished));
        failed = taken.with_context(|| format!("W = {quorum}")).err();
        if failed.is_some() {
            cancel_rest.cancel();
        }
        activity.set("stopping the nodes");
        turns.is_saved();
    }
    if let Some(error) = failed {
        return Err(error);
    }
    let mut sound = Ok(());
    if job.round == job.rounds {
        activity.set("finishing the report");
        let written;
        (written, sound) = write_report(job, paths).await?;
        finished.written.extend(written);
    }
    if args.format == Format::Text {
        say!("{}", table::table(&finished.runs));
        finished.written.iter().for_each(|path| say!("  {}", path.display()));
    }
    job.tell_impossible(&finished.runs);
    // An interruption during the report has promised to end labctl once it is written.
    if cancel.is_cancelled() {
        return Err(ClusterError::Interrupted.into());
    }
    sound?;
    Ok(finished)
}

/// Saves a run, or loads the one that is kept, and prints its line.
fn take(
    job: &Job,
    quorum: Quorum,
    run: Option<RunData>,
    placement: &mut Placement,
    format: Format,
    finished: &mut Finished,
) -> anyhow::Result<()> {
    let path = job.data.run(quorum);
    let kept = if run.is_none() { "  (kept)" } else { "" };
    let data = match run {
        None => RunData::load(&path)?,
        Some(data) => {
            if let Some(aside) = data.save(&path)? {
                note!("the earlier {} is now {}", path.display(), aside.display());
            }
            for (path, aside) in placement.set_unlike_aside()? {
                note!("{} is now {}", path.display(), aside.display());
            }
            data
        }
    }
    .without_contradicted();
    let (summary, consistency) = (Summary::of(&data), RunConsistency::of(&data));
    if format == Format::Text {
        let is_leader_absent = data.manifest.absent_nodes.contains(&NodeId::Leader);
        say!("{}{kept}", table::line(&summary, consistency.settled.total.pairs(), is_leader_absent));
    }
    let expected = data.manifest.config.expect.consistent_at.contains(&quorum);
    if expected && consistency.verdict != Verdict::Consistent {
        note!("W = {quorum} was expected to end consistent, and did not");
        finished.expectations_missed.push(quorum.get());
    }
    finished.runs.push(summary);
    finished.written.push(path);
    Ok(())
}

/// Renders an experiment's report on a thread where that may take its time: meanwhile signals
/// are answered.
async fn write_report(job: &Job, paths: &Paths) -> anyhow::Result<(Vec<PathBuf>, Result<(), DataError>)> {
    let (name, data, folder, paths) = (job.name.clone(), job.first_round.clone(), job.report.clone(), paths.clone());
    let written = spawn_blocking(move || {
        let saved = report::read(name, data)?;
        saved.tell_left_out();
        let sound = saved.check_sound();
        Ok((report::write(saved, &paths, &folder)?, sound))
    });
    written.await.context("rendering the report")?
}

/// Chooses the backend, and clears up where it runs nodes after a killed labctl.
async fn choose_backend(job: &Job, cancel: &CancellationToken) -> anyhow::Result<Arc<dyn Backend>> {
    let nodes = |quorum: &Quorum| job.system.nodes(&job.experiment.at(*quorum), *quorum);
    let nodes = job.quorums.first().map(nodes).unwrap_or_default();
    let backend = presence::choose_backend(job.system.as_ref(), &job.experiment, &nodes, cancel).await?;
    let (cancel, asked) = (cancel.clone(), Arc::clone(&backend));
    let cleared = spawn_blocking(move || asked.remove_orphans(&cancel)).await.context("removing what is left")??;
    for name in cleared.removed {
        note!("removed {name}, which a labctl that was killed had left behind");
    }
    cleared.left_alone.iter().for_each(|project| note!("left alone {project}"));
    Ok(backend)
}

/// Finds out before a run, not after it, that its report could not be written.
fn check_folder(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)
        .and_then(|()| tempfile::tempfile_in(folder))
        .map(drop)
        .with_context(|| format!("{}: cannot write the report here", folder.display()))
}
