//! Which member leads, and when that changed.

use std::sync::Mutex;

use crate::model::{Micros, NodeId, ignore_poison};
use crate::system::session::LeaderChange;

/// Which member leads, as far as it is known.
#[derive(Debug, Default)]
pub(super) struct Leadership(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// The member that leads. `None` if it has to be looked for.
    leader: Option<NodeId>,
    /// The one that led last.
    last: Option<NodeId>,
    /// The newest term of which a member has told.
    term: u64,
    changes: Vec<LeaderChange>,
}

impl Leadership {
    /// The member that leads. `None` if it has to be looked for.
    pub(super) fn leader(&self) -> Option<NodeId> {
        ignore_poison(self.0.lock()).leader
    }

    /// Has the leader looked for, since one did not answer.
    pub(super) fn doubt(&self) {
        ignore_poison(self.0.lock()).leader = None;
    }

    /// Takes note of the term in an answer: a newer one is another leader's.
    pub(super) fn heard(&self, term: u64) {
        let mut known = ignore_poison(self.0.lock());
        if term > known.term {
            known.term = term;
            known.leader = None;
        }
    }

    /// Takes note of who leads in a term. One of an earlier term leads no more, which is false.
    pub(super) fn found(&self, leader: NodeId, term: u64, at_us: Micros) -> bool {
        let mut known = ignore_poison(self.0.lock());
        if term < known.term {
            return false;
        }
        known.term = term;
        known.leader = Some(leader);
        if known.last.replace(leader).is_some_and(|last| last != leader) {
            known.changes.push(LeaderChange { at_us, leader });
        }
        true
    }

    /// Forgets earlier changes: a run begins.
    pub(super) fn begin(&self) {
        ignore_poison(self.0.lock()).changes.clear();
    }

    /// Every change since the run began.
    pub(super) fn changes(&self) -> Vec<LeaderChange> {
        ignore_poison(self.0.lock()).changes.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_term_has_the_leader_looked_for_and_an_older_one_counts_no_more() {
        let (leader, f1) = (NodeId::Leader, NodeId::Follower(0));
        let known = Leadership::default();
        assert!(known.found(leader, 2, Micros::new(1)));
        known.heard(2);
        assert_eq!((known.leader(), known.changes()), (Some(leader), Vec::new()));
        known.heard(3);
        assert_eq!(known.leader(), None);
        assert!(!known.found(leader, 2, Micros::new(5)), "it was frozen, and takes itself for the leader");
        assert!(known.found(f1, 3, Micros::new(7)));
        assert_eq!(
            (known.leader(), known.changes()),
            (Some(f1), vec![LeaderChange { at_us: Micros::new(7), leader: f1 }])
        );
        known.doubt();
        assert!(known.found(f1, 4, Micros::new(9)));
        assert_eq!(known.changes().len(), 1, "the same member, elected again");
        known.begin();
        assert_eq!(known.changes(), []);
    }
}
