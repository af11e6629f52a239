//! Reads `[system.NAME]` of kind `http`.

use super::exchange::{Exchange, REQUEST, Status};
use super::placeholders::OF_ANY;
use super::rules::{DumpRules, Preparation, ReadRules, Receivers, WriteRules};
use super::settings::{HttpSettings, Preset, State};
use super::{checks, preset};
use crate::config::{Fields, Problems, Setting, Timeout};
use crate::model::{QuorumControl, RestartState, one_of};
use crate::system::delays::DelaysBy;
use crate::system::start::{Environment, StartSettings};

/// Reads a table. `None` if something that it needs is missing, which is reported.
pub(super) fn read_table(fields: &mut Fields<'_>, problems: &mut Problems<'_>) -> Option<HttpSettings> {
    let preset = fields.optional::<Preset>("preset", problems).value;
    let filled = preset.map(preset::settings);
    let filled = filled.as_ref();
    macro_rules! preset {
        ($field:ident or $else:expr) => {
            filled.map_or($else, |filled| filled.$field.clone())
        };
    }
    let quorum = read_quorum(fields, preset!(quorum or QuorumControl::PerStart), problems);
    let counts_leader = bool::read(fields, "counts_leader", preset!(counts_leader or false), problems);
    let delays = DelaysBy::read(fields, "delays", preset!(delays or DelaysBy::Proxies), problems);
    let state = State::read(fields, "state", preset!(state or State::Keys), problems);
    let restart = RestartState::read(fields, "restart", preset!(restart or RestartState::Empty), problems);
    let settle_quiet_s = fields.optional::<Timeout>("settle_quiet_s", problems).value;
    let start = StartSettings::required(fields, "start", StartSettings::default(), problems);
    let environment =
        Environment::read(fields, "environment", preset!(environment or Environment::default()), problems);
    let has_write = filled.is_some() || fields.table.contains_key("write");
    let default = filled.map(|filled| filled.write.clone());
    let write = table(fields, "write", default, problems, WriteRules::read_from);
    let read = table(fields, "read", preset!(read or None), problems, ReadRules::read_from);
    let dump = table(fields, "dump", preset!(dump or None), problems, DumpRules::read_from);
    let ready = table(fields, "ready", preset!(ready or None), problems, |fields, default, problems| {
        Exchange::read_from(fields, default, &OF_ANY, &[Status::constant(200)], problems)
    });
    let default = preset!(set_quorum or None);
    let set_quorum = table(fields, "set_quorum", default, problems, |fields, default, problems| {
        Preparation::read_from(fields, default, Receivers::Leader, problems)
    });
    let reset = table(fields, "reset", preset!(reset or None), problems, |fields, default, problems| {
        Preparation::read_from(fields, default, Receivers::All, problems)
    });
    if !has_write {
        let path = &fields.path;
        let message =
            format!("{path}write is missing; it must be a table with the request of a write, or preset \"lab\"");
        problems.add(fields.span.clone(), message);
    }
    let settings = HttpSettings {
        preset,
        quorum,
        counts_leader,
        delays,
        state,
        restart,
        settle_quiet_s,
        start,
        environment,
        write: write?,
        read,
        dump,
        ready,
        set_quorum,
        reset,
    };
    checks::check(&settings, &fields.path, problems);
    Some(settings)
}

/// Reads a table that may be absent; `default` is the preset's. A table without what it needs is reported.
fn table<T>(
    fields: &mut Fields<'_>,
    key: &'static str,
    default: Option<T>,
    problems: &mut Problems<'_>,
    read: impl FnOnce(&mut Fields<'_>, Option<T>, &mut Problems<'_>) -> Option<T>,
) -> Option<T> {
    if !fields.table.contains_key(key) {
        // The key is known all the same.
        drop(fields.take(key));
        return default;
    }
    let mut table = fields.table(key, problems);
    let is_given = table.table.contains_key("request");
    let value = read(&mut table, default, problems);
    if value.is_none() && !is_given {
        let message = format!("{}request is missing; it must be {}", table.path, REQUEST);
        problems.add(table.span.clone(), message);
    }
    table.finish(problems);
    value
}

/// How W is set. No system of this kind is known to wait for a majority by itself.
fn read_quorum(fields: &mut Fields<'_>, default: QuorumControl, problems: &mut Problems<'_>) -> QuorumControl {
    let read = fields.located("quorum", default, problems);
    if read.value == QuorumControl::Majority {
        let accepted = one_of(&["per_start", "by_request", "per_write"]);
        problems.add(read.span, format!("{}quorum must be {accepted}, not \"majority\"", fields.path));
        return default;
    }
    read.value
}
