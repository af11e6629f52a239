//! The links that faults cut or slow.

use std::collections::BTreeMap;
use std::fmt;

use super::fault::Fault;
use super::kind::FaultKind;
use crate::model::{Followers, NodeId};

/// A link that leads through a relay, so that a fault can cut or slow it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayedLink {
    /// The node it leads to: to a follower from the leader, to the leader from its clients.
    pub node: NodeId,
    /// What a slow link adds, in milliseconds.
    pub delay_ms: u32,
}

impl RelayedLink {
    /// The name of the relay: of its service, process and log.
    #[must_use]
    pub fn name(&self) -> String {
        link_name(self.node)
    }
}

/// The name of the relay that leads to a node.
#[must_use]
pub fn link_name(node: impl fmt::Display) -> String {
    format!("link-{node}")
}

/// Every link that these faults cut or slow, by node. A leader is cut off from all nodes, so
/// that takes all links.
#[must_use]
pub fn relayed_links(faults: &[Fault], followers: Followers) -> Vec<RelayedLink> {
    let mut delays: BTreeMap<NodeId, u32> = BTreeMap::new();
    for fault in faults.iter().filter(|fault| fault.kind.works_on_links()) {
        let is_everyone = fault.node.is_leader();
        for node in NodeId::all(followers).filter(|node| is_everyone || *node == fault.node) {
            let delay = delays.entry(node).or_default();
            if let FaultKind::Slow { delay_ms } = fault.kind {
                *delay = delay_ms;
            }
        }
    }
    delays.into_iter().map(|(node, delay_ms)| RelayedLink { node, delay_ms }).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::config::{CutFrom, Trigger};

    #[test]
    fn links_are_those_that_faults_work_on() {
        let fault = |node: &str, kind| Fault { at: Trigger::Write(1), node: node.parse().unwrap(), kind, until: None };
        let of = |faults: &[Fault]| -> Vec<(String, u32)> {
            let all = relayed_links(faults, Followers::constant(2));
            all.into_iter().map(|link| (link.name(), link.delay_ms)).collect()
        };
        let slow = fault("f2", FaultKind::Slow { delay_ms: 9 });
        let cut = |node| fault(node, FaultKind::Partition { from: CutFrom::All });
        assert_eq!(of(&[fault("f1", FaultKind::Kill)]), []);
        assert_eq!(of(&[slow.clone(), cut("f2")]), [("link-f2".to_owned(), 9)]);
        let names: Vec<String> = of(&[cut("leader"), slow]).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["link-leader", "link-f1", "link-f2"]);
    }
}
