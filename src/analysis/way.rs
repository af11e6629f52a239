//! Drawing delays on the way to a follower and back.

use crate::model::{Distribution, LinkDelays, TimeSpan};
use rand::rngs::ChaCha8Rng;
use rand::{Rng, RngExt};

/// The way between the leader and one follower.
pub(super) struct Way {
    write: Draw,
    ack: Option<Draw>,
}

impl Way {
    pub(super) fn new(link: LinkDelays) -> Self {
        Self { write: Draw::new(link.write), ack: link.ack.map(Draw::new) }
    }

    /// After how long a write arrives, and its acknowledgement is back.
    pub(super) fn draw_us(&self, rng: &mut ChaCha8Rng) -> (TimeSpan, TimeSpan) {
        let write_us = self.write.draw_us(rng);
        (write_us, write_us + self.ack.as_ref().map_or(TimeSpan::ZERO, |ack| ack.draw_us(rng)))
    }
}

/// How a delay is drawn.
enum Draw {
    /// Evenly from a range of microseconds, which takes less than its distribution does.
    Range(u32, u32),
    Other(Distribution),
}

impl Draw {
    fn new(distribution: Distribution) -> Self {
        match distribution.as_uniform_ms() {
            Some((min_ms, max_ms)) if distribution.extra().is_zero() => Self::Range(micros(min_ms), micros(max_ms)),
            _ => Self::Other(distribution),
        }
    }

    fn draw_us(&self, rng: &mut ChaCha8Rng) -> TimeSpan {
        TimeSpan::from(match self {
            Self::Range(min_us, max_us) => rng.random_range(*min_us..=*max_us),
            Self::Other(distribution) => distribution.pick_us(rng.next_u64()),
        })
    }
}

/// Of at most an hour, which 32 bits hold.
fn micros(ms: f64) -> u32 {
    (ms * 1000.0).round() as u32
}
