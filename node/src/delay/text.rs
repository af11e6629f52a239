//! Distributions on one line, as they go through a node's environment:
//!
//! ```text
//! constant(5)                 always 5 ms
//! uniform(0,1000)             anything from 0 to 1000 ms
//! exponential(5)              with a mean of 5 ms
//! lognormal(5,0.5)            with a median of 5 ms and 0.5 for sigma
//! pareto(1.05,1.51)           at least 1.05 ms, with a shape of 1.51
//! empirical(1,2,2.5,9)        with these quantiles at evenly spaced chances
//! mixture(2*constant(1),1*pareto(3,2))
//! 1500+uniform(0,1000)        1500 ms on top of each
//! ```

use std::fmt;
use std::str::FromStr;

use super::distribution::{Distribution, Kind};
use super::empirical::Empirical;
use super::mixture::{Mixture, Part};
use super::parameter::{Millis, Weight};
use super::range::DelayRange;

impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.extra().is_zero() {
            write!(f, "{}+", self.extra())?;
        }
        match self.kind() {
            Kind::Constant { ms } => write!(f, "constant({ms})"),
            Kind::Uniform(range) => write!(f, "uniform({},{})", range.min_ms(), range.max_ms()),
            Kind::Exponential { mean_ms } => write!(f, "exponential({mean_ms})"),
            Kind::Lognormal { median_ms, sigma } => write!(f, "lognormal({median_ms},{sigma})"),
            Kind::Pareto { min_ms, shape } => write!(f, "pareto({min_ms},{shape})"),
            Kind::Empirical(empirical) => list(f, "empirical", empirical.quantiles(), |f, ms| write!(f, "{ms}")),
            Kind::Mixture(mixture) => list(f, "mixture", mixture.parts(), |f, Part { weight, distribution }| {
                write!(f, "{weight}*{distribution}")
            }),
        }
    }
}

fn list<T>(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    items: &[T],
    item: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    write!(f, "{name}(")?;
    for (index, value) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(",")?;
        }
        item(f, value)?;
    }
    f.write_str(")")
}

impl FromStr for Distribution {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (extra, rest) = match text.split_once('+') {
            // Not the sign of an exponent within the parentheses.
            Some((extra, rest)) if !extra.contains('(') => (number::<Millis>(extra)?, rest.trim()),
            _ => (Millis::ZERO, text),
        };
        let (name, arguments) = rest.strip_suffix(')').and_then(|rest| rest.split_once('(')).ok_or_else(|| {
            format!("a distribution must be a name and its parameters, as in uniform(0,1000), not `{}`", clip(rest))
        })?;
        Ok(Self::from(kind(name.trim(), arguments)?).plus(extra))
    }
}

fn kind(name: &str, arguments: &str) -> Result<Kind, String> {
    let two = |what: &str| {
        let pair = arguments.split_once(',').filter(|(_, second)| !second.contains(','));
        pair.ok_or_else(|| format!("{name} must have two parameters, {what}, not `{}`", clip(arguments)))
    };
    Ok(match name {
        "constant" => Kind::Constant { ms: number(arguments)? },
        "uniform" => {
            let (min, max) = two("the bounds in ms")?;
            Kind::Uniform(DelayRange::from_ms(number(min)?, number(max)?)?)
        }
        "exponential" => Kind::Exponential { mean_ms: number(arguments)? },
        "lognormal" => {
            let (median, sigma) = two("the median in ms and sigma")?;
            Kind::Lognormal { median_ms: number(median)?, sigma: number(sigma)? }
        }
        "pareto" => {
            let (min, shape) = two("the least value in ms and the shape")?;
            Kind::Pareto { min_ms: number(min)?, shape: number(shape)? }
        }
        "empirical" => Kind::Empirical(Empirical::new(arguments.split(',').map(number).collect::<Result<_, _>>()?)?),
        "mixture" => Kind::Mixture(Mixture::new(parts(arguments)?)?),
        other => {
            return Err(format!(
                "a distribution must be constant, uniform, exponential, lognormal, pareto, empirical or mixture, not `{}`",
                clip(other)
            ));
        }
    })
}

/// `WEIGHT*DISTRIBUTION,...`
fn parts(text: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut depth = 0_usize;
    let between_parts = |c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    };
    for part in text.split(between_parts) {
        let (weight, distribution) = part.split_once('*').ok_or_else(|| {
            format!("a part of a mixture must be a weight, * and a distribution, not `{}`", clip(part))
        })?;
        if distribution.contains("mixture") {
            // Refused before it is parsed, so that no text can nest deeply.
            return Err("a part of a mixture must not be a mixture; list its parts instead".to_owned());
        }
        parts.push(Part { weight: number::<Weight>(weight)?, distribution: distribution.parse()? });
    }
    Ok(parts)
}

fn number<T: TryFrom<f64, Error = String>>(text: &str) -> Result<T, String> {
    let value: f64 =
        text.trim().parse().map_err(|_| format!("each parameter must be a number, not `{}`", clip(text)))?;
    T::try_from(value)
}

/// The beginning of what may be a long table.
fn clip(text: &str) -> String {
    const MOST: usize = 60;
    if text.chars().count() <= MOST { text.to_owned() } else { text.chars().take(MOST).chain("...".chars()).collect() }
}
