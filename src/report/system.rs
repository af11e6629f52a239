//! What was measured, and what it does not let be known, in a few sentences.

use super::labels;
use super::model::RunReport;
use super::number::list_of_choices;
use crate::model::{Capabilities, QuorumControl, RestartState, Settling, TimeSpan};

/// The measured system: its name and version, how W is set, and what it does not tell. `None` of runs
/// that were saved before that was kept.
pub(super) fn system(runs: &[RunReport]) -> Option<String> {
    let manifest = &runs.first()?.manifest;
    let facts = manifest.system.as_ref()?;
    let capabilities = &facts.capabilities;
    let broken = !manifest.config.faults.is_empty();
    let sentences = [
        Some(format!(
            "Measured: {}. {}",
            labels::system(&format!("`{}`", facts.name), &facts.version),
            quorum(capabilities.quorum)
        )),
        (!facts.remarks.is_empty()).then(|| facts.remarks.join(" ")),
        capabilities
            .ordered_log
            .then(|| "It replicates one ordered log, in which no write overtakes another.".to_owned()),
        capabilities.append_log.then(|| {
            "Its state is one list of messages: what is compared for each key elsewhere is compared here for each place in \
             the list, so one lost message moves all behind it."
                .to_owned()
        }),
        capabilities.counts_leader.then(|| "Its own number counts the leader; W here never does.".to_owned()),
        capabilities.acks_unseen.then(|| {
            "A follower acknowledges a write before it shows it to readers: these see what clients see, and not what the \
             follower has received."
                .to_owned()
        }),
        settling(capabilities.settles, manifest.quiet_us),
        broken.then(|| restart(capabilities.restart).to_owned()),
        (!capabilities.reads).then(|| {
            "It cannot be read while writes are under way, so no reader asked the followers which writes they had."
                .to_owned()
        }),
        untold(capabilities, runs.iter().any(|run| run.is_outside)),
    ];
    Some(sentences.into_iter().flatten().collect::<Vec<_>>().join(" "))
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
fn settling(settling: Settling, quiet: Option<TimeSpan>) -> Option<String> {
    let untold = "It does not tell what is in flight: a run counts as settled once its databases stay the same for";
    match settling {
        Settling::Reported => None,
        Settling::Quiet => {
            let long = quiet.map_or_else(|| "a while".to_owned(), |quiet| format!("{} s", quiet.as_secs()));
            Some(format!("{untold} {long}."))
        }
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

/// What it does not tell; `None` if it tells everything. Readers may have seen some of it from outside.
fn untold(capabilities: &Capabilities, is_outside: bool) -> Option<String> {
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
        let or_seen = if is_outside { " or seen from outside" } else { "" };
        let each = format!("What rests on that is left out{or_seen}, and each section says so.");
        format!("It does not tell {}. {each}", list_of_choices(&parts))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_told_is_named_once() {
        let lab = Capabilities::LABNODE;
        assert_eq!(untold(&lab, false), None);
        let expected =
            "It does not tell which delays a write met. What rests on that is left out, and each section says so.";
        assert_eq!(untold(&Capabilities { own_delays: false, ..lab }, false).as_deref(), Some(expected));
        let text = untold(&Capabilities { trace: false, versions: false, ..lab }, false).unwrap_or_default();
        let expected = "It does not tell when a copy was sent, arrived or was acknowledged, the order in which it numbered \
                        the writes or which delays a write met.";
        assert!(text.starts_with(expected), "{text}");
    }
}
