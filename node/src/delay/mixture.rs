//! A choice between several distributions, each with its own frequency.

use super::distribution::{Distribution, Family, Member, Parameters, Part, Values};
use super::words::short;

pub(super) static FAMILY: Family =
    Family { name: "mixture", parameters: Parameters::Parts(|parts| Ok(Distribution::new(Mixture::new(parts)?))) };

/// The most parts of a mixture.
const MAX_PARTS: usize = 16;

#[derive(Debug)]
struct Mixture {
    parts: Vec<Part>,
    /// The sum of all weights.
    total: f64,
}

impl Mixture {
    /// Fails if there are no parts, more than [`MAX_PARTS`], or if one is a mixture.
    fn new(parts: Vec<Part>) -> Result<Self, String> {
        if !(1..=MAX_PARTS).contains(&parts.len()) {
            return Err(format!("a mixture must have 1 to {MAX_PARTS} parts, not {}", parts.len()));
        }
        if parts.iter().any(|part| matches!(part.distribution().values(), Values::Parts(_))) {
            return Err("a part of a mixture must not be a mixture; list its parts instead".to_owned());
        }
        let total = parts.iter().map(Part::weight).sum();
        Ok(Self { parts, total })
    }

    /// The weighted mean of a function of the parts.
    fn mean_of(&self, f: impl Fn(&Distribution) -> f64) -> f64 {
        self.parts.iter().map(|part| part.weight() * f(part.distribution())).sum::<f64>() / self.total
    }

    /// The smallest `x` for which `is_enough`, which holds from there on. It lies between the
    /// least and the greatest value of `of_part`.
    fn solve(&self, of_part: impl Fn(&Distribution) -> f64, is_enough: impl Fn(f64) -> bool) -> f64 {
        let ends = self.parts.iter().map(|part| of_part(part.distribution()));
        let (mut low, mut high) =
            ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
        if low >= high || is_enough(low) {
            return low;
        }
        loop {
            let middle = low.midpoint(high);
            // Until no number is left between them, or the difference means nothing.
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

impl Member for Mixture {
    fn family(&self) -> &'static Family {
        &FAMILY
    }

    fn values(&self) -> Values<'_> {
        Values::Parts(&self.parts)
    }

    fn in_words(&self) -> String {
        let part =
            |part: &Part| format!("{} % {}", short(part.weight() / self.total * 100.0), part.distribution().in_words());
        self.parts.iter().map(part).collect::<Vec<_>>().join(" or ")
    }

    fn cdf(&self, x_ms: f64) -> f64 {
        self.mean_of(|part| part.cdf(x_ms))
    }

    fn survival(&self, x_ms: f64) -> f64 {
        self.mean_of(|part| part.survival(x_ms))
    }

    fn quantile_ms(&self, p: f64) -> f64 {
        self.solve(|part| part.quantile_ms(p), |x| self.cdf(x) >= p)
    }

    fn upper_quantile_ms(&self, s: f64) -> f64 {
        self.solve(|part| part.upper_quantile_ms(s), |x| self.survival(x) <= s)
    }

    fn upper_bound_ms(&self) -> Option<f64> {
        self.parts.iter().try_fold(0.0_f64, |bound, part| Some(bound.max(part.distribution().upper_bound_ms()?)))
    }

    fn has_point_masses(&self) -> bool {
        !self.parts.iter().all(|part| part.distribution().is_continuous())
    }

    fn corners_ms(&self) -> Vec<f64> {
        self.parts.iter().flat_map(|part| part.distribution().corners_ms()).collect()
    }

    /// Chooses a part, and uses what is left of the number, uniform again, to draw from it.
    fn draw_ms(&self, unit: f64) -> f64 {
        let mut left = unit * self.total;
        for part in &self.parts {
            if left < part.weight() {
                return part.distribution().draw_ms(left / part.weight());
            }
            left -= part.weight();
        }
        // Only rounding leads here: the number was at the end of the last part.
        self.parts[self.parts.len() - 1].distribution().draw_ms(1.0_f64.next_down())
    }
}
