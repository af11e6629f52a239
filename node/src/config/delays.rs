//! From the variables that describe the network to one link a follower.

use std::collections::BTreeMap;
use std::time::Duration;

use super::choices::LinkOrder;
use super::error::VariableError;
use super::parse::Vars;
use crate::bounds::{MAX_DURATION, MAX_FOLLOWERS};
use crate::delay::{Distribution, LinkDelays, Uniform};

pub(crate) const COHERENCE_MS: &str = "a number of milliseconds from 0.001 to 3600000";
const DELAY: &str = "a number of milliseconds from 0 to 3600000";

/// The links to this many followers. On a follower there are none, and the variables are
/// checked as far as possible.
pub(super) fn links(vars: &Vars<'_>, followers: usize) -> Result<Vec<LinkDelays>, VariableError> {
    let write = match distribution(vars, "DELAY")? {
        Some(distribution) => distribution,
        None => delay_range(vars)?.into(),
    };
    let ack = distribution(vars, "ACK_DELAY")?;
    let mut links = vec![LinkDelays { write, ack }; followers];
    for (follower, distribution) in overrides(vars, "FOLLOWER_DELAYS", followers)? {
        if let Some(link) = links.get_mut(follower) {
            link.write = distribution;
        }
    }
    for (follower, distribution) in overrides(vars, "FOLLOWER_ACK_DELAYS", followers)? {
        if let Some(link) = links.get_mut(follower) {
            link.ack = Some(distribution);
        }
    }
    Ok(links)
}

/// How long an ordered link stays as it is. `None` if no variable says so.
pub(super) fn coherence(vars: &Vars<'_>, link: LinkOrder) -> Result<Option<Duration>, VariableError> {
    const NAME: &str = "REPLICATION_COHERENCE_MS";
    let in_range = |text: &str| delay_us(text).filter(|us| *us > 0);
    let read = vars.get(NAME, COHERENCE_MS, in_range)?;
    match (read, link) {
        (Some(_), LinkOrder::Independent) => {
            let value = vars.text(NAME).unwrap_or_default();
            Err(refuse(NAME, &value, "only ordered links have it; set REPLICATION_LINK=ordered or leave it out".into()))
        }
        (read, _) => Ok(read.map(|us| Duration::from_micros(us.into()))),
    }
}

/// The distribution in a variable. `None` if it is not set.
pub(crate) fn distribution(vars: &Vars<'_>, name: &'static str) -> Result<Option<Distribution>, VariableError> {
    let parse = |text: String| text.parse().map_err(|reason| refuse(name, &text, reason));
    vars.text(name).map(parse).transpose()
}

/// `f1=DISTRIBUTION;f3=DISTRIBUTION`, by follower index.
fn overrides(
    vars: &Vars<'_>,
    name: &'static str,
    followers: usize,
) -> Result<BTreeMap<usize, Distribution>, VariableError> {
    let mut found = BTreeMap::new();
    let Some(list) = vars.text(name) else {
        return Ok(found);
    };
    let known = if followers > 0 { followers } else { usize::from(MAX_FOLLOWERS) };
    for part in list.split(';') {
        let refuse = |reason| refuse(name, part, reason);
        let (follower, text) = part
            .split_once('=')
            .ok_or_else(|| refuse("expected a follower, = and a distribution, as in f3=1500+uniform(0,1000)".into()))?;
        let index = follower.trim().strip_prefix('f').and_then(|number| number.parse::<usize>().ok());
        let index = index
            .filter(|number| (1..=known).contains(number))
            .ok_or_else(|| refuse(format!("the followers are f1 to f{known}")))?;
        if found.insert(index - 1, text.parse().map_err(refuse)?).is_some() {
            return Err(refuse(format!("f{index} is there twice")));
        }
    }
    Ok(found)
}

/// A table of quantiles may be long, and an error is one line.
fn refuse(name: &'static str, value: &str, reason: String) -> VariableError {
    VariableError::Delay { name, value: value.chars().take(60).collect(), reason }
}

/// A number of milliseconds up to an hour, in microseconds.
pub(crate) fn delay_us(text: &str) -> Option<u32> {
    let millis: f64 = text.parse().ok()?;
    let longest = MAX_DURATION.as_secs_f64() * 1_000.0;
    let in_range = millis >= 0.0 && millis <= longest;
    // At most 3.6e9 microseconds, which 32 bits hold.
    in_range.then(|| (millis * 1_000.0).round() as u32)
}

fn delay_range(vars: &Vars<'_>) -> Result<Uniform, VariableError> {
    let min = vars.get("MIN_DELAY_MS", DELAY, delay_us)?.unwrap_or(0);
    let max = vars.get("MAX_DELAY_MS", DELAY, delay_us)?.unwrap_or(1_000_000);
    Uniform::from_us(min, max).ok_or_else(|| VariableError::DelayBounds {
        min: vars.text("MIN_DELAY_MS").unwrap_or_else(|| "0".to_owned()),
        max: vars.text("MAX_DELAY_MS").unwrap_or_else(|| "1000".to_owned()),
    })
}
