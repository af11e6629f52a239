//! `[[experiment.NAME.fault]]`, each problem with its place.

use std::ops::Range;

use serde::Deserialize;
use serde::de::IntoDeserializer;
use toml::de::DeValue;

use super::{Fields, Located, Problems, as_table};
use crate::config::fault::{CutFrom, Elapsed, Fault, FaultKind, Trigger};
use crate::config::setting::words;
use crate::config::types::{AddedMillis, WriteCount};
use crate::model::NodeId;
use crate::model::{Accepted as _, Followers};

/// What a fault must fit.
pub(super) struct Lab {
    pub(super) followers: Followers,
    pub(super) writes: WriteCount,
}

words!(Kind: "kill", "stop", "pause", "partition", "slow");

/// `kind`, without what belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Kill,
    Stop,
    Pause,
    Partition,
    Slow,
}

/// Reads the faults of an experiment, in the order of the file. One that is wrong is noted and
/// left out. Their places in the file come with them.
pub(super) fn read_faults(
    fields: &mut Fields<'_>,
    lab: &Lab,
    problems: &mut Problems<'_>,
) -> (Vec<Fault>, Vec<Range<usize>>) {
    let Some(list) = fields.take("fault") else {
        return (Vec::new(), Vec::new());
    };
    let (span, path) = (list.span(), format!("{}fault.", fields.path));
    let DeValue::Array(tables) = list.into_inner() else {
        let name = path.trim_end_matches('.');
        problems.add(span, format!("{name} must be a list of tables, [[{name}]]"));
        return (Vec::new(), Vec::new());
    };
    let mut faults: Vec<Located<Fault>> = Vec::new();
    for table in tables {
        let mut table = as_table(table, &path, problems);
        let fault = read_fault(&mut table, lab, problems);
        let span = table.span.clone();
        table.finish(problems);
        if let Some(value) = fault {
            faults.push(Located { value, span, good: true });
        }
    }
    check_together(&faults, &path, problems);
    faults.into_iter().map(|fault| (fault.value, fault.span)).unzip()
}

fn read_fault(fields: &mut Fields<'_>, lab: &Lab, problems: &mut Problems<'_>) -> Option<Fault> {
    for (key, accepted) in [("at", moment(lab)), ("node", node_names(lab)), ("kind", Kind::accepted())] {
        if !fields.table.contains_key(key) {
            problems.add(fields.span.clone(), format!("{}{key} is missing; it must be {accepted}", fields.path));
        }
    }
    let at = read_trigger(fields, "at", lab, problems);
    let until = read_trigger(fields, "until", lab, problems);
    let node = read_node(fields, lab, problems);
    let kind = read_kind(fields, problems);
    if let (Some(at), Some(until)) = (&at, &until)
        && !may_follow(at.value, until.value)
    {
        let message = format!("{}until must be later than at ({}), not {}", fields.path, at.value, until.value);
        problems.add(until.span.clone(), message);
    }
    let (at, node, kind) = (at?, node?, kind?);
    if node.value.is_leader() {
        check_leader(&node.span, kind, until.as_ref(), fields, problems);
    }
    Some(Fault { at: at.value, node: node.value, kind, until: until.map(|until| until.value) })
}

/// What `at` and `until` must be.
fn moment(lab: &Lab) -> String {
    let last = lab.writes.get() - 1;
    format!("the number of a write from 0 to {last}, or a time up to an hour such as \"3.5s\" or \"250ms\"")
}

/// What `node` must be.
fn node_names(lab: &Lab) -> String {
    format!("\"leader\" or a follower, \"f1\" to \"f{}\"", lab.followers)
}

/// A write's number that the load has, or a time.
fn read_trigger(
    fields: &mut Fields<'_>,
    key: &'static str,
    lab: &Lab,
    problems: &mut Problems<'_>,
) -> Option<Located<Trigger>> {
    let value = fields.take(key)?;
    let span = value.span();
    let trigger = match value.get_ref() {
        DeValue::String(text) => text.parse::<Elapsed>().ok().map(Trigger::After),
        DeValue::Integer(_) => {
            let write = u64::deserialize(value.into_deserializer()).ok();
            write.filter(|write| *write < u64::from(lab.writes.get())).map(Trigger::Write)
        }
        _ => None,
    };
    if trigger.is_none() {
        let shown = problems.shown(&span);
        problems.add(span.clone(), format!("{}{key} must be {}, not {shown}", fields.path, moment(lab)));
    }
    trigger.map(|value| Located { value, span, good: true })
}

fn read_node(fields: &mut Fields<'_>, lab: &Lab, problems: &mut Problems<'_>) -> Option<Located<NodeId>> {
    let value = fields.take("node")?;
    let span = value.span();
    let node = value.get_ref().as_str().and_then(|name| name.parse::<NodeId>().ok());
    let node = node.filter(|node| node.is_in(lab.followers));
    if node.is_none() {
        let shown = problems.shown(&span);
        problems.add(span.clone(), format!("{}node must be {}, not {shown}", fields.path, node_names(lab)));
    }
    node.map(|value| Located { value, span, good: true })
}

