//! Weibull delays: tails between those of exponential and Pareto delays with a shape below 1,
//! around a typical value with a shape above 1.

use super::distribution::{Distribution, Family, Member, Parameters, Values};
use super::parameter::Number;
use super::words::short;

pub(super) static FAMILY: Family = Family {
    name: "weibull",
    parameters: Parameters::Numbers {
        in_words: "two parameters, the scale in ms and the shape",
        numbers: &[
            Number::scale("scale_ms"),
            Number::plain("shape", "the shape of a Weibull distribution", 0.1, 100.0),
        ],
        new: |values| Ok(Distribution::new(Weibull { scale_ms: values[0], shape: values[1] })),
    },
};

#[derive(Debug)]
struct Weibull {
    /// The delay that is exceeded with probability 1/e, whatever the shape.
    scale_ms: f64,
    /// k; with 1 it is the exponential distribution.
    shape: f64,
}

impl Weibull {
    /// Minus the logarithm of the probability of more than `x_ms`.
    fn hazard(&self, x_ms: f64) -> f64 {
        libm::pow(x_ms.max(0.0) / self.scale_ms, self.shape)
    }

    /// The delay with this [`Weibull::hazard`].
    fn at_hazard(&self, hazard: f64) -> f64 {
        self.scale_ms * libm::pow(hazard, 1.0 / self.shape)
    }
}

impl Member for Weibull {
    fn family(&self) -> &'static Family {
        &FAMILY
    }

    fn values(&self) -> Values<'_> {
        Values::Numbers(vec![self.scale_ms, self.shape])
    }

    fn in_words(&self) -> String {
        format!("Weibull (scale {} ms, shape {})", short(self.scale_ms), short(self.shape))
    }

    fn cdf(&self, x_ms: f64) -> f64 {
        -libm::expm1(-self.hazard(x_ms))
    }

    fn survival(&self, x_ms: f64) -> f64 {
        libm::exp(-self.hazard(x_ms))
    }

    fn quantile_ms(&self, p: f64) -> f64 {
        self.at_hazard(-libm::log1p(-p))
    }

    fn upper_quantile_ms(&self, s: f64) -> f64 {
        self.at_hazard(-libm::log(s))
    }

    fn corners_ms(&self) -> Vec<f64> {
        vec![0.0]
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use crate::delay::{Distribution, LinkPath, seeded_delay_us};

    fn of(text: &str) -> Distribution {
        text.parse().unwrap()
    }

    #[test]
    fn draws_and_quantiles_are_the_known_ones() {
        let draws = |text| [0, 1, 2, 3, 4].map(|f| seeded_delay_us(42, 0, f, LinkPath::Write, &of(text)));
        // With shape 1 it is the exponential distribution.
        assert_eq!(draws("weibull(100,1)"), draws("exponential(100)"));
        assert_eq!(draws("weibull(100,2)"), [107_022, 121_455, 92_552, 19_802, 47_586]);
        for (text, p, expected) in [
            ("weibull(10,2)", 0.5, 10.0 * std::f64::consts::LN_2.sqrt()),
            ("weibull(10,0.5)", 0.5, 10.0 * std::f64::consts::LN_2.powi(2)),
            ("3+weibull(10,7)", 1.0 - 1.0 / std::f64::consts::E, 13.0),
        ] {
            assert!((of(text).quantile_ms(p) - expected).abs() < 1e-9, "{text}");
        }
    }

    #[test]
    fn it_is_said_in_words_and_its_shape_is_checked() {
        assert_eq!(of("weibull(5,0.7)").in_words(), "Weibull (scale 5 ms, shape 0.7)");
        let error = "weibull(5,0)".parse::<Distribution>().unwrap_err();
        assert_eq!(error, "the shape of a Weibull distribution must be 0.1 to 100, not 0");
    }
}
