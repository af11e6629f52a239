//! Schemas of types that the crate `labnode` defines, for the schema of `summary.json`.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use super::{CatchUp, FAMILIES, LinkOrder, ReplicationOrder, ReplicationOutcome};

/// A delay distribution, as `delay = { kind = "uniform", min_ms = 0, max_ms = 200 }`.
pub(crate) fn delay(_: &mut SchemaGenerator) -> Schema {
    let kinds: Vec<&str> = FAMILIES.iter().map(|family| family.name).collect();
    json_schema!({
        "type": "object",
        "required": ["kind"],
        "properties": {
            "kind": { "enum": kinds },
            "extra_ms": { "description": "Added to each delay.", "type": "number", "minimum": 0 }
        },
        "additionalProperties": true
    })
}

/// The delay of a network: the bounds of a uniform one, or a distribution.
pub(crate) fn network_delay(generator: &mut SchemaGenerator) -> Schema {
    let bound = json_schema!({ "type": "integer", "minimum": 0 });
    json_schema!({
        "type": "object",
        "properties": { "min_delay_ms": bound, "max_delay_ms": bound, "delay": delay(generator) }
    })
}

/// A number of milliseconds.
pub(crate) fn millis(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "number", "minimum": 0 })
}

/// A list of such numbers.
pub(crate) fn list_of_millis(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": millis(generator) })
}

/// An interval within 0 to 1; an end that the sample is too small to give is null.
pub(crate) fn interval_of_shares(_: &mut SchemaGenerator) -> Schema {
    let end = json_schema!({ "type": ["number", "null"], "minimum": 0, "maximum": 1 });
    json_schema!({
        "type": "object",
        "properties": { "lower": end, "upper": end },
        "required": ["lower", "upper"]
    })
}

/// Which of two writes a follower keeps.
pub(crate) fn order(_: &mut SchemaGenerator) -> Schema {
    one_of(&[ReplicationOrder::Arrival, ReplicationOrder::Version])
}

/// Whether a link keeps copies in order.
pub(crate) fn link(_: &mut SchemaGenerator) -> Schema {
    one_of(&[LinkOrder::Independent, LinkOrder::Ordered])
}

/// What the leader does for a follower that lacks writes.
pub(crate) fn catch_up(_: &mut SchemaGenerator) -> Schema {
    one_of(&[CatchUp::Off, CatchUp::Snapshot])
}

/// How one copy of a write ended.
pub(crate) fn outcome(_: &mut SchemaGenerator) -> Schema {
    one_of(&OUTCOMES)
}

/// The same, or null.
pub(crate) fn maybe_outcome(_: &mut SchemaGenerator) -> Schema {
    one_of(&OUTCOMES.map(Some).into_iter().chain([None]).collect::<Vec<_>>())
}

const OUTCOMES: [ReplicationOutcome; 4] =
    [ReplicationOutcome::Acked, ReplicationOutcome::Failed, ReplicationOutcome::Timeout, ReplicationOutcome::Pending];

fn one_of(values: &[impl Serialize]) -> Schema {
    json_schema!({ "enum": values })
}
