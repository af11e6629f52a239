//! Delays of several kinds, each with its own frequency.

use serde::{Deserialize, Serialize};

use super::distribution::{Distribution, Kind};
use super::parameter::Weight;

/// The most parts of a mixture.
pub const MOST_PARTS: usize = 16;

/// A choice between distributions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct Mixture {
    parts: Vec<Part>,
    /// The sum of all weights.
    total: f64,
}

/// One of a [`Mixture`]'s distributions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// How often it is chosen, relative to the other parts.
    pub weight: Weight,
    /// What it is.
    #[serde(flatten)]
    pub distribution: Distribution,
}

/// A [`Mixture`] as it is written down.
#[derive(Serialize, Deserialize)]
struct Parts {
    parts: Vec<Part>,
}

impl TryFrom<Parts> for Mixture {
    type Error = String;

    fn try_from(Parts { parts }: Parts) -> Result<Self, String> {
        Self::new(parts)
    }
}

impl From<Mixture> for Parts {
    fn from(mixture: Mixture) -> Self {
        Self { parts: mixture.parts }
    }
}

impl Mixture {
    /// The mixture of these parts.
    ///
    /// # Errors
    /// When there are none, more than [`MOST_PARTS`], or one is a mixture itself.
    pub fn new(parts: Vec<Part>) -> Result<Self, String> {
        if !(1..=MOST_PARTS).contains(&parts.len()) {
            return Err(format!("a mixture must have 1 to {MOST_PARTS} parts, not {}", parts.len()));
        }
        if parts.iter().any(|part| matches!(part.distribution.kind(), Kind::Mixture(_))) {
            return Err("a part of a mixture must not be a mixture; list its parts instead".to_owned());
        }
        let total = parts.iter().map(|part| part.weight.get()).sum();
        Ok(Self { parts, total })
    }

    /// The parts, in their order.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The mean of a function of the parts, each with its share.
    pub(super) fn mean_of(&self, f: impl Fn(&Distribution) -> f64) -> f64 {
        self.parts.iter().map(|part| part.weight.get() * f(&part.distribution)).sum::<f64>() / self.total
    }

    /// The part that a uniform number chooses, and what is left of the number, uniform again.
    pub(super) fn choose(&self, u: f64) -> (&Distribution, f64) {
        let mut left = u * self.total;
        for part in &self.parts {
            let weight = part.weight.get();
            if left < weight {
                return (&part.distribution, left / weight);
            }
            left -= weight;
        }
        // Rounding only: the number was at the end of the last part.
        let last = &self.parts[self.parts.len() - 1];
        (&last.distribution, (1.0_f64).next_down())
    }

    /// The least `x` for which `is_enough`, which holds from there on, between the least and
    /// the greatest of what `of_part` makes of the parts.
    pub(super) fn solve(&self, of_part: impl Fn(&Distribution) -> f64, is_enough: impl Fn(f64) -> bool) -> f64 {
        let ends = self.parts.iter().map(|part| of_part(&part.distribution));
        let (mut low, mut high) =
            ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
        if low >= high || is_enough(low) {
            return low;
        }
        loop {
            let middle = low.midpoint(high);
            // Until no number is left between them, or the difference is below any meaning.
            if middle <= low || middle >= high || high - low <= high * 1e-15 {
                return high;
            }
            if is_enough(middle) {
                high = middle;
            } else {
                low = middle;
            }
        }
    }
}
