//! Whether reads show what was written. A mapping whose `value` finds nothing in an answer makes every follower look
//! as if it had nothing, so the first write that was acknowledged is read back, once.

use std::time::Duration;

use tokio::sync::watch;

use super::faults::LoadState;
use super::plan::Plan;
use crate::config::Experiment;
use crate::model::{Capabilities, NodeId};
use crate::system::{Clock, Explained, PlannedWrite, ProbeStep, Session, SessionError};

/// How much longer than the longest delay a write may stay unseen.
const MARGIN: Duration = Duration::from_secs(2);
/// How often the nodes are asked meanwhile.
const POLL: Duration = Duration::from_millis(20);

/// Whether a run that makes reads has to try what they give: not of a system that tells by a trace what it holds, of a log,
/// which has no keys, or where the experiment breaks the leader.
pub(super) fn applies(capabilities: &Capabilities, experiment: &Experiment) -> bool {
    let is_sound = experiment.faults.iter().all(|fault| !fault.node.is_leader());
    !capabilities.trace && !capabilities.append_log && is_sound
}

/// Waits for the first acknowledged write of the load, and reads its key until a node shows a value of the plan. The leader
/// is asked first, and usually shows one at once.
///
/// # Errors
/// When no node shows one in time: with the leader's last answer, and what was made of it.
pub(super) async fn read_back(
    session: &dyn Session,
    plan: &Plan,
    experiment: &Experiment,
    clock: &Clock,
    mut load: watch::Receiver<LoadState>,
) -> Result<(), SessionError> {
    let reached = load.wait_for(|state| state.over || state.acknowledged.is_some()).await;
    let acknowledged = reached.ok().and_then(|state| state.acknowledged);
    let index = acknowledged.and_then(|write| usize::try_from(write.get()).ok());
    let Some(write) = index.and_then(|index| plan.writes.get(index)) else { return Ok(()) };
    let limit = experiment.network.longest_delay(experiment.followers.get()) + MARGIN;
    for _ in 0..limit.as_millis().div_ceil(POLL.as_millis()) {
        for node in NodeId::all(experiment.followers) {
            if session.read(node, &write.key).await.is_ok_and(|found| found.is_some_and(|f| is_planned(plan, &f.value)))
            {
                return Ok(());
            }
        }
        clock.sleep(POLL).await;
    }
    Err(unseen(session, write).await)
}

fn is_planned(plan: &Plan, value: &str) -> bool {
    plan.write_of(value).is_some()
}

/// Why a write was not seen, by one more answer of the leader.
async fn unseen(session: &dyn Session, write: &PlannedWrite) -> SessionError {
    let (leader, key) = (NodeId::Leader, write.key.as_str());
    let (question, why) = match session.explain(ProbeStep::Read(leader, key)).await {
        Some(explained) => (explained.request.clone(), in_words(explained)),
        None => (format!("read {key}"), what_came(session, key).await),
    };
    let reason = format!("{:?} was written to {key} and acknowledged, and no read shows it: {why}", write.value);
    SessionError::new(leader, question, reason).lasting()
}

/// An answer, and what each rule made of it.
fn in_words(explained: Explained) -> String {
    let told = match explained.result {
        // It quotes rule and answer.
        Err(reason) => return reason,
        Ok(told) => told,
    };
    let mut parts: Vec<String> = explained.rules.iter().map(ToString::to_string).collect();
    if parts.is_empty() {
        parts.push(told);
    }
    format!("{}; the answer was: {}", parts.join("; "), explained.answer)
}

/// The answer of a system that does not take its requests apart.
async fn what_came(session: &dyn Session, key: &str) -> String {
    match session.read(NodeId::Leader, key).await {
        Ok(Some(found)) => format!("it gives {:?}", found.value),
        Ok(None) => "it gives nothing".to_owned(),
        Err(error) => error.reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::record::tests::OneStore;
    use crate::model::WriteId;

    /// What reading back comes to where a write is acknowledged, and how long it takes.
    async fn told(session: &OneStore, acknowledged: Option<WriteId>) -> (Option<String>, u64) {
        let (clock, experiment) = (Clock::at_zero(), Experiment::default());
        let plan = Plan::new(&experiment.workload, experiment.seed);
        session.write(&plan.writes[3]).await;
        let (load, state) = watch::channel(LoadState { over: true, acknowledged, ..LoadState::default() });
        let read = read_back(session, &plan, &experiment, &clock, state).await;
        drop(load);
        (read.err().map(|error| error.to_string()), clock.now_us())
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_a_read_shows_takes_one_read() {
        assert_eq!(told(&OneStore::default(), Some(WriteId::new(3))).await, (None, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_load_of_which_nothing_was_acknowledged_has_nothing_to_read_back() {
        assert_eq!(told(&OneStore { is_blind: true, ..OneStore::default() }, None).await, (None, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_no_read_shows_is_told_once_a_copy_had_the_time_to_arrive() {
        let (told, waited_us) = told(&OneStore { is_blind: true, ..OneStore::default() }, Some(WriteId::new(3))).await;
        let expected =
            "leader: read k3: \"v3\" was written to k3 and acknowledged, and no read shows it: it gives nothing";
        assert_eq!(told.as_deref(), Some(expected));
        assert_eq!(waited_us, 3_000_000);
    }
}
