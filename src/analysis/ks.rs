//! The Kolmogorov-Smirnov test: do measured latencies follow the predicted distribution?

use std::f64::consts::PI;

use serde::Serialize;

use super::stats::Sample;
use super::theory::Prediction;

#[cfg(test)]
mod tests;

/// The result of a Kolmogorov-Smirnov test.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct KsTest {
    /// The greatest distance between the two distribution functions, 0 to 1.
    #[cfg_attr(test, schemars(range(min = 0.0, max = 1.0)))]
    pub distance: f64,
    /// The chance of a distance at least as great if the distributions were the same.
    #[cfg_attr(test, schemars(range(min = 0.0, max = 1.0)))]
    pub p_value: f64,
}

/// The test of one run's latencies, as one of the tests of an experiment's runs.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Fit {
    /// The test on its own.
    #[serde(flatten)]
    pub test: KsTest,
    /// Its p-value, corrected for the other tests of the page.
    #[cfg_attr(test, schemars(range(min = 0.0, max = 1.0)))]
    pub p_adjusted: f64,
    /// The least shift of the predicted distribution, in milliseconds, that reaches the critical
    /// distance: at least half of such runs show it. `None` until corrected.
    pub detectable_ms: Option<f64>,
}

impl Fit {
    /// A test with no others beside it.
    #[must_use]
    pub fn alone(test: KsTest) -> Self {
        Self { test, p_adjusted: test.p_value, detectable_ms: None }
    }
}

/// A test among others, and what it is made from.
pub(super) struct Tested<'a> {
    pub(super) fit: &'a mut Fit,
    /// Latencies that were tested.
    pub(super) n: u64,
    pub(super) prediction: Option<&'a Prediction>,
}

impl Tested<'_> {
    /// Its p-value on its own.
    pub(super) fn p_value(&self) -> f64 {
        self.fit.test.p_value
    }

    /// Takes its p-value, corrected for the other tests beside it, and the level at which the least of
    /// all p-values rejects.
    pub(super) fn set(self, p_adjusted: f64, level: f64) {
        let n = effective_n(self.n as f64, self.prediction);
        self.fit.p_adjusted = p_adjusted;
        self.fit.detectable_ms = self.prediction.map(|predicted| detectable_ms(predicted, n, level));
    }
}

/// The least shift that moves a distribution by the distance that is critical at this level.
fn detectable_ms(prediction: &Prediction, n: f64, level: f64) -> f64 {
    const POINTS: u32 = 64;
    /// The widest shift looked at is from the least value to this quantile.
    const FAR: f64 = 0.9999;
    let critical = bisect(1.0, |distance| p_value(distance, n) <= level);
    let quantiles: Vec<f64> =
        (0..=POINTS).map(|i| prediction.quantile_ms(f64::from(i) / f64::from(POINTS) * FAR)).collect();
    let widest_ms = prediction.quantile_ms(FAR) - prediction.quantile_ms(0.0);
    bisect(widest_ms, |shift_ms| {
        quantiles.iter().any(|x| {
            let moved = |x: f64| prediction.cdf(x) - prediction.cdf(x - shift_ms);
            moved(*x) >= critical || moved(x + shift_ms) >= critical
        })
    })
}

/// The least value of 0..=`most` for which `holds`, which stays true from there on; `most` if
/// it never does.
fn bisect(most: f64, holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, most);
    for _ in 0..32 {
        let middle = f64::midpoint(low, high);
        if holds(middle) { high = middle } else { low = middle }
    }
    high
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
    let n = effective_n(sample.len() as f64, Some(prediction));
    Some(KsTest { p_value: p_value(test.distance, n), ..test })
}

/// The size of the one sample that tells as much as `n` values beside the prediction's draws.
fn effective_n(n: f64, prediction: Option<&Prediction>) -> f64 {
    prediction.and_then(Prediction::draws).map_or(n, |draws| n * draws as f64 / (n + draws as f64))
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
