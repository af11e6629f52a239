//! The name of a node.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::count::Followers;

/// One node of a cluster: `leader`, or a follower `f1`, `f2`, ... up to `f99`.
///
/// Orders the leader first, then the followers by number.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum NodeId {
    /// The node that accepts writes.
    Leader,
    /// The follower with this index, counted from 0: index 0 is `f1`.
    Follower(u32),
}

impl NodeId {
    /// The followers of a cluster, in order.
    pub fn followers(count: Followers) -> impl DoubleEndedIterator<Item = Self> + ExactSizeIterator + Clone {
        (0..count.get()).map(Self::Follower)
    }

    /// Every node of a cluster, the leader first.
    pub fn all(count: Followers) -> impl DoubleEndedIterator<Item = Self> + Clone {
        std::iter::once(Self::Leader).chain(Self::followers(count))
    }

    /// The follower's index, counted from 0, or `None` for the leader.
    #[must_use]
    pub const fn follower_index(self) -> Option<usize> {
        match self {
            Self::Leader => None,
            Self::Follower(index) => Some(index as usize),
        }
    }

    /// Whether this is the leader.
    #[must_use]
    pub const fn is_leader(self) -> bool {
        matches!(self, Self::Leader)
    }

    /// Whether a cluster with this many followers has this node.
    #[must_use]
    pub const fn is_in(self, count: Followers) -> bool {
        match self {
            Self::Leader => true,
            Self::Follower(index) => index < count.get(),
        }
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leader => f.pad("leader"),
            Self::Follower(index) => f.pad(&format!("f{}", index + 1)),
        }
    }
}

/// Text that names no node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a node is leader, f1, f2, ... or f{}, not `{given}`", Followers::MAX)]
pub struct NotANode {
    given: String,
}

impl FromStr for NodeId {
    type Err = NotANode;

    fn from_str(text: &str) -> Result<Self, NotANode> {
        if text == "leader" {
            return Ok(Self::Leader);
        }
        // `f01` and `f+1` are not names: each node has one.
        text.strip_prefix('f')
            .filter(|number| number.starts_with(|c: char| matches!(c, '1'..='9')))
            .and_then(|number| number.parse().ok())
            .filter(|number| (1..=Followers::MAX).contains(number))
            .map(|number: u32| Self::Follower(number - 1))
            .ok_or_else(|| NotANode { given: text.to_owned() })
    }
}

impl TryFrom<String> for NodeId {
    type Error = NotANode;

    fn try_from(text: String) -> Result<Self, NotANode> {
        text.parse()
    }
}

impl From<NodeId> for String {
    fn from(node: NodeId) -> Self {
        node.to_string()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn each_node_has_one_name() {
        let three = Followers::try_from(3).unwrap();
        let names: Vec<String> = NodeId::all(three).map(|node| node.to_string()).collect();
        assert_eq!(names, ["leader", "f1", "f2", "f3"]);
        for node in NodeId::all(Followers::try_from(i64::from(Followers::MAX)).unwrap()) {
            assert_eq!(node.to_string().parse(), Ok(node));
        }
        for bad in ["", "f", "f0", "f01", "f+1", "f100", "f-1", "Leader", "leader ", "f1 ", "g1", "f99999999999"] {
            let message = bad.parse::<NodeId>().unwrap_err().to_string();
            assert_eq!(message, format!("a node is leader, f1, f2, ... or f99, not `{bad}`"));
        }
    }

    #[test]
    fn nodes_sort_by_number_not_by_letter() {
        let mut nodes: Vec<NodeId> = ["f10", "f2", "leader", "f1"].map(|name| name.parse().unwrap()).to_vec();
        nodes.sort();
        assert_eq!(nodes.iter().map(ToString::to_string).collect::<Vec<_>>(), ["leader", "f1", "f2", "f10"]);
    }

    #[test]
    fn a_node_survives_json_as_value_and_as_key() {
        let map = std::collections::BTreeMap::from([(NodeId::Leader, 1), (NodeId::Follower(9), 2)]);
        let json = serde_json::to_string(&map).unwrap();
        assert_eq!(json, r#"{"leader":1,"f10":2}"#);
        assert_eq!(serde_json::from_str::<std::collections::BTreeMap<NodeId, i32>>(&json).unwrap(), map);
    }

    #[test]
    fn a_node_is_in_clusters_that_are_large_enough() {
        let two = Followers::try_from(2).unwrap();
        assert!(NodeId::Leader.is_in(two) && NodeId::Follower(1).is_in(two));
        assert!(!NodeId::Follower(2).is_in(two));
    }
}
