//! Why a run could not end but consistent, whatever the delays.

use serde::Serialize;

use crate::config::{Experiment, KeyOrder, Pacing};
use crate::data::{ReplicationOutcome, RunData, WriteOutcome};
use crate::model::{CatchUp, LinkOrder, ReplicationOrder};

/// What keeps older writes from replacing newer ones. One run that matched proves no rule; a
/// mechanism does.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mechanism {
    /// Followers keep the newest version, in whatever order copies arrive.
    Versions,
    /// Links keep copies in order, and every copy arrived.
    OrderedLinks,
    /// Each key is written once.
    WrittenOnce,
    /// The next write to a key starts when the one before is on every follower.
    NoOverlap,
}

impl Mechanism {
    /// The mechanism of a run. `None` if it has none, or if a copy was lost or a node broken and
    /// the leader does not catch followers up.
    #[must_use]
    pub fn of(run: &RunData) -> Option<Self> {
        let Experiment { network, workload, followers, faults, .. } = &run.manifest.config;
        // What keeps one log delivers all of it, or delivers nothing more; no trace has to show that.
        if run.manifest.capabilities().ordered_log && faults.is_empty() {
            return Some(Self::OrderedLinks);
        }
        let is_whole = faults.is_empty() && every_copy_arrived(run);
        if !is_whole && network.catch_up == CatchUp::Off {
            return None;
        }
        let concurrency = workload.concurrency.get();
        // A batch no larger than the number of keys writes none of them twice.
        let is_rotation = workload.key_order == KeyOrder::Rotation;
        let is_spaced =
            concurrency == 1 || (workload.pacing == Pacing::Batch && is_rotation && concurrency <= workload.keys.get());
        let waits_for_all = is_whole
            && run.manifest.quorum.get() == followers.get()
            && run.writes.iter().all(|write| write.outcome == WriteOutcome::Ok);
        if network.order == ReplicationOrder::Version {
            Some(Self::Versions)
        } else if is_whole && run.manifest.config.link_order() == LinkOrder::Ordered {
            Some(Self::OrderedLinks)
        } else if is_rotation && workload.writes.get() <= workload.keys.get() {
            Some(Self::WrittenOnce)
        } else {
            (is_spaced && waits_for_all).then_some(Self::NoOverlap)
        }
    }

    /// The reason, as in "since ...".
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Versions => "followers keep the newest version, in whatever order copies arrive",
            Self::OrderedLinks => "links keep copies in order, so that no older write can arrive after a newer one",
            Self::WrittenOnce => "each key is written once, so that no older write can replace a newer one",
            Self::NoOverlap => "the next write to a key starts only when the one before is on every follower",
        }
    }
}

fn every_copy_arrived(run: &RunData) -> bool {
    let copies = run.writes.len() * run.manifest.config.followers.get() as usize;
    run.replication.len() == copies && run.replication.iter().all(|row| row.outcome == ReplicationOutcome::Acked)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::analysis::fixture::{RunBuilder, right_leader, without_trace};
    use crate::config::Fault;

    fn of(quorum: u32, configure: impl FnOnce(&mut Experiment)) -> Option<Mechanism> {
        Mechanism::of(&RunBuilder::new(quorum).configure(configure).load(right_leader).build())
    }

    #[test]
    fn a_window_of_concurrent_writes_has_none() {
        assert_eq!((1..=5).filter_map(|quorum| of(quorum, |_| {})).count(), 0);
    }

    #[test]
    fn versions_and_keys_written_once_hold_at_every_quorum() {
        assert_eq!(of(1, |config| config.network.order = ReplicationOrder::Version), Some(Mechanism::Versions));
        assert_eq!(of(1, |config| config.workload.keys = 100.try_into().unwrap()), Some(Mechanism::WrittenOnce));
        assert_eq!(of(1, |config| config.workload.keys = 99.try_into().unwrap()), None);
    }

    #[test]
    fn one_ordered_log_lets_no_write_overtake_another_unless_something_was_broken() {
        let mut run = without_trace(RunBuilder::new(1).load(right_leader).build());
        assert_eq!(Mechanism::of(&run), None);
        run.manifest.system.as_mut().unwrap().capabilities.ordered_log = true;
        assert_eq!(Mechanism::of(&run), Some(Mechanism::OrderedLinks));
        let fault: Fault = serde_json::from_str(r#"{"at":3,"node":"f1","kind":"kill"}"#).unwrap();
        run.manifest.config.faults.push(fault);
        assert_eq!(Mechanism::of(&run), None);
    }

    #[test]
    fn ordered_links_hold_at_every_quorum_if_no_copy_was_lost() {
        let ordered = |config: &mut Experiment| config.network.link = Some(LinkOrder::Ordered);
        assert_eq!(of(1, ordered), Some(Mechanism::OrderedLinks));
        let mut run = RunBuilder::new(1).configure(ordered).load(right_leader).build();
        run.replication[7].outcome = ReplicationOutcome::Timeout;
        assert_eq!(Mechanism::of(&run), None);
        // Catching up overtakes what is queued.
        run.manifest.config.network.catch_up = CatchUp::Snapshot;
        assert_eq!(Mechanism::of(&run), None);
    }

    #[test]
    fn a_batch_holds_where_it_waits_for_all_and_writes_no_key_twice() {
        let batch = |keys: i64| {
            move |config: &mut Experiment| {
                config.workload.pacing = Pacing::Batch;
                config.workload.keys = keys.try_into().unwrap();
            }
        };
        assert_eq!(of(5, batch(10)), Some(Mechanism::NoOverlap));
        assert_eq!((of(4, batch(10)), of(5, batch(9))), (None, None));
        assert_eq!(of(5, |config| config.workload.concurrency = 1.try_into().unwrap()), Some(Mechanism::NoOverlap));
    }

    #[test]
    fn a_lost_copy_or_a_fault_leaves_none_unless_followers_are_caught_up() {
        let mut run =
            RunBuilder::new(1).configure(|c| c.network.order = ReplicationOrder::Version).load(right_leader).build();
        let fault: Fault = serde_json::from_str(r#"{"at":3,"node":"f1","kind":"kill"}"#).unwrap();
        run.manifest.config.faults.push(fault);
        assert_eq!(Mechanism::of(&run), None);
        run.manifest.config.network.catch_up = CatchUp::Snapshot;
        assert_eq!(Mechanism::of(&run), Some(Mechanism::Versions));
        run.manifest.config.network.catch_up = CatchUp::Off;
        run.manifest.config.faults.clear();
        run.replication[7].outcome = ReplicationOutcome::Timeout;
        assert_eq!(Mechanism::of(&run), None);
    }
}
