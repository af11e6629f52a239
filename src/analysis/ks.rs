//! The Kolmogorov-Smirnov test: do measured latencies follow the predicted distribution?

use std::f64::consts::PI;

use serde::Serialize;

use super::stats::Sample;
use super::theory::Prediction;

#[cfg(test)]
mod tests;

/// The result of a Kolmogorov-Smirnov test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct KsTest {
    /// The greatest distance between the two distribution functions, 0 to 1.
    pub distance: f64,
    /// The chance of a distance at least as great if the distributions were the same.
    pub p_value: f64,
}

/// Tests a sample against a continuous distribution function of milliseconds; `None` for an
/// empty sample. The p-value assumes that no parameter was fitted to the sample.
#[must_use]
pub fn ks_one_sample(sample: &Sample, cdf: impl Fn(f64) -> f64) -> Option<KsTest> {
    let n = sample.len() as f64;
    let distance = sample
        .iter_ms()
        .enumerate()
        .map(|(i, x)| {
            let expected = cdf(x);
            (expected - i as f64 / n).max((i + 1) as f64 / n - expected)
        })
        .max_by(f64::total_cmp)?;
    Some(KsTest { distance, p_value: p_value(distance, n) })
}

/// Tests a sample against a prediction; `None` where that is not continuous. One that was drawn
/// is a sample itself, and the test is then that of two.
#[must_use]
pub(super) fn ks_predicted(sample: &Sample, prediction: &Prediction) -> Option<KsTest> {
    let test = ks_one_sample(sample, |x| prediction.cdf(x)).filter(|_| prediction.is_continuous())?;
    Some(match prediction.draws().map(|draws| draws as f64) {
        None => test,
        Some(draws) => {
            let n = sample.len() as f64;
            KsTest { p_value: p_value(test.distance, n * draws / (n + draws)), ..test }
        }
    })
}

/// The p-value of a distance at effective sample size `n`, with the finite-size correction of
/// Stephens, "Use of the Kolmogorov-Smirnov, Cramer-Von Mises and Related Statistics Without
/// Extensive Tables", Journal of the Royal Statistical Society B 32 (1970), 115-122.
fn p_value(distance: f64, n: f64) -> f64 {
    let root = n.sqrt();
    kolmogorov_survival((root + 0.12 + 0.11 / root) * distance)
}

/// P(K > x) of Kolmogorov's limiting distribution. Both series are Kolmogorov's (1933); the
/// second converges fast where the first does not. Twenty terms reach double precision.
fn kolmogorov_survival(x: f64) -> f64 {
    /// Where each series needs fewer terms than the other.
    const CROSSOVER: f64 = 1.18;
    if x <= 0.0 {
        return 1.0;
    }
    let survival = if x < CROSSOVER {
        let sum: f64 = (1..=20).map(|k| (-(f64::from(2 * k - 1) * PI / x).powi(2) / 8.0).exp()).sum();
        1.0 - (2.0 * PI).sqrt() / x * sum
    } else {
        let term = |k: i32| (-2.0 * (f64::from(k) * x).powi(2)).exp();
        2.0 * (1..=20).map(|k| if k % 2 == 1 { term(k) } else { -term(k) }).sum::<f64>()
    };
    survival.clamp(0.0, 1.0)
}
