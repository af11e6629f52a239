//! How long things take in a cluster of etcd.

use std::time::Duration;

use crate::config::Experiment;
use crate::system::delays::longest_delay;

/// etcd's own default.
const HEARTBEAT: Duration = Duration::from_millis(100);

/// How long things take in a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Timing {
    /// The delay of the links.
    pub(super) delay: Duration,
    /// How often the leader tells that it is there: the time of a round trip, as etcd's guide has it.
    pub(super) heartbeat: Duration,
    /// After how long without a leader a member stands for election: ten round trips.
    pub(super) election: Duration,
}

impl Timing {
    /// Those of an experiment's cluster.
    pub(super) fn of(experiment: &Experiment) -> Self {
        let delay = longest_delay(experiment);
        let heartbeat = delay.max(HEARTBEAT);
        Self { delay, heartbeat, election: heartbeat * 10 }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::config::Network;
    use crate::model::Distribution;

    #[test]
    fn members_wait_longer_for_a_leader_that_is_farther_away() {
        let timing = |delay: &str| {
            let network = Network { delay: delay.parse::<Distribution>().unwrap(), ..Network::default() };
            let Timing { heartbeat, election, .. } = Timing::of(&Experiment { network, ..Experiment::default() });
            (heartbeat.as_millis(), election.as_millis())
        };
        assert_eq!(timing("constant(0)"), (100, 1_000));
        assert_eq!(timing("constant(400)"), (400, 4_000));
    }
}
