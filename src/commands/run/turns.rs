//! Which steps of an experiment's runs may take place at the same time.

use std::num::NonZeroU32;
use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::cluster::ClusterError;

/// What runs may have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overlap {
    /// Nothing: all runs use the same nodes.
    Nothing,
    /// The nodes of a run start while those of the run before it stop. Nothing else goes on while a run is measured.
    Edges,
    /// This many runs may be measured at the same time.
    Runs(NonZeroU32),
}

/// Gives each run its turn, in the order of their numbers. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Turns {
    overlap: Overlap,
    /// How many runs have been measured, or need not be.
    measured: Arc<watch::Sender<usize>>,
    /// How many runs are saved, and their nodes gone.
    saved: Arc<watch::Sender<usize>>,
}

impl Turns {
    pub(super) fn new(overlap: Overlap) -> Self {
        Self { overlap, measured: Arc::default(), saved: Arc::default() }
    }

    /// How many runs may be between their start and the end of their measurement.
    fn jobs(&self) -> usize {
        match self.overlap {
            Overlap::Nothing | Overlap::Edges => 1,
            Overlap::Runs(jobs) => jobs.get() as usize,
        }
    }

    /// How many runs may be on their way: those that are measured, and one that is about to end.
    pub(super) fn width(&self) -> usize {
        match self.overlap {
            Overlap::Nothing => 1,
            Overlap::Edges | Overlap::Runs(_) => self.jobs() + 1,
        }
    }

    /// The turn of a run by its number, from 0 in the order in which runs are saved.
    pub(super) fn turn(&self, number: usize) -> Turn {
        Turn { number, turns: self.clone() }
    }

    /// Takes note that the next run is saved.
    pub(super) fn is_saved(&self) {
        self.saved.send_modify(|saved| *saved += 1);
    }
}

/// The turn of one run, which is dropped once the run has been measured.
#[derive(Debug)]
pub(super) struct Turn {
    number: usize,
    turns: Turns,
}

impl Turn {
    /// Waits until the run's nodes may start: runs start in the order of their numbers, since each waits
    /// for those before it when it is measured.
    ///
    /// # Errors
    /// [`ClusterError::Interrupted`] once `cancel` is cancelled.
    pub(super) async fn may_start(&self, cancel: &CancellationToken) -> Result<(), ClusterError> {
        let mut measured = self.turns.measured.subscribe();
        let jobs = self.turns.jobs();
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(ClusterError::Interrupted),
            // The sender lives as long as this.
            _ = measured.wait_for(|measured| self.number < *measured + jobs) => Ok(()),
        }
    }

    /// Waits until nothing goes on that the run's measurement would feel.
    pub(super) async fn may_measure(&self) {
        if !matches!(self.turns.overlap, Overlap::Runs(_)) {
            // The sender lives as long as this.
            let _ = self.turns.saved.subscribe().wait_for(|saved| *saved >= self.number).await;
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.measured.send_modify(|measured| *measured += 1);
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn may_start(turn: &Turn) -> bool {
        turn.may_start(&CancellationToken::new()).now_or_never().map(Result::unwrap).is_some()
    }

    fn may_measure(turn: &Turn) -> bool {
        turn.may_measure().now_or_never().is_some()
    }

    #[test]
    fn a_run_starts_once_the_one_before_is_measured_and_is_measured_once_that_is_saved() {
        let turns = Turns::new(Overlap::Edges);
        let [first, second] = [0, 1].map(|number| turns.turn(number));
        // Even if it comes first.
        assert!(!may_start(&second));
        assert!(may_start(&first) && may_measure(&first));
        assert!(!may_start(&second));
        drop(first);
        assert!(may_start(&second) && !may_measure(&second));
        turns.is_saved();
        assert!(may_measure(&second));
    }

    #[test]
    fn as_many_runs_are_measured_side_by_side_as_was_said() {
        let turns = Turns::new(Overlap::Runs(2.try_into().unwrap()));
        let [first, second, third, fourth] = [0, 1, 2, 3].map(|number| turns.turn(number));
        assert!(!may_start(&third));
        assert!([&first, &second].into_iter().all(|turn| may_start(turn) && may_measure(turn)));
        drop(second);
        assert!(may_start(&third) && !may_start(&fourth));
        drop(first);
        assert!(may_start(&fourth));
    }

    #[test]
    fn a_run_that_need_not_be_measured_holds_up_none() {
        let turns = Turns::new(Overlap::Edges);
        drop(turns.turn(0));
        assert!(may_start(&turns.turn(1)));
    }

    #[test]
    fn who_waits_for_a_turn_can_be_interrupted() {
        let turns = Turns::new(Overlap::Nothing);
        let cancel = CancellationToken::new();
        cancel.cancel();
        let waited = turns.turn(1).may_start(&cancel).now_or_never();
        assert!(matches!(waited, Some(Err(ClusterError::Interrupted))));
    }
}
