//! Breaks things while the load runs, when the experiment says so, and keeps what was done when.

use std::collections::BTreeSet;
use std::future::Future;
use std::time::Duration;

use tokio::sync::watch;

use super::settle::Aftermath;
use crate::cluster::{Act, ClusterError, FaultAction};
use crate::config::{Fault, Trigger};
use crate::data::{FaultEvent, FaultRow};
use crate::model::NodeId;
use crate::system::Clock;

/// Does to a cluster what a fault says.
pub trait Injector: Sync {
    /// Carries one action out. A node that is to be reachable afterwards answers when this is done.
    ///
    /// # Errors
    /// [`ClusterError`] where it could not be done.
    fn inject(&self, action: &FaultAction) -> impl Future<Output = Result<(), ClusterError>> + Send;

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
}

impl<'a, I: Injector> FaultRun<'a, I> {
    pub(super) fn new(faults: &[Fault], injector: &'a I, clock: &'a Clock) -> Self {
        let mut steps = Vec::new();
        for fault in faults {
            let begin = Step { at: fault.at, action: FaultAction::beginning(fault), after: None, done: false };
            let after = Some(steps.len());
            steps.push(begin);
            steps.extend(fault.until.map(|at| Step { at, action: FaultAction::ending(fault), after, done: false }));
        }
        Self { steps, injector, clock, timeline: Vec::new(), hidden: BTreeSet::new() }
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
        start_us: u64,
        mut load: watch::Receiver<LoadState>,
    ) -> Result<(), ClusterError> {
        while self.steps.iter().any(|step| !step.done) {
            let state = *load.borrow_and_update();
            if state.over {
                break;
            }
            let now_us = self.clock.now_us();
            if let Some(index) = self.next(|step| is_due(step.at, state.started, now_us.saturating_sub(start_us))) {
                self.carry_out(index).await?;
                continue;
            }
            let next = self.steps.iter().filter(|step| self.is_open(step)).filter_map(|step| time_of(step.at)).min();
            let wait =
                next.map(|at| (at + Duration::from_micros(start_us)).saturating_sub(Duration::from_micros(now_us)));
            tokio::select! {
                biased;
                // The sender lives as long as the load.
                _ = load.changed() => {}
                () = sleep(self.clock, wait) => {}
            }
        }
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
        let Some(step) = self.steps.get_mut(index) else { return Ok(()) };
        step.done = true;
        let action = step.action.clone();
        let begun_us = self.clock.now_us();
        self.injector.inject(&action).await?;
        let ended_us = self.clock.now_us();
        match action.act.leaves_reachable() {
            Some(true) => drop(self.hidden.remove(&action.node)),
            Some(false) => drop(self.hidden.insert(action.node)),
            None => {}
        }
        self.timeline.push(FaultRow {
            begun_us: begun_us.cast_signed(),
            ended_us: ended_us.cast_signed(),
            kind: event(action.act),
            detail: action.detail(),
            node: action.node,
        });
        Ok(())
    }

    /// Whether a client can ask this node now.
    pub(super) fn is_hidden(&self, node: NodeId) -> bool {
        self.hidden.contains(&node)
    }

    /// Nodes that no client can ask now.
    pub(super) fn hidden(&self) -> Vec<NodeId> {
        self.hidden.iter().copied().collect()
    }

    /// What the faults have left behind.
    pub(super) fn aftermath(&self) -> Aftermath {
        let has_ended = |begin| self.steps.iter().any(|step| step.after == Some(begin) && step.done);
        let begun = self.steps.iter().enumerate().filter(|(_, step)| step.after.is_none() && step.done);
        let broken = begun.filter(|(begin, _)| !has_ended(*begin)).map(|(_, step)| step.action.node.to_string());
        let ends = |row: &&FaultRow| matches!(row.kind, FaultEvent::Restart | FaultEvent::Resume | FaultEvent::Heal);
        let mended = self.timeline.iter().filter(ends).map(|row| row.ended_us.unsigned_abs()).max();
        Aftermath { broken: broken.collect(), mended_us: mended }
    }

    /// What was done, with times from the start of the load.
    pub(super) fn rows(&self, start_us: u64) -> Vec<FaultRow> {
        let relative = |at_us: i64| at_us - start_us.cast_signed();
        let row = |row: &FaultRow| FaultRow {
            begun_us: relative(row.begun_us),
            ended_us: relative(row.ended_us),
            ..row.clone()
        };
        self.timeline.iter().map(row).collect()
    }
}

/// What `faults.csv` calls an act.
const fn event(act: Act) -> FaultEvent {
    match act {
        Act::Kill => FaultEvent::Kill,
        Act::Stop => FaultEvent::Stop,
        Act::Pause => FaultEvent::Pause,
        Act::Partition(_) => FaultEvent::Partition,
        Act::Slow { .. } => FaultEvent::Slow,
        Act::Restart => FaultEvent::Restart,
        Act::Resume => FaultEvent::Resume,
        Act::Heal(_) | Act::Hasten => FaultEvent::Heal,
    }
}

fn is_due(at: Trigger, started: u64, elapsed_us: u64) -> bool {
    match at {
        Trigger::Write(write) => started > write,
        Trigger::After(elapsed) => elapsed.duration() <= Duration::from_micros(elapsed_us),
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
