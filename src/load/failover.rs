//! Has a follower take the place of a leader that has died, and reads what it holds.

use std::collections::BTreeSet;
use std::future::Future;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::oneshot;

use super::snapshot::{PROOF_KEY, dump};
use crate::data::{FailoverRecord, SurvivorRow};
use crate::model::{FailoverFacts, FailoverKind, Followers, Micros, NodeId, TimeSpan};
use crate::system::{Clock, Session, SessionError};

/// How long a node may take to answer one question: of the survivors one may hang.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);
/// How long all of one step may take: to stand still, to elect, to acknowledge a first write.
const STEP_LIMIT: Duration = Duration::from_secs(60);
/// How often nodes are asked meanwhile.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// That a fault has ended the leader for good.
#[derive(Debug)]
pub(super) struct LeaderDeath {
    /// When the fault began, on the load's clock.
    pub(super) begun_us: Micros,
    /// Nodes that clients cannot reach since, the leader among them.
    pub(super) hidden: BTreeSet<NodeId>,
}

/// The followers of a leader that may die.
pub(super) struct Survivors<'a> {
    pub(super) session: &'a dyn Session,
    pub(super) clock: &'a Clock,
    pub(super) followers: Followers,
    pub(super) facts: FailoverFacts,
}

impl Survivors<'_> {
    /// Waits for the leader's death, and for a follower in its place. `None` if the load is over before. What goes wrong is
    /// part of the record: it is what a client would have met. Times are from `start_us`.
    pub(super) async fn take_over(
        self,
        death: oneshot::Receiver<LeaderDeath>,
        start_us: Micros,
    ) -> Option<FailoverRecord> {
        let LeaderDeath { begun_us, hidden } = death.await.ok()?;
        let mut record = FailoverRecord {
            died_us: begun_us - start_us,
            facts: self.facts.clone(),
            survivors: Vec::new(),
            chosen: None,
            promoted_us: None,
            first_ack_us: None,
            held: None,
            error: None,
        };
        let asked: Vec<NodeId> = NodeId::followers(self.followers).filter(|node| !hidden.contains(node)).collect();
        record.error = self.fill(&mut record, &asked, start_us).await.err().map(|error| error.to_string());
        Some(record)
    }

    /// Does one step after the other, and notes each in the record.
    async fn fill(&self, record: &mut FailoverRecord, asked: &[NodeId], start_us: Micros) -> Result<(), SessionError> {
        record.survivors = self.standing_still(asked).await;
        let most = record.survivors.iter().map(|row| row.position).max();
        let most_advanced = record.survivors.iter().find(|row| Some(row.position) == most).map(|row| row.node);
        let nobody = || SessionError::new(NodeId::Leader, "who is left", "no follower could be asked");
        let chosen = match self.facts.kind {
            FailoverKind::ReadBack | FailoverKind::Promotion => most_advanced.ok_or_else(nobody)?,
            FailoverKind::Election => self.elected(asked).await?,
        };
        record.chosen = Some(chosen);
        if self.facts.kind == FailoverKind::Promotion {
            self.in_time(STEP_LIMIT, chosen, "promote", self.session.promote(chosen)).await?;
        }
        if self.facts.kind != FailoverKind::ReadBack {
            record.promoted_us = Some(self.now() - start_us);
            self.prove(chosen).await?;
            record.first_ack_us = Some(self.now() - start_us);
        }
        record.held = Some(dump(self.session, chosen).await?);
        Ok(())
    }

    /// How far each follower has come, once two answers in a row are the same: what the kernel had received of the dead
    /// leader's last words may still be read. Those that do not answer are left out.
    async fn standing_still(&self, asked: &[NodeId]) -> Vec<SurvivorRow> {
        let deadline_us = self.now() + TimeSpan::from(STEP_LIMIT);
        let mut before = None;
        loop {
            let positions = join_all(asked.iter().map(|node| async move {
                let position =
                    self.in_time(ANSWER_LIMIT, *node, "position", self.session.position(*node)).await.ok()?;
                Some(SurvivorRow { node: *node, position })
            }));
            let now: Vec<SurvivorRow> = positions.await.into_iter().flatten().collect();
            if before.as_ref() == Some(&now) || self.now() > deadline_us {
                return now;
            }
            before = Some(now);
            self.clock.sleep(POLL_INTERVAL).await;
        }
    }

    /// The first follower that says that it leads.
    async fn elected(&self, asked: &[NodeId]) -> Result<NodeId, SessionError> {
        let deadline_us = self.now() + TimeSpan::from(STEP_LIMIT);
        loop {
            let answers = join_all(
                asked.iter().map(|node| self.in_time(ANSWER_LIMIT, *node, "who leads", self.session.leads(*node))),
            );
            let leading = asked.iter().zip(answers.await).find(|(_, leads)| matches!(leads, Ok(true)));
            if let Some((node, _)) = leading {
                return Ok(*node);
            }
            if self.now() > deadline_us {
                let reason = format!("no follower says so within {} s", STEP_LIMIT.as_secs());
                return Err(SessionError::new(NodeId::Leader, "who leads", reason));
            }
            self.clock.sleep(POLL_INTERVAL).await;
        }
    }

    /// Has the new leader acknowledge a write.
    async fn prove(&self, node: NodeId) -> Result<(), SessionError> {
        let deadline_us = self.now() + TimeSpan::from(STEP_LIMIT);
        loop {
            let write = self.session.write_to(node, PROOF_KEY, "is there a leader");
            match self.in_time(ANSWER_LIMIT, node, "write", write).await {
                Err(error) if self.now() > deadline_us || error.is_lasting => return Err(error),
                Err(_) => self.clock.sleep(POLL_INTERVAL).await,
                Ok(()) => return Ok(()),
            }
        }
    }

    /// The answer to a question, unless it takes too long.
    async fn in_time<T>(
        &self,
        limit: Duration,
        node: NodeId,
        question: &str,
        answer: impl Future<Output = Result<T, SessionError>>,
    ) -> Result<T, SessionError> {
        let late = || Err(SessionError::new(node, question, format!("no answer within {} s", limit.as_secs())));
        self.clock.timeout(limit, answer).await.unwrap_or_else(|_elapsed| late())
    }

    fn now(&self) -> Micros {
        self.clock.now_us().into()
    }
}
