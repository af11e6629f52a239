//! Who watches a run.

use crate::data::WriteRow;

/// Who wants to know how a run is getting on. Called from within the measurement: an
/// implementation notes what it is told, and does nothing else.
pub trait Progress: Send + Sync {
    /// The first write may be sent from now on.
    fn load_begins(&self) {}
    /// A write ended.
    fn write_done(&self, row: &WriteRow);
    /// Every write was answered.
    fn load_ended(&self) {}
    /// So much may still change a follower.
    fn settling(&self, in_flight: u64);
}
