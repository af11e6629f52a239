//! Locks that outlive a panic.

use std::sync::{LockResult, PoisonError};

/// The result of taking a lock, whether or not a thread panicked while it held the lock: no
/// code of the node or of labctl panics with locked data half changed.
pub fn ignore_poison<T>(result: LockResult<T>) -> T {
    result.unwrap_or_else(PoisonError::into_inner)
}
