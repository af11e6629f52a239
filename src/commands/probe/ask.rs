//! What is asked, and whether the answers agree with each other.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::config::Experiment;
use crate::model::{NodeId, TimeSpan, WriteId, WriteOutcome};
use crate::system::{Clock, Explained, PlannedWrite, ProbeStep, Session};

/// How long after the longest delay a copy may still arrive.
const ARRIVAL_MARGIN: Duration = Duration::from_secs(2);
/// How often the follower is looked at.
const ARRIVAL_POLL: Duration = Duration::from_millis(20);
/// The key that is written and read.
const KEY: &str = "probe-a";
/// The key that is written twice, to see its version grow.
const VERSIONED_KEY: &str = "probe-b";

/// What was asked and answered.
#[derive(Debug, Default)]
pub(super) struct Probed {
    /// Every request, in order, with what it was for.
    pub(super) steps: Vec<(&'static str, Explained)>,
    /// What is wrong with the mapping, or with the system. Empty if a run can measure it.
    pub(super) problems: Vec<String>,
}

/// Writes, reads and dumps. What cannot be asked is said, and the rest is asked all the same.
pub(super) async fn ask(session: &dyn Session, experiment: &Experiment, clock: &Clock) -> Probed {
    let mut probed = Probed::default();
    let first = planned(0, KEY);
    if probed.write(session, &first, "write").await.is_some() {
        let earlier = probed.write(session, &planned(1, VERSIONED_KEY), "second write, to another key").await;
        let later = probed.write(session, &planned(2, VERSIONED_KEY), "third write, to the same key").await;
        if let Some((earlier, later)) = earlier.zip(later).filter(|(earlier, later)| later <= earlier) {
            let message =
                format!("write.version: at {VERSIONED_KEY} version {later} came after version {earlier}, and a");
            probed.problems.push(format!("{message} version has to grow with each write of a key: leave the rule out"));
        }
    }
    probed.read_and_dump(session, NodeId::Leader, &first).await;
    if !probed.problems.is_empty() {
        // What is wrong with the leader's answers is wrong with the followers', and hides whether they have anything.
        return probed;
    }
    let limit = experiment.network.longest_delay(experiment.followers.get()) + ARRIVAL_MARGIN;
    match arrival(session, experiment, &first, limit, clock).await {
        Some(follower) => probed.read_and_dump(session, follower, &first).await,
        None => {
            probed.read_and_dump(session, NodeId::Follower(0), &first).await;
            let message = format!("no follower has the write after {:.1} s", limit.as_secs_f64());
            let advice = "is the leader told where its followers are, in the form that it expects?";
            probed.problems.push(format!("{message}: {advice}"));
        }
    }
    probed
}

fn planned(id: u64, key: &str) -> PlannedWrite {
    // Nodes that run already may hold what an earlier probe wrote.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    PlannedWrite { id: WriteId::new(id), key: key.into(), value: format!("value-{}", now.as_micros()) }
}

/// The first follower that has a write. `None` if none has it within the limit.
async fn arrival(
    session: &dyn Session,
    experiment: &Experiment,
    write: &PlannedWrite,
    limit: Duration,
    clock: &Clock,
) -> Option<NodeId> {
    let polls = limit.as_millis().div_ceil(ARRIVAL_POLL.as_millis());
    for _ in 0..polls {
        for follower in NodeId::followers(experiment.followers) {
            if holds(session, follower, write).await == Ok(true) {
                return Some(follower);
            }
        }
        clock.sleep(ARRIVAL_POLL).await;
    }
    None
}

/// Whether a node has a write, by a read, or by a dump where nothing can be read.
async fn holds(session: &dyn Session, node: NodeId, write: &PlannedWrite) -> Result<bool, String> {
    if let Ok(found) = session.read(node, &write.key).await {
        return Ok(found.is_some_and(|found| found.value == write.value));
    }
    let dump = session.dump(node).await.map_err(|error| error.to_string())?;
    Ok(dump.store.values().any(|value| *value == write.value))
}

impl Probed {
    /// Sends a write. Its version, if it succeeded and has one.
    async fn write(&mut self, session: &dyn Session, write: &PlannedWrite, what: &'static str) -> Option<u64> {
        let explained = match session.explain(ProbeStep::Write(write)).await {
            Some(explained) => explained,
            None => {
                let answer = session.write(write).await;
                let result = match answer.outcome {
                    WriteOutcome::Ok => Ok("ok".to_owned()),
                    _ => Err(answer.error.unwrap_or_else(|| "it failed".to_owned())),
                };
                untold(NodeId::Leader, format!("write {} = {}", write.key, write.value), result)
            }
        };
        let version =
            explained.rules.iter().find(|rule| rule.key == "write.version").and_then(|rule| rule.gave.clone().ok());
        let version = version.filter(|_| explained.result.is_ok()).and_then(|version| version.parse().ok());
        self.add(what, explained);
        version
    }

