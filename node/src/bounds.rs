//! Bounds that several modules rely on.

use std::time::Duration;

/// The longest injected delay and the longest timeout: one hour, so that either fits 32 bits
/// of microseconds.
pub const MAX_DURATION: Duration = Duration::from_secs(3_600);

/// The most followers of a leader.
pub const MAX_FOLLOWERS: u16 = 1_000;
