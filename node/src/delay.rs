//! The injected network delay of each replication.

mod constant;
mod distribution;
mod empirical;
mod exponential;
mod families;
mod json;
mod lognormal;
mod mixture;
mod normal;
mod ordered;
mod parameter;
mod pareto;
mod stream;
#[cfg(test)]
mod tests;
mod text;
mod uniform;
mod weibull;
mod words;

use std::time::Duration;

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

use crate::bounds::MAX_FOLLOWERS;

pub use distribution::{Distribution, Family, Parameters, Part};
pub use empirical::quantiles_of;
pub use families::FAMILIES;
pub use ordered::{OrderedDirection, OrderedLink};
pub use parameter::{Millis, Number};
pub use stream::named_stream;
pub use uniform::Uniform;

/// Words of key stream in a ChaCha block. Each follower has its block.
const WORDS_PER_BLOCK: u128 = 16;

/// The first block for catch-up passes, after those of the followers' writes.
const PASSES: u32 = MAX_FOLLOWERS as u32;

/// A direction of the link between a leader and a follower.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkPath {
    /// The write, from the leader to the follower.
    Write,
    /// Its acknowledgement, back again.
    Ack,
}

impl LinkPath {
    /// The position of its bits in the block of the write and follower.
    fn word(self) -> u128 {
        match self {
            Self::Write => 0,
            Self::Ack => 2,
        }
    }
}

/// The delay in microseconds of write `write_id` on a `path` between the leader and the follower
/// with index `follower`, from 0.
///
/// A pure function of its arguments: it does not depend on the order of calls, the quorum,
/// the platform or the version of any library. The bits are 64 of block `follower` of the
/// ChaCha8 stream `write_id` whose key comes from `seed`: the first of them for the write, the
/// next for the acknowledgement.
pub fn seeded_delay_us(seed: u64, write_id: u64, follower: u32, path: LinkPath, distribution: &Distribution) -> u32 {
    distribution.pick_us(seeded_bits(seed, write_id, follower, path))
}

fn seeded_bits(seed: u64, stream: u64, block: u32, path: LinkPath) -> u64 {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    rng.set_word_pos(u128::from(block) * WORDS_PER_BLOCK + path.word());
    rng.next_u64()
}

/// How long messages between a leader and one follower take.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkDelays {
    /// The write, on its way there.
    pub write: Distribution,
    /// The acknowledgement, on its way back. `None` takes no time.
    pub ack: Option<Distribution>,
}

/// The delays of one write to one follower.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Delays {
    /// On its way there, in microseconds.
    pub write_us: u32,
    /// Of its acknowledgement, on its way back, in microseconds.
    pub ack_us: u32,
}

/// Draws the delays of a leader.
#[derive(Debug, Clone)]
pub struct DelaySource {
    /// By follower index.
    links: Vec<LinkDelays>,
    seed: Option<u64>,
}

impl DelaySource {
    /// Draws on these links, one for each follower: reproducible with a seed, different every
    /// time without.
    pub fn new(links: Vec<LinkDelays>, seed: Option<u64>) -> Self {
        Self { links, seed }
    }

    /// The delays of write `write_id` to the follower with index `follower`, and of its
    /// acknowledgement; zero if there is no such follower.
    pub fn draw(&self, write_id: u64, follower: u32) -> Delays {
        self.links.get(follower as usize).map_or_else(Delays::default, |link| Delays {
            write_us: self.pick_us(&link.write, write_id, follower, LinkPath::Write),
            ack_us: link.ack.as_ref().map_or(0, |ack| self.pick_us(ack, write_id, follower, LinkPath::Ack)),
        })
    }

    /// The delay of catch-up pass `pass`, from 0, to the follower with index `follower`. No write
    /// has the same draw.
    pub fn draw_for_pass(&self, pass: u64, follower: u16) -> Duration {
        let block = PASSES + u32::from(follower);
        let us = self
            .links
            .get(usize::from(follower))
            .map_or(0, |link| self.pick_us(&link.write, pass, block, LinkPath::Write));
        Duration::from_micros(us.into())
    }

    fn pick_us(&self, distribution: &Distribution, stream: u64, block: u32, path: LinkPath) -> u32 {
        let bits = self.seed.map_or_else(|| rand::rng().next_u64(), |seed| seeded_bits(seed, stream, block, path));
        distribution.pick_us(bits)
    }
}
