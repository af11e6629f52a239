//! What the members say of themselves, put together.

use std::collections::BTreeMap;

use super::wire::StatusAnswer;
use crate::model::NodeId;

/// What those members say of themselves that answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Statuses(pub(super) BTreeMap<NodeId, StatusAnswer>);

impl Statuses {
    /// The member that leads, and its term. `None` if none says so. A leader that was frozen takes itself for one until it
    /// hears of the next, which has a higher term.
    pub(super) fn leader(&self) -> Option<(NodeId, u64)> {
        let leading = self.0.iter().filter(|(_, status)| status.leads());
        leading.map(|(node, status)| (*node, status.header.raft_term)).max_by_key(|(_, term)| *term)
    }

    /// How many entries of the log members still have to apply, all members together.
    pub(super) fn lag(&self) -> u64 {
        let committed = self.0.values().map(|status| status.committed).max().unwrap_or_default();
        self.0.values().map(|status| committed.saturating_sub(status.applied)).sum()
    }

    /// All of them in lines, for a log.
    pub(super) fn lines(&self) -> String {
        let line = |(node, status): (&NodeId, &StatusAnswer)| {
            let StatusAnswer { header, version, leader, committed, applied } = status;
            format!(
                "{node}: member {:x}, version {version}, leader {leader:x}, term {}, committed {committed}, applied \
                 {applied}, revision {}\n",
                header.member_id, header.raft_term, header.revision
            )
        };
        self.0.iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::Header;
    use super::*;

    fn status(member_id: u64, leader: u64, raft_term: u64, committed: u64, applied: u64) -> StatusAnswer {
        let header = Header { member_id, revision: 1, raft_term };
        StatusAnswer { header, version: "3.4.23".to_owned(), leader, committed, applied }
    }

    #[test]
    fn of_two_that_take_themselves_for_the_leader_the_later_one_is() {
        let (leader, f1, f2) = (NodeId::Leader, NodeId::Follower(0), NodeId::Follower(1));
        let mut all = Statuses([(f1, status(2, 0, 2, 5, 5)), (f2, status(3, 1, 2, 5, 5))].into());
        assert_eq!(all.leader(), None, "one that knows none, and one that names another");
        all.0.insert(leader, status(1, 1, 2, 5, 5));
        assert_eq!(all.leader(), Some((leader, 2)));
        all.0.insert(f2, status(3, 3, 3, 6, 6));
        assert_eq!(all.leader(), Some((f2, 3)));
    }

    #[test]
    fn members_lag_behind_what_any_of_them_knows_to_be_committed() {
        let (leader, f1, f2) = (NodeId::Leader, NodeId::Follower(0), NodeId::Follower(1));
        let all = [(leader, status(1, 1, 2, 9, 9)), (f1, status(2, 1, 2, 8, 7)), (f2, status(3, 1, 2, 9, 9))];
        assert_eq!(Statuses(all.into()).lag(), 2);
        assert_eq!(Statuses::default().lag(), 0);
    }
}
