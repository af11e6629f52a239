//! Breaks things while the load runs, when the experiment says so, and keeps what was done when.

use std::collections::BTreeSet;
use std::future::Future;
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use super::failover::LeaderDeath;
use super::settle::Aftermath;
use crate::cluster::ClusterError;
use crate::config::{Fault, FaultAction, Trigger};
use crate::data::FaultRow;
use crate::model::{Act, Micros, NodeId, TimeSpan, WriteId};
use crate::system::Clock;

/// Does to a cluster what a fault says.
pub trait Injector: Sync {
    /// Carries one action out. A node that is to be reachable afterwards answers when this is done.
    ///
    /// # Errors
    /// [`ClusterError`] where it could not be done.
    fn inject(&self, action: &FaultAction) -> impl Future<Output = Result<(), ClusterError>> + Send;

    /// What faults.csv tells of an action beyond its kind.
    fn detail(&self, action: &FaultAction) -> Option<String> {
        action.detail.clone()
    }

    /// Has the delays of proxies begin now, if there are proxies.
    ///
    /// # Errors
    /// [`ClusterError`] if a proxy does not take orders.
    fn start_epoch(&self) -> impl Future<Output = Result<(), ClusterError>> + Send {
        std::future::ready(Ok(()))
    }
}

/// For experiments in which nothing is broken.
#[derive(Debug, Clone, Copy)]
pub struct NoFaults;

impl Injector for NoFaults {
    async fn inject(&self, action: &FaultAction) -> Result<(), ClusterError> {
        Err(ClusterError::Setup(format!("{action}: nothing can be broken here")))
    }
}

/// How far the load has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct LoadState {
    /// How many writes have been started; they start in the order of their numbers.
    pub(super) started: u64,
    /// Whether the last answer has come.
    pub(super) over: bool,
    /// The write that was acknowledged first.
    pub(super) acknowledged: Option<WriteId>,
    /// How many writes in a row had no answer, where that are too many.
    pub(super) unanswered: Option<u64>,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    at: Trigger,
    action: FaultAction,
    /// The step that has to be done before.
    after: Option<usize>,
    done: bool,
}

/// What is to be done, and what was.
pub(super) struct FaultRun<'a, I> {
    steps: Vec<Step>,
    injector: &'a I,
    clock: &'a Clock,
    /// What was done; times are on the clock.
    timeline: Vec<FaultRow>,
    hidden: BTreeSet<NodeId>,
    /// Who is told once of the leader's death.
    on_death: Option<oneshot::Sender<LeaderDeath>>,
}

impl<'a, I: Injector> FaultRun<'a, I> {
    pub(super) fn new(faults: &[Fault], injector: &'a I, clock: &'a Clock) -> Self {
        let mut steps = Vec::new();
        for fault in faults {
            let begin = Step { at: fault.at, action: fault.beginning(), after: None, done: false };
            let after = Some(steps.len());
            steps.push(begin);
            steps.extend(fault.until.map(|at| Step { at, action: fault.ending(), after, done: false }));
        }
        Self { steps, injector, clock, timeline: Vec::new(), hidden: BTreeSet::new(), on_death: None }
    }

    /// Tells of the leader's death once it is in force. What comes is an error if the load is over before.
    pub(super) fn leader_death(&mut self) -> oneshot::Receiver<LeaderDeath> {
        let (tell, death) = oneshot::channel();
        self.on_death = Some(tell);
        death
    }

    /// Does what is to be in force from the first write on.
    pub(super) async fn before_load(&mut self) -> Result<(), ClusterError> {
        while let Some(index) = self.next(|step| step.at.is_before_load()) {
            self.carry_out(index).await?;
        }
        Ok(())
    }