    /// Reads what was written, and dumps the node.
    async fn read_and_dump(&mut self, session: &dyn Session, node: NodeId, write: &PlannedWrite) {
        let told = session.explain(ProbeStep::Read(node, &write.key)).await;
        match session.read(node, &write.key).await {
            // Nothing says how a key is read, which a log need not.
            Err(_) if told.is_none() && session.can_dump(node) => {}
            read => {
                let shown = match &read {
                    Ok(Some(found)) => Ok(found.value.clone()),
                    Ok(None) => Ok("the node does not have the key".to_owned()),
                    Err(error) => Err(error.to_string()),
                };
                self.add("read", told.unwrap_or_else(|| untold(node, format!("read {}", write.key), shown)));
                if let Ok(found) = read
                    && found.as_ref().is_none_or(|found| found.value != write.value)
                {
                    let found = found.map_or("nothing".to_owned(), |found| format!("{:?}", found.value));
                    self.problems.push(format!("{node}: read gives {found} for {}, not {:?}", write.key, write.value));
                }
            }
        }
        if !session.can_dump(node) {
            return;
        }
        let told = session.explain(ProbeStep::Dump(node)).await;
        let dump = session.dump(node).await;
        let shown = match &dump {
            Ok(dump) => Ok(entries(dump.store.len())),
            Err(error) => Err(error.to_string()),
        };
        self.add("dump", told.unwrap_or_else(|| untold(node, "dump".to_owned(), shown)));
        if let Ok(dump) = dump {
            let in_place = dump.store.get(write.key.as_str()).is_some_and(|value| *value == write.value);
            // The entries of a log have places, and no keys.
            let in_log =
                dump.store.keys().all(|key| key.starts_with('#')) && dump.store.values().any(|v| *v == write.value);
            if !in_place && !in_log {
                let message =
                    format!("{node}: its dump has {}, and none has key {}", entries(dump.store.len()), write.key);
                self.problems.push(format!("{message} and value {:?}", write.value));
            }
        }
    }

    fn add(&mut self, what: &'static str, explained: Explained) {
        if let Err(reason) = &explained.result {
            self.problems.push(format!("{}: {what}: {reason}", explained.node));
        }
        self.steps.push((what, explained));
    }
}

/// `1 entry`, `2 entries`.
fn entries(number: usize) -> String {
    if number == 1 { "1 entry".to_owned() } else { format!("{number} entries") }
}

/// A request of a system that does not take its requests apart.
fn untold(node: NodeId, request: String, result: Result<String, String>) -> Explained {
    Explained {
        node,
        request,
        headers: Vec::new(),
        body: None,
        status: None,
        answer: String::new(),
        answer_bytes: 0,
        latency_us: TimeSpan::default(),
        rules: Vec::new(),
        result,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn one_entry_is_no_plural() {
        assert_eq!([0, 1, 2].map(super::entries), ["0 entries", "1 entry", "2 entries"]);
    }
}
