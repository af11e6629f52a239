//! The words that every other module uses, each defined once: node names, quorums, write
//! numbers, versions, times, orders and delays. Pure values, no I/O.
//!
//! Delays and orders are defined in the crate `labnode`, because its nodes apply them, and
//! re-exported here; no other module outside `system/labnode` and `sim` names that crate.

mod count;
mod node_id;
mod time;
mod write;

pub use count::{Followers, Quorum, ReadQuorum};
pub use node_id::NodeId;
pub use time::Micros;
pub use write::{Version, WriteId};