    /// Does each step when its time comes, one after the other, until the load is over. What
    /// has not come up by then never happens; what has begun is finished.
    pub(super) async fn run(
        &mut self,
        start_us: Micros,
        mut load: watch::Receiver<LoadState>,
    ) -> Result<(), ClusterError> {
        while self.steps.iter().any(|step| !step.done) {
            let state = *load.borrow_and_update();
            if state.over {
                break;
            }
            let now_us = self.now();
            if let Some(index) = self.next(|step| is_due(step.at, state.started, now_us.since(start_us))) {
                self.carry_out(index).await?;
                continue;
            }
            let next = self.steps.iter().filter(|step| self.is_open(step)).filter_map(|step| time_of(step.at)).min();
            let wait = next.map(|at| (start_us + TimeSpan::from(at)).since(now_us).to_duration());
            tokio::select! {
                biased;
                // The sender lives as long as the load.
                _ = load.changed() => {}
                () = sleep(self.clock, wait) => {}
            }
        }
        self.on_death = None;
        Ok(())
    }

    /// The first step, in the order of the file, that is open and fit.
    fn next(&self, fit: impl Fn(&Step) -> bool) -> Option<usize> {
        self.steps.iter().position(|step| self.is_open(step) && fit(step))
    }

    fn is_open(&self, step: &Step) -> bool {
        !step.done && step.after.and_then(|before| self.steps.get(before)).is_none_or(|before| before.done)
    }

    async fn carry_out(&mut self, index: usize) -> Result<(), ClusterError> {
        let is_for_good = !self.steps.iter().any(|step| step.after == Some(index));
        let Some(step) = self.steps.get_mut(index) else { return Ok(()) };
        step.done = true;
        let action = step.action.clone();
        let begun_us = self.now();
        self.injector.inject(&action).await?;
        let ended_us = self.now();
        match Act::leave_reachable(&action.acts) {
            Some(true) => drop(self.hidden.remove(&action.node)),
            Some(false) => drop(self.hidden.insert(action.node)),
            None => {}
        }
        if action.node.is_leader()
            && action.event.ends_the_node()
            && is_for_good
            && let Some(tell) = self.on_death.take()
        {
            // Nobody listens if no follower is to take its place.
            let _ = tell.send(LeaderDeath { begun_us, hidden: self.hidden.clone() });
        }
        self.timeline.push(FaultRow {
            begun_us,
            ended_us,
            kind: action.event,
            detail: self.injector.detail(&action),
            node: action.node,
        });
        Ok(())
    }

    fn now(&self) -> Micros {
        self.clock.now_us().into()
    }

    /// Whether a client can ask this node now.
    pub(super) fn is_hidden(&self, node: NodeId) -> bool {
        self.hidden.contains(&node)
    }

    /// What the faults have left behind.
    pub(super) fn aftermath(&self) -> Aftermath {
        let has_ended = |begin| self.steps.iter().any(|step| step.after == Some(begin) && step.done);
        let begun = self.steps.iter().enumerate().filter(|(_, step)| step.after.is_none() && step.done);
        let broken = begun.filter(|(begin, _)| !has_ended(*begin)).map(|(_, step)| step.action.node.to_string());
        let ends = |row: &&FaultRow| row.kind.ended_by().is_none();
        let mended = self.timeline.iter().filter(ends).map(|row| row.ended_us).max();
        Aftermath { broken: broken.collect(), mended_us: mended }
    }

    /// What was done, with times from the start of the load.
    pub(super) fn rows(&self, start_us: Micros) -> Vec<FaultRow> {
        let row = |row: &FaultRow| FaultRow {
            begun_us: row.begun_us - start_us,
            ended_us: row.ended_us - start_us,
            ..row.clone()
        };
        self.timeline.iter().map(row).collect()
    }
}

fn is_due(at: Trigger, started: u64, elapsed_us: TimeSpan) -> bool {
    match at {
        Trigger::Write(write) => started > write,
        Trigger::After(elapsed) => elapsed.duration() <= elapsed_us.to_duration(),
    }
}

fn time_of(at: Trigger) -> Option<Duration> {
    match at {
        Trigger::Write(_) => None,
        Trigger::After(elapsed) => Some(elapsed.duration()),
    }
}

/// Waits on the clock; for ever without a time.
async fn sleep(clock: &Clock, wait: Option<Duration>) {
    match wait {
        Some(wait) => clock.sleep(wait).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
