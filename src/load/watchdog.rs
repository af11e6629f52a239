//! Notices that the leader has stopped answering, so that a long load does not run into its
//! time limits write by write.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::config::{Experiment, Fault, FaultKind};
use crate::data::{WriteOutcome, WriteRow};
use crate::model::Quorum;

/// The fewest unanswered writes in a row that abort a run: fewer may be a coincidence.
const MIN_UNANSWERED: u64 = 20;

/// Counts writes without an answer in a row.
#[derive(Debug)]
pub(super) struct LeaderWatchdog {
    in_a_row: AtomicU64,
    /// Unanswered writes in a row that abort the run. `None` if the experiment may leave writes without an answer on purpose.
    limit: Option<u64>,
}

impl LeaderWatchdog {
    /// A watchdog that aborts the run after twice as many writes as may be in flight at once. Not where a fault takes the leader
    /// away, or a follower, or where W is more than the followers: a leader may wait for an acknowledgement that cannot come.
    pub(super) fn of(experiment: &Experiment) -> Self {
        let takes_away = |fault: &Fault| fault.node.is_leader() || !matches!(fault.kind, FaultKind::Slow(_));
        let is_out_of_reach = |quorum: &Quorum| quorum.get() > experiment.followers.get();
        let planned = experiment.faults.iter().any(takes_away) || experiment.quorums.iter().any(is_out_of_reach);
        let limit = u64::from(experiment.workload.concurrency.get()) * 2;
        Self { in_a_row: AtomicU64::new(0), limit: (!planned).then_some(limit.max(MIN_UNANSWERED)) }
    }

    /// Takes note of a write's end; says how many had no answer when that are too many.
    pub(super) fn after(&self, row: &WriteRow) -> Option<u64> {
        if row.outcome != WriteOutcome::Unknown {
            self.in_a_row.store(0, Ordering::Relaxed);
            return None;
        }
        let in_a_row = self.in_a_row.fetch_add(1, Ordering::Relaxed) + 1;
        self.limit.filter(|limit| in_a_row >= *limit).map(|_| in_a_row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Kill, Trigger};
    use crate::model::{Micros, NodeId, TimeSpan, WriteId};

    fn row(outcome: WriteOutcome) -> WriteRow {
        let (key, value) = ("k0".into(), "v0".to_owned());
        let (http_status, version, acks, error) = (None, None, None, None);
        WriteRow {
            write: WriteId::new(0),
            key,
            value,
            start_us: Micros::ZERO,
            latency_us: TimeSpan::ZERO,
            outcome,
            http_status,
            version,
            acks,
            error,
            sent_us: None,
        }
    }

    #[test]
    fn only_writes_without_an_answer_in_a_row_count() {
        let watchdog = LeaderWatchdog::of(&Experiment::default());
        for _ in 0..3 {
            assert!((0..19).all(|_| watchdog.after(&row(WriteOutcome::Unknown)).is_none()));
            assert_eq!(watchdog.after(&row(WriteOutcome::Failed)), None);
        }
        assert!((0..19).all(|_| watchdog.after(&row(WriteOutcome::Unknown)).is_none()));
        assert_eq!(watchdog.after(&row(WriteOutcome::Unknown)), Some(20));
    }

    #[test]
    fn a_leader_that_does_not_answer_on_purpose_is_no_surprise() {
        let fault = |node| Fault { at: Trigger::Write(1), node, kind: FaultKind::Kill(Kill {}), until: None };
        let faulty = |node| Experiment { faults: vec![fault(node)], ..Experiment::default() };
        let out_of_reach = Experiment { quorums: vec![Quorum::constant(6)], ..Experiment::default() };
        for experiment in [faulty(NodeId::Leader), faulty(NodeId::Follower(0)), out_of_reach] {
            let watchdog = LeaderWatchdog::of(&experiment);
            assert!((0..1_000).all(|_| watchdog.after(&row(WriteOutcome::Unknown)).is_none()), "{experiment:?}");
        }
    }
}
