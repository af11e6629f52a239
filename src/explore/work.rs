//! Runs spread over threads; points are handed on in order.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

use tokio_util::sync::CancellationToken;
use tracing::subscriber::{NoSubscriber, with_default};

use super::{Point, RunOutcome};
use crate::sim::SimError;

/// The points to simulate, and how.
pub struct Work<'a> {
    /// The points, in the order in which they are handed on.
    pub points: &'a [Point],
    /// How many runs at a time.
    pub threads: usize,
    /// Stops it.
    pub cancel: &'a CancellationToken,
    /// Called after every run with its point, from any thread.
    pub run_done: &'a (dyn Fn(&Point) + Sync),
}

/// The index of a run's point, the run's number, and its outcome.
type Done = (usize, u64, Result<RunOutcome, SimError>);

/// Simulates every run of every point, and hands the runs of each point to `finished`, ordered by
/// number. The result does not depend on the number of threads.
///
/// # Errors
/// The first failure of a run or of `finished`; [`SimError::Interrupted`] once cancelled.
/// Points that were handed on before are complete.
pub fn explore<E: From<SimError>>(
    work: &Work<'_>,
    mut finished: impl FnMut(&Point, Vec<RunOutcome>) -> Result<(), E>,
) -> Result<(), E> {
    let stop = work.cancel.child_token();
    let next = AtomicU64::new(0);
    let (sender, done) = mpsc::sync_channel::<Done>(work.threads.max(1) * 4);
    thread::scope(|scope| {
        // On every return the threads stop: dropping the guard ends their runs, dropping the
        // receiver ends their sends.
        let _stop_threads = stop.clone().drop_guard();
        let done = done;
        for _ in 0..work.threads.max(1) {
            let (sender, stop, next) = (sender.clone(), &stop, &next);
            scope.spawn(move || with_default(NoSubscriber::new(), || play(work, next, stop, &sender)));
        }
        drop(sender);
        collect(work, done, &mut finished)
    })
}

/// Simulates one run after the other until there are no more, one fails, or the receiver is gone.
fn play(work: &Work<'_>, next: &AtomicU64, stop: &CancellationToken, sender: &mpsc::SyncSender<Done>) {
    while let Some((index, number)) = pick(work.points, next.fetch_add(1, Ordering::Relaxed)) {
        let point = &work.points[index];
        let outcome = RunOutcome::of(point, number, stop);
        (work.run_done)(point);
        let failed = outcome.is_err();
        if sender.send((index, number, outcome)).is_err() || failed {
            return;
        }
    }
}

/// The point's index and the run's number within it, for a number counted over all points.
fn pick(points: &[Point], mut number: u64) -> Option<(usize, u64)> {
    for (index, point) in points.iter().enumerate() {
        match number.checked_sub(point.seeds) {
            Some(beyond) => number = beyond,
            None => return Some((index, number)),
        }
    }
    None
}

/// Gathers the runs of each point and hands points on in order.
fn collect<E: From<SimError>>(
    work: &Work<'_>,
    done: mpsc::Receiver<Done>,
    finished: &mut impl FnMut(&Point, Vec<RunOutcome>) -> Result<(), E>,
) -> Result<(), E> {
    let mut waiting: BTreeMap<usize, BTreeMap<u64, RunOutcome>> = BTreeMap::new();
    let mut points = work.points.iter().enumerate();
    let mut current = points.next();
    for (index, number, outcome) in done {
        waiting.entry(index).or_default().insert(number, outcome?);
        while let Some((index, point)) = current {
            if waiting.get(&index).map_or(0, BTreeMap::len) as u64 != point.seeds {
                break;
            }
            finished(point, waiting.remove(&index).unwrap_or_default().into_values().collect())?;
            current = points.next();
        }
    }
    Ok(())
}