fn read_kind(fields: &mut Fields<'_>, problems: &mut Problems<'_>) -> Option<FaultKind> {
    let kind = fields.value::<Option<Kind>>("kind", None, problems);
    let from = fields.value::<Option<CutFrom>>("from", None, problems);
    let delay = fields.value::<Option<AddedMillis>>("delay_ms", None, problems);
    let value = kind.value?;
    let path = fields.path.clone();
    if from.value.is_some() && value != Kind::Partition {
        problems.add(from.span, format!("{path}from is for kind = \"partition\" alone; leave it out"));
    }
    if delay.value.is_some() && value != Kind::Slow {
        problems.add(delay.span.clone(), format!("{path}delay_ms is for kind = \"slow\" alone; leave it out"));
    }
    Some(match value {
        Kind::Kill => FaultKind::Kill,
        Kind::Stop => FaultKind::Stop,
        Kind::Pause => FaultKind::Pause,
        Kind::Partition => FaultKind::Partition { from: from.value.unwrap_or(CutFrom::Leader) },
        Kind::Slow => {
            if delay.value.is_none() && delay.good {
                let accepted = AddedMillis::accepted();
                let message = format!("{path}kind = \"slow\" needs delay_ms, the milliseconds it adds: {accepted}");
                problems.add(kind.span, message);
            }
            FaultKind::Slow { delay_ms: delay.value?.get() }
        }
    })
}

/// What cannot be done to a leader.
fn check_leader(
    node: &Range<usize>,
    kind: FaultKind,
    until: Option<&Located<Trigger>>,
    fields: &Fields<'_>,
    problems: &mut Problems<'_>,
) {
    let path = &fields.path;
    match (kind, until) {
        (FaultKind::Kill | FaultKind::Stop, Some(until)) => {
            let message = format!(
                "{path}until: a leader that was killed or stopped cannot come back: it would be empty and number its \
                 writes from 1 again. Leave out until"
            );
            problems.add(until.span.clone(), message);
        }
        (FaultKind::Partition { from: CutFrom::Leader }, _) => {
            problems.add(node.clone(), format!("{path}node: to cut off the leader, set from = \"all\""));
        }
        (FaultKind::Slow { .. }, _) => {
            let message = format!(
                "{path}node must be a follower: what the leader sends to it is slowed. To slow every follower, set \
                 the delay of the network"
            );
            problems.add(node.clone(), message);
        }
        _ => {}
    }
}

/// Whether `until` is, or may be, after `at`: a write and a time cannot be compared.
fn may_follow(at: Trigger, until: Trigger) -> bool {
    match (at, until) {
        (Trigger::Write(at), Trigger::Write(until)) => at < until,
        (Trigger::After(at), Trigger::After(until)) => at < until,
        _ => !until.is_before_load(),
    }
}

/// Faults that meet in one node must have an order.
fn check_together(faults: &[Located<Fault>], path: &str, problems: &mut Problems<'_>) {
    for (index, fault) in faults.iter().enumerate() {
        let (later, span) = (&fault.value, &fault.span);
        for earlier in faults[..index].iter().map(|fault| &fault.value) {
            if let (FaultKind::Slow { delay_ms: one }, FaultKind::Slow { delay_ms: other }) = (earlier.kind, later.kind)
                && earlier.node == later.node
                && one != other
            {
                let message = format!("{path}delay_ms must be the same ({one}) in every slow fault of {}", later.node);
                problems.add(span.clone(), message);
            }
            if concern_the_same(earlier, later) && !are_apart(earlier, later) {
                let message = format!(
                    "{}: `{later}` may overlap `{earlier}`. One must end before the other begins, both with write \
                     numbers or both with times",
                    path.trim_end_matches('.')
                );
                problems.add(span.clone(), message);
            }
        }
    }
}

/// Whether both work on one node itself, or both on one way to it.
fn concern_the_same(a: &Fault, b: &Fault) -> bool {
    let on_node = |fault: &Fault| fault.kind.hides_the_node();
    let on_link = |fault: &Fault| matches!(fault.kind, FaultKind::Partition { .. } | FaultKind::Slow { .. });
    let same_node = a.node == b.node;
    let all_links = |fault: &Fault| fault.node.is_leader() && on_link(fault);
    (same_node && on_node(a) && on_node(b)) || (on_link(a) && on_link(b) && (same_node || all_links(a) || all_links(b)))
}

fn are_apart(a: &Fault, b: &Fault) -> bool {
    let before = |first: &Fault, second: &Fault| {
        first.until.is_some_and(|until| match (until, second.at) {
            (Trigger::Write(until), Trigger::Write(at)) => until <= at,
            (Trigger::After(until), Trigger::After(at)) => until <= at,
            _ => false,
        })
    };
    before(a, b) || before(b, a)
}

#[cfg(test)]
mod tests;
