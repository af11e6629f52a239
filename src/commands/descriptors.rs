//! What this machine lets labctl and its nodes have open, and what a run needs.

use rustix::process::{Resource, getrlimit, setrlimit};

use crate::config::Experiment;
use crate::system::System;

/// Standard streams, the runtime, locks, listening sockets, and some to spare.
const BASE: u64 = 64;
/// For each child process: its log, two pipes, and the port that is kept for it while it is down.
const PER_CHILD: u64 = 4;
/// No run needs more; with very many, programs that labctl starts may be slow to start.
const MAX_RAISED: u64 = 65_536;

/// A limit of this machine that a run would meet or has met.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum LimitError {
    /// The hard limit of open files is too low for the run.
    #[error(
        "{who} may need {needed} open files, and the hard limit is {allowed}: raise it (`ulimit -Hn {needed}`, as \
         root) or lower the experiment's `concurrency` or `followers`"
    )]
    TooFew {
        /// The process that needs most.
        who: &'static str,
        /// How many it may need.
        needed: u64,
        /// How many it can have.
        allowed: u64,
    },
    /// A process ran into a limit during a run.
    #[error(
        "{who}: {what}: what failed for that says nothing about the cluster, so the run is not saved; raise the limit \
         or lower the load"
    )]
    Met {
        /// `labctl`, or the node or proxy.
        who: String,
        /// What it was doing and what was lacking.
        what: String,
    },
}

/// Raises labctl's own limit of open files as far as the system lets it; the nodes it starts
/// inherit that. Where it does not work, [`check`] tells.
pub(super) fn raise() {
    let mut limit = getrlimit(Resource::Nofile);
    let raised = limit.maximum.unwrap_or(MAX_RAISED).min(MAX_RAISED);
    limit.current = limit.current.map(|current| current.max(raised));
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!("cannot raise the limit of open files: {error}");
    }
}

/// Refuses a run that may need more open files than a process can have. `with_nodes` where the
/// nodes are labctl's own processes, which have its limit.
///
/// # Errors
/// [`LimitError::TooFew`].
pub(super) fn check(system: &dyn System, experiment: &Experiment, with_nodes: bool) -> Result<(), LimitError> {
    let limit = getrlimit(Resource::Nofile);
    match (needs(system, experiment, with_nodes).into_iter().max_by_key(|(_, needed)| *needed), limit.current) {
        (Some((who, needed)), Some(allowed)) if needed > allowed => Err(LimitError::TooFew { who, needed, allowed }),
        _ => Ok(()),
    }
}

/// What each kind of process may have open at most.
fn needs(system: &dyn System, experiment: &Experiment, with_nodes: bool) -> Vec<(&'static str, u64)> {
    let followers = u64::from(experiment.followers.get());
    let clients = u64::from(experiment.workload.concurrency.get());
    let writes = u64::from(experiment.workload.writes.get());
    let to_a_follower = system.connections_to_a_follower(writes);
    let control = followers + 2;
    if !with_nodes {
        return vec![("labctl", BASE + clients + control)];
    }
    // A proxy in front of each node at most.
    let children = 2 * (followers + 1);
    vec![
        ("labctl", BASE + clients + control + PER_CHILD * children),
        ("the leader", BASE + clients + control + followers * to_a_follower),
        ("a proxy", BASE + 2 * (clients + control).max(to_a_follower)),
    ]
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::system::system_of;

    #[test]
    fn a_leader_needs_a_connection_for_each_client_and_32_for_each_follower() {
        let mut experiment = Experiment::default();
        let system = system_of(&experiment).unwrap();
        experiment.workload.writes = 400.try_into().unwrap();
        experiment.workload.concurrency = 64.try_into().unwrap();
        let of = |experiment: &Experiment, who: &str| {
            needs(system.as_ref(), experiment, true).into_iter().find(|(name, _)| *name == who).unwrap().1
        };
        assert_eq!(of(&experiment, "the leader"), 64 + 64 + 7 + 5 * 33);
        assert_eq!(of(&experiment, "labctl"), 64 + 64 + 7 + 4 * 12);
        assert_eq!(of(&experiment, "a proxy"), 64 + 2 * 71);
        experiment.workload.writes = 8.try_into().unwrap();
        assert_eq!(of(&experiment, "the leader"), 64 + 64 + 7 + 5 * 9);
        assert_eq!(needs(system.as_ref(), &experiment, false), [("labctl", 64 + 64 + 7)]);
    }
}
