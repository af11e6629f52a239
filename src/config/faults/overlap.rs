//! Faults that would meet on one node or link.

use super::fault::Fault;
use super::moment::Trigger;
use crate::config::reader::{Located, Problems};

/// Reports faults that may overlap: one must end before the other begins.
pub(super) fn check_together(faults: &[Located<Fault>], path: &str, problems: &mut Problems<'_>) {
    for (index, fault) in faults.iter().enumerate() {
        let (later, span) = (&fault.value, &fault.span);
        for earlier in faults[..index].iter().map(|fault| &fault.value) {
            let conflict = later.kind.conflict(&earlier.kind, later.node);
            if let Some(conflict) = conflict.filter(|_| earlier.node == later.node) {
                problems.add(span.clone(), format!("{path}.{conflict}"));
            }
            if concern_the_same(earlier, later) && !are_apart(earlier, later) {
                let message = format!(
                    "{path}: `{later}` may overlap `{earlier}`. One must end before the other begins, both with write \
                     numbers or both with times"
                );
                problems.add(span.clone(), message);
            }
        }
    }
}

/// Whether both are done to one node itself, or both to one link.
fn concern_the_same(a: &Fault, b: &Fault) -> bool {
    let on_node = |fault: &Fault| fault.kind.hides_the_node();
    let on_link = |fault: &Fault| fault.kind.works_on_links();
    let same_node = a.node == b.node;
    let all_links = |fault: &Fault| fault.node.is_leader() && fault.kind.works_on_links();
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
