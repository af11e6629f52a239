//! Delays of messages: the distributions of `labnode`, whose nodes draw from them.

pub use labnode::delay::{
    Delays, Distribution, FAMILIES, Family, LinkDelays, LinkPath, Millis, Number, OrderedDirection, OrderedLink,
    Parameters, Part, Uniform, named_stream, quantiles_of,
};

/// The longest delay in whole milliseconds: an hour.
const LONGEST_MS: u32 = 3_600_000;

/// The uniform distribution between two whole numbers of milliseconds.
///
/// # Errors
/// When the bounds are reversed or above an hour. The message names `min_delay_ms` and
/// `max_delay_ms`.
pub fn uniform_ms(min_ms: u32, max_ms: u32) -> Result<Distribution, String> {
    if max_ms > LONGEST_MS {
        return Err(format!("max_delay_ms must be at most {LONGEST_MS} (an hour), not {max_ms}"));
    }
    // An hour in microseconds fits 32 bits.
    Uniform::from_us(min_ms.saturating_mul(1_000), max_ms * 1_000)
        .map(Distribution::from)
        .ok_or_else(|| format!("min_delay_ms ({min_ms}) must not exceed max_delay_ms ({max_ms})"))
}

/// The bounds of a uniform distribution between two whole numbers of milliseconds. `None` for
/// any other.
#[must_use]
pub fn as_uniform_ms(distribution: &Distribution) -> Option<(u32, u32)> {
    let (min, max) = distribution.as_uniform_ms().filter(|_| distribution.extra().is_zero())?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, and 0 to an hour")]
    let whole = |ms: f64| (ms.fract() == 0.0 && ms <= f64::from(LONGEST_MS)).then_some(ms as u32);
    Some((whole(min)?, whole(max)?))
}
