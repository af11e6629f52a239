//! What was measured, and what it does not let be known, in a few sentences.

use super::model::RunReport;
use super::number::list;
use crate::model::{Capabilities, QuorumControl, RestartState, Settling, SystemFacts};

/// The measured system: its name and version, how W is set, and what it does not tell. `None` of runs
/// that were saved before that was kept.
pub(super) fn system(runs: &[RunReport]) -> Option<String> {
    let manifest = &runs.first()?.manifest;
    let facts = manifest.system.as_ref()?;
    let capabilities = &facts.capabilities;
    let broken = !manifest.config.faults.is_empty();
    let sentences = [
        Some(format!("Measured: {}. {}", named(facts), quorum(capabilities.quorum))),
        capabilities
            .ordered_log
            .then(|| "It replicates one ordered log, in which no write overtakes another.".to_owned()),
        capabilities.counts_leader.then(|| "Its own number counts the leader; W here never does.".to_owned()),
        settling(capabilities.settles).map(str::to_owned),
        broken.then(|| restart(capabilities.restart).to_owned()),
        untold(capabilities),
    ];
    Some(sentences.into_iter().flatten().collect::<Vec<_>>().join(" "))
}

/// A name and, if it told one, its version.
fn named(facts: &SystemFacts) -> String {
    let version = if facts.version.is_empty() { "(no version told)" } else { &facts.version };
    format!("`{}` {version}", facts.name)
}

const fn quorum(control: QuorumControl) -> &'static str {
    match control {
        QuorumControl::PerStart => "W is set when its nodes start.",
        QuorumControl::ByRequest => "W is set by a request once its nodes run.",
        QuorumControl::PerWrite => "W is sent with each write.",
        QuorumControl::Majority => "W cannot be set: it is a majority.",
    }
}

/// How it is known that nothing is in flight, if that is only concluded.
const fn settling(settling: Settling) -> Option<&'static str> {
    match settling {
        Settling::Reported => None,
        Settling::Quiet => Some(
            "It does not tell what is in flight: a run counts as settled once its databases stay the same for a while.",
        ),
    }
}

const fn restart(restart: RestartState) -> &'static str {
    match restart {
        RestartState::Empty => "A node that was killed comes back empty.",
        RestartState::Durable => "A node that was killed comes back with what it had acknowledged.",
        RestartState::Resync => {
            "A follower that was killed comes back with what it copies from the leader; a leader comes back empty, and \
             its followers then copy that."
        }
    }
}

/// What it does not tell; `None` if it tells everything.
fn untold(capabilities: &Capabilities) -> Option<String> {
    let parts: Vec<String> = [
        (capabilities.trace, "when a copy was sent, arrived or was acknowledged"),
        (capabilities.versions, "the order in which it numbered the writes"),
        (capabilities.trace && capabilities.own_delays, "which delays a write met"),
    ]
    .into_iter()
    .filter(|(is_told, _)| !is_told)
    .map(|(_, what)| what.to_owned())
    .collect();
    (!parts.is_empty()).then(|| {
        let each = "What rests on that is left out, and each section says so.";
        format!("It does not tell {}. {each}", list(&parts))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_told_is_named_once() {
        let lab = Capabilities::LABNODE;
        assert_eq!(untold(&lab), None);
        let expected =
            "It does not tell which delays a write met. What rests on that is left out, and each section says so.";
        assert_eq!(untold(&Capabilities { own_delays: false, ..lab }).as_deref(), Some(expected));
        let text = untold(&Capabilities { trace: false, versions: false, ..lab }).unwrap_or_default();
        let expected = "It does not tell when a copy was sent, arrived or was acknowledged, the order in which it numbered \
                        the writes and which delays a write met.";
        assert!(text.starts_with(expected), "{text}");
    }

    #[test]
    fn a_system_that_told_no_version_is_named_without_one() {
        let facts = |version: &str| {
            let (name, version) = ("redis".to_owned(), version.to_owned());
            named(&SystemFacts { name, version, capabilities: Capabilities::LABNODE })
        };
        assert_eq!((facts("7.0.15"), facts("")), ("`redis` 7.0.15".to_owned(), "`redis` (no version told)".to_owned()));
    }
}
