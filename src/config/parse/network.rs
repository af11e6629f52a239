//! `[experiment.NAME.network]`, each problem with its place.

use std::collections::BTreeMap;
use std::ops::Range;

use labnode::delay::{Distribution, Millis};

use super::distribution::read_distribution;
use super::{Fields, Problems, as_table};
use crate::config::network::{DelayRange, FollowerName, Network, Override, Timeout};
use crate::config::types::WholeMillis;
use crate::model::{CatchUp, Followers, ReplicationOrder};

/// Reads the network, and where in the file the delays of each follower stand.
pub(super) fn read_network(
    fields: &mut Fields<'_>,
    followers: Followers,
    problems: &mut Problems<'_>,
) -> (Network, Vec<Range<usize>>) {
    let lab = Network::default();
    let mut places = vec![fields.span.clone(); followers.get() as usize];
    let network = Network {
        delay: read_delay(fields, &lab, problems),
        ack_delay: read_distribution(fields, "ack_delay", problems),
        follower: read_overrides(fields, &mut places, problems),
        replication_timeout_s: fields
            .value::<Timeout>("replication_timeout_s", lab.replication_timeout_s, problems)
            .value,
        global_request_timeout_s: fields
            .value::<Timeout>("global_request_timeout_s", lab.global_request_timeout_s, problems)
            .value,
        order: fields.value::<ReplicationOrder>("order", lab.order, problems).value,
        catch_up: fields.value::<CatchUp>("catch_up", lab.catch_up, problems).value,
    };
    (network, places)
}

/// Either two bounds, or a distribution.
fn read_delay(fields: &mut Fields<'_>, lab: &Network, problems: &mut Problems<'_>) -> Distribution {
    let bound = ["min_delay_ms", "max_delay_ms"].into_iter().find_map(|key| fields.table.get(key));
    let bound = bound.map(toml::Spanned::span);
    let range = DelayRange::of(&lab.delay);
    let min = fields.value::<Option<WholeMillis>>("min_delay_ms", None, problems);
    let max = fields.value::<Option<WholeMillis>>("max_delay_ms", None, problems);
    let min_ms = min.value.map_or(range.map_or(0, DelayRange::min_ms), WholeMillis::get);
    let max_ms = max.value.map_or(range.map_or(0, DelayRange::max_ms), WholeMillis::get);
    let is_distribution = fields.table.contains_key("delay");
    let distribution = read_distribution(fields, "delay", problems);
    if is_distribution {
        if let Some(span) = bound {
            problems.add(
                span,
                format!("{}delay replaces min_delay_ms and max_delay_ms; leave out one or the other", fields.path),
            );
        }
        return distribution.unwrap_or_else(|| lab.delay.clone());
    }
    match DelayRange::new(min_ms, max_ms) {
        Ok(range) => range.into(),
        Err(message) => {
            if min.good && max.good {
                problems.add(max.span, format!("{}{message}", fields.path));
            }
            lab.delay.clone()
        }
    }
}

/// `[experiment.NAME.network.follower.fI]`, by name. `places` are those of all followers.
fn read_overrides(
    fields: &mut Fields<'_>,
    places: &mut [Range<usize>],
    problems: &mut Problems<'_>,
) -> BTreeMap<FollowerName, Override> {
    let table = fields.table("follower", problems);
    let path = table.path;
    let mut overrides = BTreeMap::new();
    for (key, value) in table.table {
        let name = FollowerName::try_from(key.get_ref().to_string()).ok();
        let place = name.and_then(|name| places.get_mut(name.index() as usize));
        let (Some(name), Some(place)) = (name, place) else {
            let message = format!(
                "{}: the followers are f1 to f{}, not `{}`",
                path.trim_end_matches('.'),
                places.len(),
                key.get_ref()
            );
            problems.add(key.span(), message);
            continue;
        };
        *place = key.span();
        let mut own = as_table(value, &format!("{path}{name}."), problems);
        overrides.insert(name, read_override(&mut own, problems));
        own.finish(problems);
    }
    overrides
}

fn read_override(fields: &mut Fields<'_>, problems: &mut Problems<'_>) -> Override {
    Override {
        delay: read_distribution(fields, "delay", problems),
        ack_delay: read_distribution(fields, "ack_delay", problems),
        extra_ms: fields.value("extra_ms", Millis::ZERO, problems).value,
    }
}

#[cfg(test)]
mod tests;
