//! Log-normal delays: most round-trip times of a network.

use super::distribution::{Distribution, Family, Member, Parameters, Values};
use super::normal;
use super::parameter::Number;
use super::words::short;

pub(super) static FAMILY: Family = Family {
    name: "lognormal",
    parameters: Parameters::Numbers {
        in_words: "two parameters, the median in ms and sigma",
        numbers: &[Number::scale("median_ms"), Number::plain("sigma", "sigma", 0.001, 5.0)],
        new: |values| Ok(Distribution::new(Lognormal { median_ms: values[0], sigma: values[1] })),
    },
};

/// The logarithm of the delay is normally distributed.
#[derive(Debug)]
struct Lognormal {
    /// e^mu.
    median_ms: f64,
    /// The standard deviation of the natural logarithm.
    sigma: f64,
}

impl Lognormal {
    /// How many standard deviations the logarithm of `x_ms`, above zero, is above its mean.
    fn standard_score(&self, x_ms: f64) -> f64 {
        libm::log(x_ms / self.median_ms) / self.sigma
    }

    /// The quantile of `p` divided by the median.
    fn factor(&self, p: f64) -> f64 {
        match p {
            p if p <= 0.0 => 0.0,
            p if p >= 1.0 => f64::INFINITY,
            p => libm::exp(self.sigma * normal::quantile(p)),
        }
    }
}

impl Member for Lognormal {
    fn family(&self) -> &'static Family {
        &FAMILY
    }

    fn values(&self) -> Values<'_> {
        Values::Numbers(vec![self.median_ms, self.sigma])
    }

    fn in_words(&self) -> String {
        format!("log-normal (median {} ms, sigma {})", short(self.median_ms), short(self.sigma))
    }

    fn cdf(&self, x_ms: f64) -> f64 {
        if x_ms <= 0.0 { 0.0 } else { normal::cdf(self.standard_score(x_ms)) }
    }

    fn survival(&self, x_ms: f64) -> f64 {
        if x_ms <= 0.0 { 1.0 } else { normal::cdf(-self.standard_score(x_ms)) }
    }

    fn quantile_ms(&self, p: f64) -> f64 {
        self.median_ms * self.factor(p)
    }

    fn upper_quantile_ms(&self, s: f64) -> f64 {
        self.median_ms / self.factor(s)
    }
}
