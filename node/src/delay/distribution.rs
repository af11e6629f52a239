//! What a delay is drawn from.

use serde::{Deserialize, Serialize};

use super::empirical::Empirical;
use super::mixture::Mixture;
use super::normal;
use super::parameter::{Millis, Scale, Shape, Sigma};
use super::range::DelayRange;

/// The distribution of a delay in milliseconds.
///
/// All functions of it are made of additions, multiplications and the `libm` crate's code, so
/// that they give the same bits on any machine. No delay is more than an hour: what is drawn
/// above that is an hour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    #[serde(flatten)]
    kind: Kind,
    #[serde(default, skip_serializing_if = "Millis::is_zero", rename = "extra_ms")]
    extra: Millis,
}

/// An hour, in microseconds; 32 bits hold it.
const LONGEST_US: u32 = 3_600_000_000;

/// The kinds of distributions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Kind {
    /// Always the same.
    Constant {
        /// The delay.
        ms: Millis,
    },
    /// Anything between two bounds.
    Uniform(DelayRange),
    /// What a queue or a memoryless failure adds.
    Exponential {
        /// The mean; 1 / rate.
        mean_ms: Scale,
    },
    /// A normally distributed logarithm: most round trip times of a network.
    Lognormal {
        /// The median, e^mu.
        median_ms: Scale,
        /// The logarithm's standard deviation.
        sigma: Sigma,
    },
    /// A tail that falls off as a power.
    Pareto {
        /// The least value, x_m.
        min_ms: Scale,
        /// The power, alpha.
        shape: Shape,
    },
    /// As measured.
    Empirical(Empirical),
    /// One of several, by chance.
    Mixture(Mixture),
}

impl From<Kind> for Distribution {
    fn from(kind: Kind) -> Self {
        Self { kind, extra: Millis::ZERO }
    }
}

impl From<DelayRange> for Distribution {
    fn from(range: DelayRange) -> Self {
        Kind::Uniform(range).into()
    }
}

impl Distribution {
    /// The same with so much on top of each delay.
    #[must_use]
    pub fn plus(self, extra: Millis) -> Self {
        Self { extra: self.extra.saturating_add(extra), ..self }
    }

    /// What kind it is.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// What comes on top of each delay.
    pub fn extra(&self) -> Millis {
        self.extra
    }

    /// The one delay that there is, in milliseconds, if there is only one.
    pub fn as_constant_ms(&self) -> Option<f64> {
        let (start, end) = (self.quantile_ms(0.0), self.end_ms()?);
        (start == end).then_some(start)
    }

    /// The bounds in milliseconds, of a uniform distribution.
    pub fn as_uniform_ms(&self) -> Option<(f64, f64)> {
        match self.kind {
            Kind::Uniform(range) => Some((range.min_ms() + self.extra.get(), range.max_ms() + self.extra.get())),
            _ => None,
        }
    }

    /// The greatest delay, in milliseconds; none where there is no bound.
    pub fn end_ms(&self) -> Option<f64> {
        let end = match &self.kind {
            Kind::Constant { ms } => ms.get(),
            Kind::Uniform(range) => range.max_ms(),
            Kind::Exponential { .. } | Kind::Lognormal { .. } | Kind::Pareto { .. } => return None,
            Kind::Empirical(empirical) => empirical.quantile_ms(1.0),
            Kind::Mixture(mixture) => mixture
                .parts()
                .iter()
                .map(|part| part.distribution.end_ms())
                .try_fold(0.0_f64, |end, part| Some(end.max(part?)))?,
        };
        Some(end + self.extra.get())
    }

    /// Whether no single delay has a chance of its own.
    pub fn is_continuous(&self) -> bool {
        match &self.kind {
            Kind::Constant { .. } => false,
            Kind::Uniform(range) => range.min_ms() < range.max_ms(),
            Kind::Exponential { .. } | Kind::Lognormal { .. } | Kind::Pareto { .. } => true,
            Kind::Empirical(empirical) => !empirical.has_atom(),
            Kind::Mixture(mixture) => mixture.parts().iter().all(|part| part.distribution.is_continuous()),
        }
    }

    /// The chance of a delay of at most `x_ms`.
    pub fn cdf(&self, x_ms: f64) -> f64 {
        let x = x_ms - self.extra.get();
        match &self.kind {
            Kind::Constant { ms } => f64::from(u8::from(x >= ms.get())),
            Kind::Uniform(range) if range.min_ms() == range.max_ms() => f64::from(u8::from(x >= range.min_ms())),
            Kind::Uniform(range) => ((x - range.min_ms()) / (range.max_ms() - range.min_ms())).clamp(0.0, 1.0),
            Kind::Exponential { mean_ms } => -libm::expm1(-x.max(0.0) / mean_ms.get()),
            Kind::Lognormal { .. } if x <= 0.0 => 0.0,
            Kind::Lognormal { median_ms, sigma } => normal::cdf(libm::log(x / median_ms.get()) / sigma.get()),
            Kind::Pareto { .. } => 1.0 - self.survival(x_ms),
            Kind::Empirical(empirical) => empirical.cdf(x),
            Kind::Mixture(mixture) => mixture.mean_of(|part| part.cdf(x)),
        }
    }

