//! The delay of a write: `delay`, or `min_delay_ms` and `max_delay_ms` as in the original lab.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::config::reader::{Fields, Problems};
use crate::config::setting::Setting;
use crate::model::{Distribution, as_uniform_ms, ranged_integer, uniform_ms};

ranged_integer!(
    /// A bound of a uniform delay, in milliseconds.
    WholeMillis(u32), "a delay in milliseconds", 0..=3_600_000
);

/// The lab's delay.
#[expect(clippy::expect_used, reason = "these bounds are sound")]
pub(super) fn lab() -> Distribution {
    uniform_ms(0, 1000).expect("0 does not exceed 1000")
}

/// Reads either form.
pub(super) fn read(
    fields: &mut Fields<'_>,
    key: &'static str,
    lab: Distribution,
    problems: &mut Problems<'_>,
) -> Distribution {
    let bound = ["min_delay_ms", "max_delay_ms"].into_iter().find_map(|key| fields.table.get(key));
    let bound = bound.map(toml::Spanned::span);
    let (lab_min, lab_max) = as_uniform_ms(&lab).unwrap_or_default();
    let min = fields.optional::<WholeMillis>("min_delay_ms", problems);
    let max = fields.optional::<WholeMillis>("max_delay_ms", problems);
    let is_distribution = fields.table.contains_key(key);
    let distribution = Option::<Distribution>::read(fields, key, None, problems);
    if is_distribution {
        if let Some(span) = bound {
            let message = "delay replaces min_delay_ms and max_delay_ms; leave out one or the other";
            problems.add(span, format!("{}{message}", fields.path));
        }
        return distribution.unwrap_or(lab);
    }
    let [min_ms, max_ms] =
        [(&min, lab_min), (&max, lab_max)].map(|(bound, lab)| bound.value.map_or(lab, WholeMillis::get));
    uniform_ms(min_ms, max_ms).unwrap_or_else(|message| {
        if min.good && max.good {
            problems.add(max.span, format!("{}{message}", fields.path));
        }
        lab
    })
}

/// The form in manifests. A uniform delay in whole milliseconds is written as its two bounds:
/// that was the only form once, and the SHA-256 of an old configuration must stay the same.
#[derive(Serialize, Deserialize)]
struct Raw {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    min_delay_ms: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_delay_ms: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delay: Option<Distribution>,
}

pub(super) fn serialize<S: Serializer>(delay: &Distribution, serializer: S) -> Result<S::Ok, S::Error> {
    let raw = match as_uniform_ms(delay) {
        Some((min, max)) => Raw { min_delay_ms: Some(min), max_delay_ms: Some(max), delay: None },
        None => Raw { min_delay_ms: None, max_delay_ms: None, delay: Some(delay.clone()) },
    };
    raw.serialize(serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Distribution, D::Error> {
    let Raw { min_delay_ms, max_delay_ms, delay } = Raw::deserialize(deserializer)?;
    match (delay, min_delay_ms, max_delay_ms) {
        (Some(delay), None, None) => Ok(delay),
        (None, Some(min), Some(max)) => uniform_ms(min, max),
        _ => Err("a network has either delay, or min_delay_ms and max_delay_ms".to_owned()),
    }
    .map_err(serde::de::Error::custom)
}
