//! Pareto delays: a tail that falls off as a power.

use super::distribution::{Distribution, Family, Member, Parameters, Values};
use super::parameter::Number;
use super::words::short;

pub(super) static FAMILY: Family = Family {
    name: "pareto",
    parameters: Parameters::Numbers {
        in_words: "two parameters, the least value in ms and the shape",
        // A shape above 1: the mean exists.
        numbers: &[
            Number::scale("min_ms"),
            Number::plain("shape", "the shape of a Pareto distribution", 1.01, 1_000.0),
        ],
        new: |values| Ok(Distribution::new(Pareto { min_ms: values[0], shape: values[1] })),
    },
};

#[derive(Debug)]
struct Pareto {
    /// x_m.
    min_ms: f64,
    /// The exponent of the tail, alpha.
    shape: f64,
}

impl Member for Pareto {
    fn family(&self) -> &'static Family {
        &FAMILY
    }

    fn values(&self) -> Values<'_> {
        Values::Numbers(vec![self.min_ms, self.shape])
    }

    fn in_words(&self) -> String {
        format!("Pareto (from {} ms, shape {})", short(self.min_ms), short(self.shape))
    }

    fn cdf(&self, x_ms: f64) -> f64 {
        1.0 - self.survival(x_ms)
    }

    fn survival(&self, x_ms: f64) -> f64 {
        libm::pow(self.min_ms / x_ms.max(self.min_ms), self.shape)
    }

    fn quantile_ms(&self, p: f64) -> f64 {
        self.upper_quantile_ms(1.0 - p)
    }

    fn upper_quantile_ms(&self, s: f64) -> f64 {
        self.min_ms * libm::pow(s, -1.0 / self.shape)
    }

    fn corners_ms(&self) -> Vec<f64> {
        vec![self.min_ms]
    }
}
