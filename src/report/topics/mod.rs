//! The topics of the report, one file each: its finding, its figure and its tables.

mod claims;
mod comparison;
mod consistency;
mod course;
mod diagnosis;
mod distribution;
mod durability;
mod excess;
mod failover;
mod faults;
mod forecast;
mod guarantee;
mod key_waits;
mod lag;
mod latency;
mod load;
mod outside;
mod overhead;
mod own_time;
mod reproduce;
mod staleness;
mod statistics;
mod survival;
mod systems;
mod throughput;
mod timelines;

pub(crate) use staleness::after as visible_after;

use super::topic::Topic;

/// Every topic, in the order of the report. Their findings, figures, files and anchors follow from
/// this list.
pub(super) const TOPICS: &[Topic] = &[
    latency::TOPIC,
    key_waits::TOPIC,
    faults::TOPIC,
    failover::TOPIC,
    consistency::TOPIC,
    survival::TOPIC,
    claims::TOPIC,
    diagnosis::TOPIC,
    distribution::TOPIC,
    course::TOPIC,
    timelines::TOPIC,
    lag::TOPIC,
    durability::TOPIC,
    guarantee::TOPIC,
    staleness::TOPIC,
    outside::TOPIC,
    overhead::TOPIC,
    forecast::TOPIC,
    load::TOPIC,
    systems::TOPIC,
    throughput::TOPIC,
    comparison::TOPIC,
    reproduce::TOPIC,
];
