//! Exponential delays: what a queue or a memoryless failure adds.

use super::distribution::{Distribution, Family, Member, Parameters, Values};
use super::parameter::Number;
use super::words::short;

pub(super) static FAMILY: Family = Family {
    name: "exponential",
    parameters: Parameters::Numbers {
        in_words: "one parameter, the mean in ms",
        numbers: &[Number::scale("mean_ms")],
        new: |values| Ok(Distribution::new(Exponential { mean_ms: values[0] })),
    },
};

#[derive(Debug)]
struct Exponential {
    mean_ms: f64,
}

impl Member for Exponential {
    fn family(&self) -> &'static Family {
        &FAMILY
    }

    fn values(&self) -> Values<'_> {
        Values::Numbers(vec![self.mean_ms])
    }

    fn in_words(&self) -> String {
        format!("exponential (mean {} ms)", short(self.mean_ms))
    }

    fn cdf(&self, x_ms: f64) -> f64 {
        -libm::expm1(-x_ms.max(0.0) / self.mean_ms)
    }

    fn survival(&self, x_ms: f64) -> f64 {
        libm::exp(-x_ms.max(0.0) / self.mean_ms)
    }

    fn quantile_ms(&self, p: f64) -> f64 {
        -self.mean_ms * libm::log1p(-p)
    }

    fn upper_quantile_ms(&self, s: f64) -> f64 {
        -self.mean_ms * libm::log(s)
    }

    fn corners_ms(&self) -> Vec<f64> {
        vec![0.0]
    }
}
