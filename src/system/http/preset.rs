//! Interfaces that many systems share.

use std::collections::BTreeMap;

use serde_json::json;

use super::body::Body;
use super::exchange::{Exchange, Status};
use super::filter::Filter;
use super::rules::{DumpBy, DumpOf, DumpRules, ReadRules, WriteRules};
use super::settings::{HttpSettings, Preset, State};
use crate::model::{NodeSpec, QuorumControl, RestartState, Text};
use crate::system::delays::DelaysBy;
use crate::system::start::{Environment, StartSettings, Template};

/// The variable that names a leader's followers.
const FOLLOWERS: &str = "FOLLOWERS";
/// The variables of the lab's node. `LISTEN_ADDR`, `NODE_NAME` and `DELAY_SEED` are those of our own.
const LAB_ENVIRONMENT: [(&str, &str); 11] = [
    ("ROLE", "{role}"),
    (FOLLOWERS, "{followers}"),
    ("WRITE_QUORUM", "{quorum}"),
    ("MIN_DELAY_MS", "{min_delay_ms}"),
    ("MAX_DELAY_MS", "{max_delay_ms}"),
    ("REPLICATION_TIMEOUT_S", "{replication_timeout_s}"),
    ("GLOBAL_REQUEST_TIMEOUT_S", "{request_timeout_s}"),
    ("PORT", "{port}"),
    ("LISTEN_ADDR", "{host}:{port}"),
    ("NODE_NAME", "{name}"),
    ("DELAY_SEED", "{seed}"),
];

/// Takes from followers what a preset gives to the leader alone, unless the table says it itself: a node that has
/// followers may take itself for a leader.
pub(super) fn trim(settings: &HttpSettings, nodes: &mut [NodeSpec]) {
    let is_preset = settings.preset == Some(Preset::Lab)
        && settings.environment.get(FOLLOWERS).is_some_and(|followers| followers.to_string() == "{followers}");
    for node in nodes.iter_mut().filter(|spec| is_preset && !spec.node.is_leader()) {
        node.environment.insert(FOLLOWERS.to_owned(), Text::new());
    }
}

/// What a preset fills in.
pub(super) fn settings(preset: Preset) -> HttpSettings {
    match preset {
        Preset::Lab => lab(),
    }
}

fn lab() -> HttpSettings {
    let mut write = Exchange::constant("PUT /kv/{key}", Some(Body::Json(json!({ "value": "{value}" }))));
    // The number of the write: a node that draws its delays by it draws the same as the lab's own.
    let number = Template::try_from("{write}".to_owned()).map(|number| ("x-write-id".to_owned(), number));
    write.headers = BTreeMap::from_iter(number.ok());
    HttpSettings {
        preset: Some(Preset::Lab),
        quorum: QuorumControl::PerStart,
        counts_leader: false,
        delays: DelaysBy::Own,
        state: State::Keys,
        restart: RestartState::Empty,
        settle_quiet_s: None,
        start: StartSettings::default(),
        environment: Environment::preset(&LAB_ENVIRONMENT),
        write: WriteRules { exchange: write, ok: None, version: None },
        read: Some(ReadRules {
            exchange: Exchange::constant("GET /kv/{key}", None),
            value: Filter::constant(".value"),
            version: None,
            absent: vec![Status::constant(404)],
        }),
        dump: Some(DumpRules {
            by: DumpBy::Request,
            of: DumpOf::All,
            exchange: Some(Exchange::constant("GET /debug/store", None)),
            entries: Filter::constant(".store | to_entries[]"),
        }),
        ready: None,
        set_quorum: None,
        reset: None,
    }
}
