//! What a run writes: a pure function of the experiment, the same at every quorum.

use std::iter::repeat_n;

use crate::config::{Pacing, Workload};
use crate::model::{Keys, Micros, WriteId};
use crate::system::PlannedWrite;

/// Most connections that are opened before an open loop starts: most loads never have more in flight.
const MAX_WARM_CONNECTIONS: usize = 64;

/// All writes of a run and when they start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The writes in the order in which they start.
    pub writes: Vec<PlannedWrite>,
    /// How many may be in flight at once.
    pub concurrency: usize,
    /// When the next one starts.
    pub schedule: Schedule,
}

/// When the next write starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schedule {
    /// As soon as one ends.
    Window,
    /// Once all of a batch have ended.
    Batch,
    /// At these times from the start of the load, by write, whether or not others have ended.
    Open(Vec<Micros>),
}

impl Plan {
    /// The plan of a workload: write i has the value `v<i>`, filled up with dots to `value_bytes`.
    ///
    /// Keys and times are drawn from the experiment's seed, if they are drawn at all.
    #[must_use]
    pub fn new(workload: &Workload, seed: u64) -> Self {
        let mut keys = Keys::default();
        let write = |(id, key): (u64, u32)| {
            let mut value = format!("v{id}");
            value.extend(repeat_n('.', (workload.value_bytes.get() as usize).saturating_sub(value.len())));
            PlannedWrite { id: WriteId::new(id), key: keys.share(&format!("k{key}")), value }
        };
        Self {
            writes: (0..).zip(workload.key_numbers(seed)).map(write).collect(),
            concurrency: workload.concurrency.get() as usize,
            schedule: match (workload.intended_starts(seed), workload.pacing) {
                (Some(starts), _) => Schedule::Open(starts),
                (None, Pacing::Batch) => Schedule::Batch,
                (None, Pacing::Window | Pacing::Open) => Schedule::Window,
            },
        }
    }

    /// The write that has this value; values are unique to a write.
    #[must_use]
    pub fn write_of(&self, value: &str) -> Option<&PlannedWrite> {
        let id: usize = value.strip_prefix('v')?.trim_end_matches('.').parse().ok()?;
        self.writes.get(id).filter(|write| write.value == value)
    }

    /// How many connections to open before the load.
    pub(super) fn connections(&self) -> usize {
        match self.schedule {
            Schedule::Window | Schedule::Batch => self.concurrency,
            Schedule::Open(_) => self.concurrency.min(MAX_WARM_CONNECTIONS),
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
        let plan = Plan::new(&Experiment::default().workload, 42);
        assert_eq!(plan.writes.len(), 100);
        assert_eq!((plan.concurrency, plan.schedule), (10, Schedule::Window));
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
            let plan = Plan::new(&Workload { value_bytes, ..Workload::default() }, 42);
            [1, 12].map(|write| plan.writes[write].value.clone()).to_vec()
        };
        assert_eq!(values(0), ["v1", "v12"]);
        assert_eq!(values(2), ["v1", "v12"]);
        assert_eq!(values(5), ["v1...", "v12.."]);
        let plan = Plan::new(&Workload { value_bytes: 5.try_into().unwrap(), ..Workload::default() }, 42);
        let found = |value: &str| plan.write_of(value).map(|write| write.id.get());
        assert_eq!(
            [found("v12.."), found("v12"), found("v+12."), found("v100."), found("")],
            [Some(12), None, None, None, None]
        );
        assert!(values(65_536).iter().all(|value| value.len() == 65_536));
    }
}
