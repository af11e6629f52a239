//! Delays as they were measured.

use super::distribution::{Distribution, Family, Member, Parameters, Values};
use super::parameter::Millis;
use super::words::short;

pub(super) static FAMILY: Family = Family {
    name: "empirical",
    parameters: Parameters::Quantiles(|quantiles| Ok(Distribution::new(Empirical::new(quantiles)?))),
};

/// The most quantiles of a table, one each tenth of a per cent. The table goes through a node's
/// environment, so it has to be small.
const MAX_QUANTILES: usize = 1_001;

/// A distribution given by its quantiles at evenly spaced probabilities, 0 and 1 included, with
/// straight lines between them.
///
/// That is the usual interpolation between order statistics (type 7 of Hyndman and Fan,
/// "Sample Quantiles in Statistical Packages" (1996)), so a sample of at most [`MAX_QUANTILES`]
/// values is kept unchanged.
#[derive(Debug)]
struct Empirical {
    /// Ascending; at least two.
    quantiles: Vec<Millis>,
}

impl Empirical {
    /// The distribution with these quantiles.
    ///
    /// # Errors
    /// If there are fewer than two or more than [`MAX_QUANTILES`], or if they do not ascend.
    fn new(quantiles: Vec<Millis>) -> Result<Self, String> {
        if !(2..=MAX_QUANTILES).contains(&quantiles.len()) {
            return Err(format!(
                "an empirical distribution has 2 to {MAX_QUANTILES} quantiles, not {}",
                quantiles.len()
            ));
        }
        if let Some(pair) = quantiles.windows(2).find(|pair| pair[0] > pair[1]) {
            return Err(format!("the quantiles of a distribution must ascend, but {} follows {}", pair[1], pair[0]));
        }
        Ok(Self { quantiles })
    }
}

/// The quantiles of measured delays, which may be in any order: the table of a distribution if
/// there are at least two.
///
/// # Errors
/// Never for valid delays.
pub fn quantiles_of(mut sample: Vec<Millis>) -> Result<Vec<Millis>, String> {
    sample.sort_unstable_by(|a, b| a.get().total_cmp(&b.get()));
    if sample.len() <= MAX_QUANTILES {
        return Ok(sample);
    }
    let steps = (MAX_QUANTILES - 1) as f64;
    let at = |i: usize| {
        let value = interpolate(&sample, i as f64 / steps);
        // Whole nanoseconds are more than was measured, and are shorter to write.
        Millis::try_from(libm::round(value * 1e6) / 1e6)
    };
    (0..MAX_QUANTILES).map(at).collect()
}

impl Member for Empirical {
    fn family(&self) -> &'static Family {
        &FAMILY
    }

    fn values(&self) -> Values<'_> {
        Values::Quantiles(&self.quantiles)
    }

    fn in_words(&self) -> String {
        let [median, p99] = [0.5, 0.99].map(|p| short(self.quantile_ms(p)));
        format!("as measured (median {median} ms, p99 {p99} ms)")
    }

    /// The greatest probability whose quantile is at most `x_ms`.
    fn cdf(&self, x_ms: f64) -> f64 {
        let steps = (self.quantiles.len() - 1) as f64;
        let above = self.quantiles.partition_point(|quantile| quantile.get() <= x_ms);
        match (above.checked_sub(1).map(|below| (below, self.quantiles[below])), self.quantiles.get(above)) {
            (None, _) => 0.0,
            (Some(_), None) => 1.0,
            (Some((below, low)), Some(high)) => (below as f64 + (x_ms - low.get()) / (high.get() - low.get())) / steps,
        }
    }

    fn quantile_ms(&self, p: f64) -> f64 {
        interpolate(&self.quantiles, p)
    }

    fn upper_bound_ms(&self) -> Option<f64> {
        Some(self.quantile_ms(1.0))
    }

    fn has_point_masses(&self) -> bool {
        self.quantiles.windows(2).any(|pair| pair[0] == pair[1])
    }

    fn corners_ms(&self) -> Vec<f64> {
        self.quantiles.iter().map(|quantile| quantile.get()).collect()
    }
}

fn interpolate(sorted: &[Millis], p: f64) -> f64 {
    let place = p.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let below = libm::floor(place) as usize;
    let at = |index: usize| sorted[index.min(sorted.len() - 1)].get();
    at(below) + (place - libm::floor(place)) * (at(below + 1) - at(below))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn of(values: &[f64]) -> Empirical {
        let sample = values.iter().map(|ms| Millis::try_from(*ms).unwrap()).collect();
        Empirical::new(quantiles_of(sample).unwrap()).unwrap()
    }

    #[test]
    fn a_small_sample_is_kept_and_interpolated() {
        let empirical = of(&[30.0, 10.0, 20.0, 60.0]);
        assert_eq!(empirical.quantiles.len(), 4);
        assert_eq!(
            (empirical.quantile_ms(0.0), empirical.quantile_ms(0.5), empirical.quantile_ms(1.0)),
            (10.0, 25.0, 60.0)
        );
        assert_eq!((empirical.cdf(9.9), empirical.cdf(25.0), empirical.cdf(60.0)), (0.0, 0.5, 1.0));
        assert!(!empirical.has_point_masses());
    }

    #[test]
    fn equal_values_are_one_step_of_the_cdf() {
        let empirical = of(&[5.0, 5.0, 5.0, 8.0]);
        assert_eq!((empirical.cdf(4.9), empirical.quantile_ms(0.6)), (0.0, 5.0));
        assert!((empirical.cdf(5.0) - 2.0 / 3.0).abs() < 1e-12);
        assert!(empirical.has_point_masses());
        assert_eq!(of(&[7.0, 7.0]).cdf(7.0), 1.0);
    }

    #[test]
    fn a_large_sample_becomes_a_table_with_the_same_quantiles() {
        let values: Vec<f64> = (0..20_000).map(|i| f64::from(i * 7_919 % 20_000) / 10.0).collect();
        let empirical = of(&values);
        assert_eq!(empirical.quantiles.len(), MAX_QUANTILES);
        for p in [0.0, 0.1, 0.5, 0.999, 1.0] {
            assert!((empirical.quantile_ms(p) - p * 1_999.9).abs() < 0.001, "{p}");
        }
    }

    #[test]
    fn a_table_that_is_none_is_refused() {
        let millis = |values: &[f64]| values.iter().map(|ms| Millis::try_from(*ms).unwrap()).collect::<Vec<_>>();
        assert!(Empirical::new(millis(&[1.0])).unwrap_err().contains("2 to 1001 quantiles, not 1"));
        assert!(Empirical::new(vec![Millis::ZERO; MAX_QUANTILES + 1]).is_err());
        assert!(Empirical::new(millis(&[1.0, 3.0, 2.0])).unwrap_err().contains("ascend, but 2 follows 3"));
    }
}
