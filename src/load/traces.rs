//! Takes traces over during a load that makes more records than a node's trace keeps.

use std::convert::Infallible;
use std::future::pending;

use tokio::sync::watch;

use super::faults::LoadState;
use crate::config::Experiment;
use crate::model::NodeId;
use crate::system::Session;

/// A load of no more copies than this leaves the traces where they are until its end, so that nothing disturbs it: half of what
/// the lab's leader keeps unless it is told otherwise.
const UNDISTURBED_COPIES: u64 = 500_000;
/// After how many more copies the traces are taken over.
const STEP_COPIES: u64 = 25_000;

/// After how many writes each time an experiment's traces are taken over, if they are.
fn step(experiment: &Experiment) -> Option<u64> {
    let followers = u64::from(experiment.followers.get());
    let copies = u64::from(experiment.workload.writes.get()) * followers;
    // The trace of a node that was killed is gone, and the next one's begins with the same numbers.
    let is_taken = experiment.faults.is_empty() && copies > UNDISTURBED_COPIES;
    is_taken.then_some((STEP_COPIES / followers.max(1)).max(1))
}

/// Takes over the traces as the load goes on. It never ends.
pub(super) async fn take(
    session: &dyn Session,
    experiment: &Experiment,
    mut load: watch::Receiver<LoadState>,
) -> Infallible {
    let Some(step) = step(experiment) else { return pending().await };
    let mut next = step;
    loop {
        let Ok(started) = load.wait_for(|state| state.started >= next).await.map(|state| state.started) else {
            return pending().await;
        };
        next = started + step;
        for node in NodeId::all(experiment.followers) {
            // What could not be taken now is still there next time, or is counted as dropped in the end.
            let _ = session.take_trace(node).await;
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::config::Workload;

    #[test]
    fn only_a_load_that_could_fill_a_trace_is_disturbed() {
        let step_of = |writes: i64| {
            let workload = Workload { writes: writes.try_into().unwrap(), ..Workload::default() };
            step(&Experiment { workload, ..Experiment::default() })
        };
        assert_eq!([100, 100_000, 100_001].map(step_of), [None, None, Some(5_000)]);
    }
}
