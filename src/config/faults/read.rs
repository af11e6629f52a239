//! `[[experiment.NAME.fault]]`, each problem with its place.

use serde::Deserialize;
use serde::de::IntoDeserializer;
use toml::de::DeValue;

use super::event::Beginning;
use super::fault::Fault;
use super::kind::read_kind;
use super::moment::{Elapsed, Trigger};
use super::overlap::check_together;
use crate::config::reader::{Fields, Located, Problems, Size};
use crate::config::setting::Setting;
use crate::model::{Accepted as _, NodeId};

/// The faults of an experiment, in the order of the file. A wrong one is reported and left out.
impl Setting for Vec<Fault> {
    fn read(fields: &mut Fields<'_>, key: &'static str, default: Self, problems: &mut Problems<'_>) -> Self {
        let Some(list) = fields.take(key) else {
            return default;
        };
        let (span, path) = (list.span(), format!("{}{key}", fields.path));
        let DeValue::Array(tables) = list.into_inner() else {
            problems.add(span, format!("{path} must be a list of tables, [[{path}]]"));
            return default;
        };
        let mut faults: Vec<Located<Fault>> = Vec::new();
        for table in tables {
            let mut table = fields.nested(table, format!("{path}."), problems);
            let own = format!("{path}[{}]", faults.len());
            let fault = read_fault(&own, &mut table, problems);
            let span = table.span.clone();
            table.finish(problems);
            if let Some(value) = fault {
                problems.record(own, span.clone());
                faults.push(Located { value, span, good: true });
            }
        }
        check_together(&faults, &path, problems);
        faults.into_iter().map(|fault| fault.value).collect()
    }
}

/// Reads a fault, and remembers under `own` where its values stand.
fn read_fault(own: &str, fields: &mut Fields<'_>, problems: &mut Problems<'_>) -> Option<Fault> {
    let size = fields.size;
    for (key, accepted) in [("at", moments(size)), ("node", node_names(size)), ("kind", Beginning::accepted())] {
        fields.require(key, &accepted, problems);
    }
    let at = read_trigger(fields, "at", problems);
    let until = read_trigger(fields, "until", problems);
    let node = read_node(fields, problems);
    let kind = read_kind(fields, problems);
    if let (Some(at), Some(until)) = (&at, &until)
        && !may_follow(at.value, until.value)
    {
        let message = format!("{}until must be later than at ({}), not {}", fields.path, at.value, until.value);
        problems.add(until.span.clone(), message);
    }
    let (at, node, kind) = (at?, node?, kind?);
    problems.record(format!("{own}.node"), node.span.clone());
    if let Some(until) = &until {
        problems.record(format!("{own}.until"), until.span.clone());
    }
    if let Some(refusal) = kind.settings().refusal_of_leader().filter(|_| node.value.is_leader()) {
        problems.add(node.span.clone(), format!("{}node{refusal}", fields.path));
    }
    Some(Fault { at: at.value, node: node.value, kind, until: until.map(|until| until.value) })
}

/// What `at` and `until` must be.
fn moments(size: Size) -> String {
    let last = size.writes - 1;
    format!("the number of a write from 0 to {last}, or a time up to an hour such as \"3.5s\" or \"250ms\"")
}

/// What `node` must be.
fn node_names(size: Size) -> String {
    format!("\"leader\" or a follower, \"f1\" to \"f{}\"", size.followers)
}

/// A write's number that the load has, or a time.
fn read_trigger(fields: &mut Fields<'_>, key: &'static str, problems: &mut Problems<'_>) -> Option<Located<Trigger>> {
    let value = fields.take(key)?;
    let span = value.span();
    let trigger = match value.get_ref() {
        DeValue::String(text) => text.parse::<Elapsed>().ok().map(Trigger::After),
        DeValue::Integer(_) => {
            let write = u64::deserialize(value.into_deserializer()).ok();
            write.filter(|write| *write < u64::from(fields.size.writes)).map(Trigger::Write)
        }
        _ => None,
    };
    if trigger.is_none() {
        let shown = problems.shown(&span);
        problems.add(span.clone(), format!("{}{key} must be {}, not {shown}", fields.path, moments(fields.size)));
    }
    trigger.map(|value| Located { value, span, good: true })
}

fn read_node(fields: &mut Fields<'_>, problems: &mut Problems<'_>) -> Option<Located<NodeId>> {
    let value = fields.take("node")?;
    let span = value.span();
    let node = value.get_ref().as_str().and_then(|name| name.parse::<NodeId>().ok());
    let node = node.filter(|node| node.is_in(fields.size.followers));
    if node.is_none() {
        let shown = problems.shown(&span);
        problems.add(span.clone(), format!("{}node must be {}, not {shown}", fields.path, node_names(fields.size)));
    }
    node.map(|value| Located { value, span, good: true })
}

/// Whether `until` is, or may be, after `at`: a write and a time cannot be compared.
fn may_follow(at: Trigger, until: Trigger) -> bool {
    match (at, until) {
        (Trigger::Write(at), Trigger::Write(until)) => at < until,
        (Trigger::After(at), Trigger::After(until)) => at < until,
        _ => !until.is_before_load(),
    }
}

#[cfg(test)]
mod tests;
