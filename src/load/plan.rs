//! What a run writes: a pure function of the experiment, the same at every quorum.

use std::iter::repeat_n;

use crate::config::{Pacing, Workload};
use crate::model::WriteId;
use crate::system::PlannedWrite;

/// All writes of a run and their pacing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The writes in the order in which they start.
    pub writes: Vec<PlannedWrite>,
    /// How many may be in flight at once.
    pub concurrency: usize,
    /// When the next one starts.
    pub pacing: Pacing,
}

impl Plan {
    /// The plan of a workload: write i sets key k(i mod keys) to `v<i>`, filled up with dots to
    /// `value_bytes`.
    ///
    /// Only the delays are drawn at random, from the experiment's seed and the write's number.
    #[must_use]
    pub fn new(workload: &Workload) -> Self {
        let keys = u64::from(workload.keys.get());
        let write = |id: u64| {
            let mut value = format!("v{id}");
            value.extend(repeat_n('.', (workload.value_bytes.get() as usize).saturating_sub(value.len())));
            PlannedWrite { id: WriteId::new(id), key: format!("k{}", id % keys), value }
        };
        Self {
            writes: (0..u64::from(workload.writes.get())).map(write).collect(),
            concurrency: workload.concurrency.get() as usize,
            pacing: workload.pacing,
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::config::Experiment;

    #[test]
    fn writes_go_round_the_keys_with_values_of_their_own() {
        let plan = Plan::new(&Experiment::default().workload);
        assert_eq!(plan.writes.len(), 100);
        assert_eq!(plan.concurrency, 10);
        let write = &plan.writes[37];
        assert_eq!((write.id.get(), write.key.as_str(), write.value.as_str()), (37, "k7", "v37"));
        let mut values: Vec<_> = plan.writes.iter().map(|write| &write.value).collect();
        values.sort();
        values.dedup();
        assert_eq!(values.len(), 100);
    }

    #[test]
    fn values_are_filled_up_but_never_cut() {
        let values = |value_bytes: i64| -> Vec<String> {
            let value_bytes = value_bytes.try_into().unwrap();
            let plan = Plan::new(&Workload { value_bytes, ..Workload::default() });
            [1, 12].map(|write| plan.writes[write].value.clone()).to_vec()
        };
        assert_eq!(values(0), ["v1", "v12"]);
        assert_eq!(values(2), ["v1", "v12"]);
        assert_eq!(values(5), ["v1...", "v12.."]);
        assert!(values(65_536).iter().all(|value| value.len() == 65_536));
    }
}
