//! Runs spread over threads, points summed up in their order.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

use tokio_util::sync::CancellationToken;
use tracing::subscriber::{NoSubscriber, with_default};

use super::{Point, RunOutcome};
use crate::cluster::ClusterError;

/// How to go about an exploration.
pub struct Work<'a> {
    /// The points, in the order in which they are to come out.
    pub points: &'a [Point],
    /// How many runs at a time.
    pub threads: usize,
    /// Stops it.
    pub cancel: &'a CancellationToken,
    /// Is told of every run of a point that ended, in no particular order.
    pub run_done: &'a (dyn Fn(&Point) + Sync),
}

/// A run's point, its number, and what it came to.
type Done = (usize, u64, Result<RunOutcome, ClusterError>);

/// Plays every run of every point and hands each point's runs, by their numbers, to `finished`,
/// point by point. What it gets does not depend on the number of threads.
///
/// # Errors
/// The first failure of a run or of `finished`; [`ClusterError::Interrupted`] once cancelled.
/// Points that were handed over by then are whole.
pub fn explore<E: From<ClusterError>>(
    work: &Work<'_>,
    mut finished: impl FnMut(&Point, Vec<RunOutcome>) -> Result<(), E>,
) -> Result<(), E> {
    let stop = work.cancel.child_token();
    let next = AtomicU64::new(0);
    let (sender, done) = mpsc::sync_channel::<Done>(work.threads.max(1) * 4);
    thread::scope(|scope| {
        // However this is left, the threads stop: dropping the guard ends their runs, and
        // dropping the receiver their waiting to hand over.
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

/// Plays one run after the other until there are none or nobody wants more.
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

/// The point and the number of a run counted over all points.
fn pick(points: &[Point], mut number: u64) -> Option<(usize, u64)> {
    for (index, point) in points.iter().enumerate() {
        match number.checked_sub(point.seeds) {
            Some(beyond) => number = beyond,
            None => return Some((index, number)),
        }
    }
    None
}

/// Puts runs together to points and hands these on in order.
fn collect<E: From<ClusterError>>(
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
