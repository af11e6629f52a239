//! Bounds that several modules rely on.

use std::time::Duration;

/// The longest injected delay and the longest timeout: one hour, so that either fits 32 bits
/// of microseconds.
pub const MAX_DURATION: Duration = Duration::from_secs(3_600);

/// The time between two moments, all in microseconds; zero if the second is the earlier one. A node measures only
/// delays and what a timeout ends: none is longer than [`MAX_DURATION`].
pub(crate) fn elapsed_us(from_us: u64, to_us: u64) -> u32 {
    u32::try_from(to_us.saturating_sub(from_us)).unwrap_or(u32::MAX)
}

/// The most followers of a leader.
pub const MAX_FOLLOWERS: u16 = 1_000;
