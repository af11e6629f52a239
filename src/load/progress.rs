//! Who watches a run.

use crate::data::WriteRow;

/// Who wants to know how a run is getting on. Called from within the measurement: an
/// implementation passes on what it is told, and does nothing else.
pub trait Progress: Send + Sync {
    /// A write ended.
    fn write_done(&self, row: &WriteRow);
    /// Every write was answered; so much may still change a follower.
    fn settling(&self, in_flight: u64);
}
