//! `[[experiment.NAME.fault]]`, each problem with its place.

use std::ops::Range;

use serde::Deserialize;
use serde::de::IntoDeserializer;
use toml::de::DeValue;

use super::{Fields, Located, Problems, as_table};
use crate::config::fault::{CutFrom, Elapsed, Fault, FaultKind, Trigger};
use crate::config::network::DelayRange;
use crate::config::types::{Followers, WriteCount};
use crate::data::{LEADER, follower_name};

/// What a fault must fit.
pub(super) struct Lab {
    pub(super) followers: Followers,
    pub(super) writes: WriteCount,
}

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
/// left out.
pub(super) fn read_faults(fields: &mut Fields<'_>, lab: &Lab, problems: &mut Problems<'_>) -> Vec<Fault> {
    let Some(list) = fields.take("fault") else {
        return Vec::new();
    };
    let (span, path) = (list.span(), format!("{}fault.", fields.path));
    let DeValue::Array(tables) = list.into_inner() else {
        let name = path.trim_end_matches('.');
        problems.add(span, format!("{name} is a list of tables, [[{name}]]"));
        return Vec::new();
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
    faults.into_iter().map(|fault| fault.value).collect()
}

fn read_fault(fields: &mut Fields<'_>, lab: &Lab, problems: &mut Problems<'_>) -> Option<Fault> {
    for key in ["at", "node", "kind"].into_iter().filter(|key| !fields.table.contains_key(*key)) {
        problems.add(fields.span.clone(), format!("{}{key} is missing", fields.path));
    }
    let at = read_trigger(fields, "at", lab, problems);
    let until = read_trigger(fields, "until", lab, problems);
    let node = read_node(fields, lab, problems);
    let kind = read_kind(fields, problems);
    if let (Some(at), Some(until)) = (&at, &until)
        && !may_follow(at.value, until.value)
    {
        let message = format!("{}until ({}) must come after at ({})", fields.path, until.value, at.value);
        problems.add(until.span.clone(), message);
    }
    let (at, node, kind) = (at?, node?, kind?);
    if node.value == LEADER {
        check_leader(&node.span, kind, until.as_ref(), fields, problems);
    }
    Some(Fault { at: at.value, node: node.value, kind, until: until.map(|until| until.value) })
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
        DeValue::String(text) => text.parse::<Elapsed>().map(Trigger::After),
        DeValue::Integer(_) => match u64::deserialize(value.into_deserializer()) {
            Ok(write) if write < u64::from(lab.writes.get()) => Ok(Trigger::Write(write)),
            _ => Err(format!("a write's number is 0 to {}", lab.writes.get() - 1)),
        },
        other => {
            let kind = other.type_str();
            Err(format!("a moment is a write's number, or a time such as \"3.5s\", not a value of type {kind}"))
        }
    };
    match trigger {
        Ok(value) => Some(Located { value, span, good: true }),
        Err(message) => {
            problems.add(span, format!("{}{key}: {message}", fields.path));
            None
        }
    }
}

fn read_node(fields: &mut Fields<'_>, lab: &Lab, problems: &mut Problems<'_>) -> Option<Located<String>> {
    let name = fields.value::<Option<String>>("node", None, problems);
    let value = name.value?;
    let followers = lab.followers.get() as usize;
    if value != LEADER && !(0..followers).any(|index| follower_name(index) == value) {
        let message = format!("{}node: the nodes are leader and f1 to f{followers}, not `{value}`", fields.path);
        problems.add(name.span, message);
        return None;
    }
    Some(Located { value, span: name.span, good: true })
}

fn read_kind(fields: &mut Fields<'_>, problems: &mut Problems<'_>) -> Option<FaultKind> {
    let kind = fields.value::<Option<Kind>>("kind", None, problems);
    let from = fields.value::<Option<CutFrom>>("from", None, problems);
    let delay = fields.value::<Option<u32>>("delay_ms", None, problems);
    let value = kind.value?;
    let path = fields.path.clone();
    if from.value.is_some() && value != Kind::Partition {
        problems.add(from.span, format!("{path}from belongs to kind = \"partition\""));
    }
    if delay.value.is_some() && value != Kind::Slow {
        problems.add(delay.span.clone(), format!("{path}delay_ms belongs to kind = \"slow\""));
    }
    Some(match value {
        Kind::Kill => FaultKind::Kill,
        Kind::Stop => FaultKind::Stop,
        Kind::Pause => FaultKind::Pause,
        Kind::Partition => FaultKind::Partition { from: from.value.unwrap_or(CutFrom::Leader) },
        Kind::Slow => {
            match delay.value {
                Some(ms) if (1..=DelayRange::LIMIT_MS).contains(&ms) => return Some(FaultKind::Slow { delay_ms: ms }),
                Some(ms) => {
                    problems.add(delay.span, format!("{path}delay_ms is 1 to {}, not {ms}", DelayRange::LIMIT_MS));
                }
                None if delay.good => {
                    problems.add(kind.span, format!("{path}kind = \"slow\" wants delay_ms, how much is added"));
                }
                None => {}
            }
            return None;
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
                "{path}until: a leader that ended does not come back: it would be empty and number its writes anew"
            );
            problems.add(until.span.clone(), message);
        }
        (FaultKind::Partition { from: CutFrom::Leader }, _) => {
            problems.add(node.clone(), format!("{path}node: to cut the leader off, say from = \"all\""));
        }
        (FaultKind::Slow { .. }, _) => {
            let message = format!("{path}node: the way to a follower is slowed; for all of them see network");
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
                let message = format!("{path}delay_ms: {} is slowed by {one} ms already; one value a node", later.node);
                problems.add(span.clone(), message);
            }
            if concern_the_same(earlier, later) && !are_apart(earlier, later) {
                let message = format!(
                    "{}: `{later}` may overlap `{earlier}`; one has to end before the other begins, both by write \
                     numbers or both by times",
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
    let all_links = |fault: &Fault| fault.node == LEADER && on_link(fault);
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
