//! `labctl explore`.

mod grid;
mod progress;

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;

use anyhow::{Context, bail};
use serde::Serialize;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use self::progress::ExplorationBar;
use super::output::{note, paths_as_text, say};
use super::signals::Activity;
use super::{select, signals, tables};
use crate::analysis::chance;
use crate::cli::Exit;
use crate::cli::{ExperimentSelection, Explore, Format, Paths};
use crate::config::{Config, refuse_values};
use crate::data::Lock;
use crate::explore::{Point, PointConditions, PointRow, ResultsFile, Work, explore, write_exploration};
use crate::model::SystemName;
use crate::sim::{SimError, can_simulate};
use crate::system::KINDS;

/// What `--format json` prints.
#[derive(Serialize)]
struct Finished<'a> {
    points: &'a [PointRow],
    /// Every file that was written.
    #[serde(serialize_with = "paths_as_text")]
    written: Vec<PathBuf>,
}

/// Simulates the points of the grid that have no results yet, and reports on all of them.
pub(super) async fn run(paths: &Paths, args: &Explore) -> anyhow::Result<Exit> {
    let config = Config::read(&paths.config, &KINDS)?;
    let selection = args.experiment.clone().map(|name| ExperimentSelection::Some(vec![name]));
    let (name, experiment) = select::experiments(&config, selection.as_ref())?[0];
    if !experiment.faults.is_empty() {
        bail!(
            "experiment {name}: explore simulates no faults; choose an experiment without them, or run \
             `labctl run all -e {name} --backend sim --seed N` for each seed"
        );
    }
    if !can_simulate(experiment) {
        bail!(
            "experiment {name}: explore runs in virtual time, and system {} cannot; choose an experiment that measures \
             {}",
            experiment.system,
            SystemName::LABNODE
        );
    }
    let points = grid::grid(name, experiment, args)?.points();
    if points.is_empty() {
        bail!("the grid is empty: every quorum is larger than the number of followers");
    }
    // The file was checked; `--writes` is no part of it.
    if let Some(limit) = points.iter().find_map(|point| refuse_values(&point.experiment.workload)) {
        bail!("experiment {name}: {limit}; set a smaller --writes, or value_bytes in {}", paths.config.display());
    }
    let _lock = Lock::take(&args.out, ".lock")?;
    let activity = Activity::new("stopping the simulations");
    let cancel = signals::cancel_on_signal(activity.clone())?;
    let threads = args.threads.map_or_else(|| available_parallelism().map_or(1, NonZero::get), usize::from);
    let results = ResultsFile::open(&args.out)?;
    let playing = cancel.clone();
    let rows = spawn_blocking(move || play(results, points, threads, &playing)).await.context("exploring")??;
    activity.set("finishing the report");
    let out = args.out.clone();
    let report = spawn_blocking(move || write_exploration(&rows, &out).map(|written| (rows, written)));
    let (rows, written) = report.await.context("rendering the report")??;
    let written: Vec<PathBuf> = [args.out.join("points.csv")].into_iter().chain(written).collect();
    match args.format {
        Format::Json => say!("{}", serde_json::to_string_pretty(&Finished { points: &rows, written })?),
        Format::Text => {
            say!("{}", table(&rows));
            written.iter().for_each(|path| say!("  {}", path.display()));
        }
    }
    if cancel.is_cancelled() {
        return Err(SimError::Interrupted.into());
    }
    Ok(Exit::Success)
}

/// Simulates the missing points and returns the rows of all points, in the grid's order.
fn play(
    mut results: ResultsFile,
    points: Vec<Point>,
    threads: usize,
    cancel: &CancellationToken,
) -> anyhow::Result<Vec<PointRow>> {
    let conditions = points.iter().map(PointConditions::of).collect::<Result<Vec<_>, _>>()?;
    let missing: Vec<Point> = (points.into_iter().zip(&conditions))
        .filter_map(|(point, conditions)| results.find(conditions).is_none().then_some(point))
        .collect();
    let kept = conditions.len() - missing.len();
    if kept > 0 {
        note!("{kept} of {} points are in {} already", conditions.len(), results.path().display());
    }
    let bar = ExplorationBar::new(&missing);
    let work = Work { points: &missing, threads, cancel, run_done: &|point| bar.run_done(point) };
    let played = explore(&work, |point, runs| {
        results.append(PointRow::of(point, &runs)?)?;
        bar.point_done();
        Ok::<_, anyhow::Error>(())
    });
    bar.finish();
    let rows: Vec<PointRow> = conditions.iter().filter_map(|conditions| results.find(conditions)).cloned().collect();
    played.inspect_err(|error| tell_what_is_kept(error, rows.len(), conditions.len(), results.path()))?;
    Ok(rows)
}

fn tell_what_is_kept(error: &anyhow::Error, kept: usize, all: usize, path: &Path) {
    if matches!(error.downcast_ref(), Some(SimError::Interrupted)) {
        note!("{kept} of {all} points are in {}; the same command goes on from there", path.display());
    }
}

/// The main figures of each point.
fn table(rows: &[PointRow]) -> comfy_table::Table {
    let header = [
        "delay",
        "order",
        "links",
        "writes",
        "keys",
        "at once",
        "pacing",
        "N",
        "W",
        "mean ms",
        "predicted",
        "p99 ms",
        "diverged\ncopies",
        "runs with\nany",
        "stale\nat ack",
        "99 % see it\nafter ms",
        "crash loses\na write",
        "failover\nloses",
    ];
    let ms = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.1}"));
    let percent = |share: Option<f64>| share.map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", share * 100.0));
    let row = |PointRow { conditions, figures }: &PointRow| {
        vec![
            conditions.delays_in_words(),
            conditions.order.to_string(),
            conditions.link.to_string(),
            conditions.writes.to_string(),
            conditions.keys.to_string(),
            conditions.concurrency.to_string(),
            conditions.pacing.to_string(),
            conditions.followers.to_string(),
            conditions.quorum.to_string(),
            ms(figures.mean_ms),
            ms(figures.predicted_mean_ms),
            ms(figures.p99_ms),
            format!("{:.2}", figures.diverged),
            percent(chance(figures.diverged_runs, conditions.seeds).map(|(share, _)| share)),
            percent(figures.stale_at_ack),
            ms(figures.t99_ms),
            percent(Some(figures.crash_loses_chance)),
            format!("{:.2}", figures.failover_loses),
        ]
    };
    tables::figures(tables::PLAIN, header, rows.iter().map(row))
}
