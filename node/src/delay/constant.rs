//! A delay that is always the same.

use super::distribution::{Distribution, Family, Member, Parameters, Values};
use super::parameter::Number;

pub(super) static FAMILY: Family = Family {
    name: "constant",
    parameters: Parameters::Numbers {
        in_words: "one parameter, the delay in ms",
        numbers: &[Number::delay("ms")],
        new: |values| Ok(Distribution::new(Constant { ms: values[0] })),
    },
};

#[derive(Debug)]
struct Constant {
    ms: f64,
}

impl Member for Constant {
    fn family(&self) -> &'static Family {
        &FAMILY
    }

    fn values(&self) -> Values<'_> {
        Values::Numbers(vec![self.ms])
    }

    fn in_words(&self) -> String {
        format!("always {} ms", self.ms)
    }

    fn cdf(&self, x_ms: f64) -> f64 {
        f64::from(u8::from(x_ms >= self.ms))
    }

    fn quantile_ms(&self, _p: f64) -> f64 {
        self.ms
    }

    fn upper_bound_ms(&self) -> Option<f64> {
        Some(self.ms)
    }

    fn has_point_masses(&self) -> bool {
        true
    }

    fn corners_ms(&self) -> Vec<f64> {
        vec![self.ms]
    }
}
