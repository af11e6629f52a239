//! Distributions on one line, as in a node's environment:
//!
//! ```text
//! uniform(0,1000)             a family and its parameters
//! empirical(1,2,2.5,9)        quantiles at evenly spaced probabilities
//! mixture(2*constant(1),1*pareto(3,2))
//! 1500+uniform(0,1000)        1500 ms on top of each delay
//! ```

use std::fmt;
use std::str::FromStr;

use super::distribution::{Distribution, Family, Parameters, Part, Values};
use super::families::clip;
use super::parameter::Millis;

impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.extra().is_zero() {
            write!(f, "{}+", self.extra())?;
        }
        let parameters = match self.values() {
            Values::Numbers(numbers) => joined(&numbers, f64::to_string),
            Values::Quantiles(quantiles) => joined(quantiles, Millis::to_string),
            Values::Parts(parts) => joined(parts, |part| format!("{}*{}", part.weight(), part.distribution())),
        };
        write!(f, "{}({parameters})", self.family().name)
    }
}

fn joined<T>(items: &[T], text: impl Fn(&T) -> String) -> String {
    items.iter().map(text).collect::<Vec<_>>().join(",")
}

impl FromStr for Distribution {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (extra, rest) = match text.split_once('+') {
            // Not the sign of an exponent within the parentheses.
            Some((extra, rest)) if !extra.contains('(') => (Millis::try_from(number(extra)?)?, rest.trim()),
            _ => (Millis::ZERO, text),
        };
        let (name, arguments) = rest.strip_suffix(')').and_then(|rest| rest.split_once('(')).ok_or_else(|| {
            format!("a distribution must be a name and its parameters, as in uniform(0,1000), not `{}`", clip(rest))
        })?;
        Ok(member(Family::named(name.trim())?, arguments)?.plus(extra))
    }
}

fn member(family: &Family, arguments: &str) -> Result<Distribution, String> {
    match &family.parameters {
        Parameters::Numbers { in_words, numbers, new } => {
            let texts: Vec<&str> = arguments.split(',').collect();
            if texts.len() != numbers.len() {
                return Err(format!("{} must have {in_words}, not `{}`", family.name, clip(arguments)));
            }
            let values = numbers.iter().zip(texts).map(|(parameter, text)| parameter.check(number(text)?));
            new(&values.collect::<Result<Vec<_>, _>>()?)
        }
        Parameters::Quantiles(new) => {
            new(arguments.split(',').map(|text| Millis::try_from(number(text)?)).collect::<Result<_, _>>()?)
        }
        Parameters::Parts(new) => new(parts(family, arguments)?),
    }
}

/// `WEIGHT*DISTRIBUTION,...`
fn parts(family: &Family, text: &str) -> Result<Vec<Part>, String> {
    let mut depth = 0_usize;
    let between_parts = |c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    };
    text.split(between_parts)
        .map(|part| {
            let (weight, distribution) = part.split_once('*').ok_or_else(|| {
                format!("a part of a mixture must be a weight, * and a distribution, not `{}`", clip(part))
            })?;
            if distribution.contains(family.name) {
                // Refused before it is parsed, so that no text can nest deeply.
                return Err("a part of a mixture must not be a mixture; list its parts instead".to_owned());
            }
            Part::new(number(weight)?, distribution.parse()?)
        })
        .collect()
}

fn number(text: &str) -> Result<f64, String> {
    text.trim().parse().map_err(|_| format!("each parameter must be a number, not `{}`", clip(text)))
}
