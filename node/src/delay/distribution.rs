//! What a delay is drawn from.

use std::fmt;
use std::sync::Arc;

use super::parameter::{Millis, Number};

/// The distribution of a delay in milliseconds.
///
/// Its functions use only additions, multiplications and the `libm` crate, so that they give
/// the same bits on any machine. No delay is more than an hour: what is drawn above that
/// becomes an hour.
#[derive(Debug, Clone)]
pub struct Distribution {
    member: Arc<dyn Member>,
    extra: Millis,
}

/// A family of distributions. All formats, messages and limits follow from it.
#[derive(Debug)]
pub struct Family {
    /// Its name in every format.
    pub name: &'static str,
    /// What distinguishes its members, and how to make one.
    pub parameters: Parameters,
}

/// The parameters of a family, with the function that makes a member of them.
#[derive(Debug)]
pub enum Parameters {
    /// A fixed list of numbers.
    Numbers {
        /// How many and what they are, e.g. `two parameters, the bounds in ms`.
        in_words: &'static str,
        /// In the order of the text form.
        numbers: &'static [Number],
        /// Takes as many checked values as there are `numbers`.
        new: fn(&[f64]) -> Result<Distribution, String>,
    },
    /// A table of delays, called `quantiles_ms` in TOML and JSON.
    Quantiles(fn(Vec<Millis>) -> Result<Distribution, String>),
    /// Other distributions, called `parts` in TOML and JSON.
    Parts(fn(Vec<Part>) -> Result<Distribution, String>),
}

/// The parameters of one distribution, as in [`Parameters`].
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Values<'a> {
    /// In the order of the family's numbers.
    Numbers(Vec<f64>),
    /// Ascending.
    Quantiles(&'a [Millis]),
    /// In their given order.
    Parts(&'a [Part]),
}

/// One of a mixture's distributions.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    weight: f64,
    distribution: Distribution,
}

impl Part {
    /// What [`Part::weight`] may be.
    pub const WEIGHT: Number = Number::plain("weight", "a weight", 0.000_001, 1_000_000.0);

    /// A distribution and how often it is chosen, relative to the other parts.
    ///
    /// # Errors
    /// If the weight is out of range.
    pub fn new(weight: f64, distribution: Distribution) -> Result<Self, String> {
        Ok(Self { weight: Self::WEIGHT.check(weight)?, distribution })
    }

    /// How often it is chosen, relative to the other parts.
    pub fn weight(&self) -> f64 {
        self.weight
    }

    /// What is chosen.
    pub fn distribution(&self) -> &Distribution {
        &self.distribution
    }
}

/// One distribution of a family. Delays and quantiles are in milliseconds.
pub(super) trait Member: fmt::Debug + Send + Sync {
    /// The family it belongs to.
    fn family(&self) -> &'static Family;

    /// The values of the family's parameters.
    fn values(&self) -> Values<'_>;

    /// What it is, e.g. `log-normal (median 5 ms, sigma 0.5)`.
    fn in_words(&self) -> String;

    /// The probability of at most `x_ms`.
    fn cdf(&self, x_ms: f64) -> f64;

    /// The probability of more than `x_ms`. Overridden where 1 - cdf is inexact in the tail.
    fn survival(&self, x_ms: f64) -> f64 {
        1.0 - self.cdf(x_ms)
    }

    /// The smallest delay whose cdf is at least `p`, 0 to 1.
    fn quantile_ms(&self, p: f64) -> f64;

    /// The delay that is exceeded with probability `s`, 0 to 1. Overridden where the quantile of
    /// 1 - `s` is inexact in the tail.
    fn upper_quantile_ms(&self, s: f64) -> f64 {
        self.quantile_ms(1.0 - s)
    }

    /// The greatest delay, or `None` if there is no bound.
    fn upper_bound_ms(&self) -> Option<f64> {
        None
    }

    /// Whether a single delay has a probability above zero.
    fn has_point_masses(&self) -> bool {
        false
    }

    /// Where the cdf jumps or has a corner.
    fn corners_ms(&self) -> Vec<f64> {
        Vec::new()
    }

    /// Its bounds, if it is uniform.
    fn as_uniform_ms(&self) -> Option<(f64, f64)> {
        None
    }

    /// Maps a uniform number from (0, 1) to a delay. Overridden where there is a quicker way
    /// than the quantile.
    fn draw_ms(&self, unit: f64) -> f64 {
        self.quantile_ms(unit)
    }

