//! What a kind of fault has to say of itself.

use std::ops::Range;

use crate::config::reader::{Fields, Problems};
use crate::model::Act;

/// The settings of one kind of fault: what it does with them, and its words.
pub(super) trait FaultSettings {
    /// What is known of all faults of this kind.
    fn kind() -> FaultType
    where
        Self: Sized;

    /// Reads its keys. `None` if one is wrong or missing, which is reported; `kind` is where the kind stands.
    fn read(fields: &mut Fields<'_>, kind: &Range<usize>, problems: &mut Problems<'_>) -> Option<Self>
    where
        Self: Sized;

    /// What is done to the node when it begins, in this order. At its end that is undone, the last first.
    fn acts(&self) -> Vec<Act>;

    /// The settings in words, to follow the node's name: ` by 20 ms`.
    fn in_words(&self) -> String {
        String::new()
    }

    /// How it is done, for `faults.csv`.
    fn detail(&self) -> Option<String> {
        None
    }

    /// How it ends, for `faults.csv`.
    fn end_detail(&self) -> Option<String> {
        None
    }

    /// Why it cannot be done to a leader, to follow the key `node`. `None` if it can.
    fn refusal_of_leader(&self) -> Option<&'static str> {
        None
    }

    /// What must hold of both this and an earlier fault of its kind at the same node, after the key of the list of
    /// faults. `None` if it does.
    fn conflict(&self, _earlier: &Self, _node: crate::model::NodeId) -> Option<String>
    where
        Self: Sized,
    {
        None
    }
}

/// What is known of all faults of one kind.
pub(super) struct FaultType {
    /// Its name in experiments.toml and in files.
    pub(super) name: &'static str,
    /// Its own keys in experiments.toml.
    pub(super) keys: &'static [&'static str],
    /// What its end is called.
    pub(super) end: FaultEnd,
    /// Whether clients get no answer from the node while a fault with this detail in `faults.csv` lasts.
    pub(super) hides_the_node: fn(detail: Option<&str>) -> bool,
}

/// What the end of a fault is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FaultEnd {
    /// The node was ended, and is started again.
    Restart,
    /// The node was frozen, and goes on.
    Resume,
    /// The node's links were disturbed, and are no more.
    Heal,
}