    /// The chance of a delay above `x_ms`: 1 - [`Self::cdf`], but exact in the tail.
    pub fn survival(&self, x_ms: f64) -> f64 {
        let x = x_ms - self.extra.get();
        match &self.kind {
            Kind::Constant { .. } | Kind::Uniform(_) | Kind::Empirical(_) => 1.0 - self.cdf(x_ms),
            Kind::Exponential { mean_ms } => libm::exp(-x.max(0.0) / mean_ms.get()),
            Kind::Lognormal { .. } if x <= 0.0 => 1.0,
            Kind::Lognormal { median_ms, sigma } => normal::cdf(-libm::log(x / median_ms.get()) / sigma.get()),
            Kind::Pareto { min_ms, shape } => libm::pow(min_ms.get() / x.max(min_ms.get()), shape.get()),
            Kind::Mixture(mixture) => mixture.mean_of(|part| part.survival(x)),
        }
    }

    /// The least delay in milliseconds that is not exceeded with chance `p`, 0 to 1.
    pub fn quantile_ms(&self, p: f64) -> f64 {
        let p = p.clamp(0.0, 1.0);
        let x = match &self.kind {
            Kind::Constant { ms } => ms.get(),
            Kind::Uniform(range) => range.min_ms() + (range.max_ms() - range.min_ms()) * p,
            Kind::Empirical(empirical) => empirical.quantile_ms(p),
            Kind::Exponential { mean_ms } => -mean_ms.get() * libm::log1p(-p),
            Kind::Lognormal { median_ms, sigma } => median_ms.get() * lognormal_factor(sigma.get(), p),
            Kind::Pareto { min_ms, shape } => min_ms.get() * libm::pow(1.0 - p, -1.0 / shape.get()),
            Kind::Mixture(mixture) => {
                mixture.solve(|part| part.quantile_ms(p), |x| mixture.mean_of(|part| part.cdf(x)) >= p)
            }
        };
        (x + self.extra.get()).min(Millis::MAX)
    }

    /// The delay in milliseconds that is exceeded with chance `s`, 0 to 1: the quantile of
    /// 1 - s, but exact in the tail.
    pub fn upper_quantile_ms(&self, s: f64) -> f64 {
        let s = s.clamp(0.0, 1.0);
        let x = match &self.kind {
            Kind::Constant { .. } | Kind::Uniform(_) | Kind::Empirical(_) => return self.quantile_ms(1.0 - s),
            Kind::Exponential { mean_ms } => -mean_ms.get() * libm::log(s),
            Kind::Lognormal { median_ms, sigma } => median_ms.get() / lognormal_factor(sigma.get(), s),
            Kind::Pareto { min_ms, shape } => min_ms.get() * libm::pow(s, -1.0 / shape.get()),
            Kind::Mixture(mixture) => {
                mixture.solve(|part| part.upper_quantile_ms(s), |x| mixture.mean_of(|part| part.survival(x)) <= s)
            }
        };
        (x + self.extra.get()).min(Millis::MAX)
    }

    /// Maps 64 uniform random bits to a delay in whole microseconds.
    pub fn pick_us(&self, bits: u64) -> u32 {
        if let Kind::Uniform(range) = self.kind {
            return self.extra.micros().saturating_add(range.pick(bits)).min(LONGEST_US);
        }
        // The upper 53 bits, each value in the middle of its share of (0, 1).
        let unit = ((bits >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
        // The conversion saturates.
        (libm::round(self.pick_ms(unit) * 1_000.0) as u32).min(LONGEST_US)
    }

    /// Maps a number from (0, 1) to a delay.
    fn pick_ms(&self, unit: f64) -> f64 {
        match &self.kind {
            // Quicker than the quantile, and as good: which part and where in it are independent.
            Kind::Mixture(mixture) => {
                let (part, unit) = mixture.choose(unit);
                part.pick_ms(unit) + self.extra.get()
            }
            _ => self.quantile_ms(unit),
        }
    }
}

/// The quantile of a log-normal distribution around 1.
fn lognormal_factor(sigma: f64, p: f64) -> f64 {
    match p {
        p if p <= 0.0 => 0.0,
        p if p >= 1.0 => f64::INFINITY,
        p => libm::exp(sigma * normal::quantile(p)),
    }
}