    /// Maps 64 uniform random bits to whole microseconds, or `None` if [`Member::draw_ms`] does.
    fn draw_us(&self, _bits: u64) -> Option<u32> {
        None
    }
}

/// An hour in microseconds; 32 bits hold it.
const MAX_US: u32 = 3_600_000_000;

impl PartialEq for Distribution {
    fn eq(&self, other: &Self) -> bool {
        let parameters = |d: &Self| (d.extra, d.family().name);
        parameters(self) == parameters(other) && self.values() == other.values()
    }
}

impl Distribution {
    pub(super) fn new(member: impl Member + 'static) -> Self {
        Self { member: Arc::new(member), extra: Millis::ZERO }
    }

    /// The same distribution with `extra` added to each delay.
    #[must_use]
    pub fn plus(self, extra: Millis) -> Self {
        Self { extra: self.extra.saturating_add(extra), ..self }
    }

    /// The family it belongs to.
    pub fn family(&self) -> &'static Family {
        self.member.family()
    }

    /// The values of the family's parameters.
    pub(super) fn values(&self) -> Values<'_> {
        self.member.values()
    }

    /// What is added to each delay.
    pub fn extra(&self) -> Millis {
        self.extra
    }

    /// The distribution in a few words, e.g. `log-normal (median 5 ms, sigma 0.5) plus 2 ms`.
    pub fn in_words(&self) -> String {
        if self.as_constant_ms() == Some(0.0) {
            return "no delay".to_owned();
        }
        let words = self.member.in_words();
        if self.extra.is_zero() { words } else { format!("{words} plus {} ms", self.extra) }
    }

    /// The delay in milliseconds if it is always the same.
    pub fn as_constant_ms(&self) -> Option<f64> {
        let (min, max) = (self.quantile_ms(0.0), self.upper_bound_ms()?);
        (min == max).then_some(min)
    }

    /// The bounds in milliseconds of a uniform distribution.
    pub fn as_uniform_ms(&self) -> Option<(f64, f64)> {
        let (min, max) = self.member.as_uniform_ms()?;
        Some((min + self.extra.get(), max + self.extra.get()))
    }

    /// The greatest delay in milliseconds, or `None` if there is no bound.
    pub fn upper_bound_ms(&self) -> Option<f64> {
        Some(self.member.upper_bound_ms()? + self.extra.get())
    }

    /// Whether no single delay has a probability above zero.
    pub fn is_continuous(&self) -> bool {
        !self.member.has_point_masses()
    }

    /// Where the cdf jumps or has a corner, in milliseconds.
    pub fn corners_ms(&self) -> Vec<f64> {
        self.member.corners_ms().into_iter().map(|corner| corner + self.extra.get()).collect()
    }

    /// The probability of a delay of at most `x_ms`.
    pub fn cdf(&self, x_ms: f64) -> f64 {
        self.member.cdf(x_ms - self.extra.get())
    }

    /// The probability of a delay above `x_ms`: 1 - [`Self::cdf`], but exact in the tail.
    pub fn survival(&self, x_ms: f64) -> f64 {
        self.member.survival(x_ms - self.extra.get())
    }

    /// The smallest delay in milliseconds whose cdf is at least `p`, 0 to 1.
    pub fn quantile_ms(&self, p: f64) -> f64 {
        self.delayed(self.member.quantile_ms(p.clamp(0.0, 1.0)))
    }

    /// The delay in milliseconds that is exceeded with probability `s`, 0 to 1: the quantile of
    /// 1 - s, but exact in the tail.
    pub fn upper_quantile_ms(&self, s: f64) -> f64 {
        self.delayed(self.member.upper_quantile_ms(s.clamp(0.0, 1.0)))
    }

    /// Maps 64 uniform random bits to a delay in whole microseconds.
    pub fn pick_us(&self, bits: u64) -> u32 {
        if let Some(us) = self.member.draw_us(bits) {
            return self.extra.micros().saturating_add(us).min(MAX_US);
        }
        // The upper 53 bits, each value in the middle of its share of (0, 1).
        let unit = ((bits >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
        // The conversion saturates.
        (libm::round(self.draw_ms(unit) * 1_000.0) as u32).min(MAX_US)
    }

    /// Maps a uniform number from (0, 1) to a delay.
    pub(super) fn draw_ms(&self, unit: f64) -> f64 {
        self.delayed(self.member.draw_ms(unit))
    }

    fn delayed(&self, ms: f64) -> f64 {
        (ms + self.extra.get()).min(Millis::MAX)
    }
}
