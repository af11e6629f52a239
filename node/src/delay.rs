//! The injected network delay of each replication.

use std::time::Duration;

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

use crate::config::MOST_FOLLOWERS;

/// Words of key stream to a ChaCha block. Each follower has one of its own.
const WORDS_PER_BLOCK: u128 = 16;

/// The first block after those of the followers' writes.
const PASSES: u32 = MOST_FOLLOWERS as u32;

/// The bounds of a uniform delay, both included, in whole microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DelayRange {
    min_us: u32,
    max_us: u32,
}

impl DelayRange {
    /// No delay at all.
    pub const ZERO: Self = Self { min_us: 0, max_us: 0 };

    /// The range from `min_us` to `max_us`, or none when they are the wrong way round.
    pub fn new(min_us: u32, max_us: u32) -> Option<Self> {
        (min_us <= max_us).then_some(Self { min_us, max_us })
    }

    /// Maps 64 uniform random bits to a delay in microseconds.
    ///
    /// The widening multiplication of Lemire, "Fast random integer generation in an interval"
    /// (2019), without the rejection step: no delay's probability is off by more than one
    /// part in 2^31, and a draw takes exactly one word, whatever the range.
    fn pick(self, bits: u64) -> u32 {
        let width = u128::from(self.max_us - self.min_us) + 1;
        let offset = (u128::from(bits) * width) >> 64;
        // The offset is less than the width, so it fits and the sum is at most max_us.
        self.min_us + u32::try_from(offset).unwrap_or(0)
    }
}

/// The delay, in microseconds, that write `write_id` meets on its way to the follower with
/// index `follower` (from 0) under `seed`.
///
/// A pure function of its arguments: it does not depend on the order of calls, the quorum,
/// the platform or the version of any library. The bits are the first 64 of block
/// `follower` of the ChaCha8 stream `write_id` whose key comes from `seed`.
pub fn seeded_delay_us(seed: u64, write_id: u64, follower: u32, range: DelayRange) -> u32 {
    range.pick(seeded_bits(seed, write_id, follower))
}

fn seeded_bits(seed: u64, stream: u64, block: u32) -> u64 {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    rng.set_word_pos(u128::from(block) * WORDS_PER_BLOCK);
    rng.next_u64()
}

/// Where a leader takes its delays from.
#[derive(Debug, Clone, Copy)]
pub struct DelaySource {
    range: DelayRange,
    seed: Option<u64>,
}

impl DelaySource {
    /// Delays within `range`: reproducible with a seed, different every time without.
    pub fn new(range: DelayRange, seed: Option<u64>) -> Self {
        Self { range, seed }
    }

    /// The delay of write `write_id` to the follower with index `follower`.
    pub fn draw(&self, write_id: u64, follower: u32) -> Duration {
        self.draw_from(write_id, follower)
    }

    /// The delay of pass `pass`, from 0, that brings the follower with index `follower` up to
    /// date; none of a write's.
    pub fn draw_for_pass(&self, pass: u64, follower: u32) -> Duration {
        self.draw_from(pass, PASSES.saturating_add(follower))
    }

    fn draw_from(&self, stream: u64, block: u32) -> Duration {
        let micros = match self.seed {
            Some(seed) => self.range.pick(seeded_bits(seed, stream, block)),
            None => self.range.pick(rand::rng().next_u64()),
        };
        Duration::from_micros(u64::from(micros))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lab() -> DelayRange {
        DelayRange::new(0, 1_000_000).unwrap()
    }

    #[test]
    fn known_draws_never_change() {
        let draws: Vec<u32> = (0..5).map(|f| seeded_delay_us(42, 0, f, lab())).collect();
        assert_eq!(draws, [681_896, 771_249, 575_393, 38_454, 202_636]);
    }

    #[test]
    fn the_mean_is_the_middle_of_the_range() {
        let n = 20_000_u32;
        let sum: u64 = (0..u64::from(n)).map(|write| u64::from(seeded_delay_us(7, write, 3, lab()))).sum();
        // Five standard errors of the mean of U(0, 1): 5 / sqrt(12 n) = 0.0102.
        let mean = sum as f64 / f64::from(n) / 1e6;
        assert!((mean - 0.5).abs() < 0.0102, "{mean}");
    }

    #[test]
    fn the_bounds_are_reached_and_kept() {
        let range = DelayRange::new(10, 12).unwrap();
        assert_eq!(range.pick(0), 10);
        assert_eq!(range.pick(u64::MAX), 12);
        let widest = DelayRange::new(0, u32::MAX).unwrap();
        assert_eq!(widest.pick(u64::MAX), u32::MAX);
        assert_eq!(DelayRange::new(2, 1), None);
    }

    proptest! {
        #[test]
        fn a_draw_is_pure_within_bounds_and_independent_of_the_follower_order(
            seed: u64, write: u64, follower in 0_u32..1000, a in 0_u32..5_000_000, b in 0_u32..5_000_000,
        ) {
            let range = DelayRange::new(a.min(b), a.max(b)).unwrap();
            let drawn = seeded_delay_us(seed, write, follower, range);
            prop_assert!((a.min(b)..=a.max(b)).contains(&drawn));
            let source = DelaySource::new(range, Some(seed));
            source.draw(write, follower.wrapping_add(1));
            prop_assert_eq!(source.draw(write, follower), Duration::from_micros(u64::from(drawn)));
        }

        #[test]
        fn followers_and_writes_meet_different_delays(seed: u64, write in 0_u64..u64::MAX) {
            let wide = DelayRange::new(0, u32::MAX).unwrap();
            let of = |w, f| seeded_delay_us(seed, w, f, wide);
            let mut seen = [of(write, 0), of(write, 1), of(write, 4), of(write + 1, 0)];
            seen.sort_unstable();
            // Two equal draws of 32 bits are no error, four equal ones are.
            prop_assert!(seen[0] != seen[3]);
        }
    }

    #[test]
    fn without_a_seed_delays_differ_from_call_to_call() {
        let source = DelaySource::new(DelayRange::new(0, u32::MAX).unwrap(), None);
        let draws: std::collections::BTreeSet<_> = (0..8).map(|_| source.draw(1, 0)).collect();
        assert!(draws.len() > 1);
    }
}
