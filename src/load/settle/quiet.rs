//! Waiting until the nodes of a system that does not tell what is in flight stay as they are.

use std::time::Duration;

use crate::data::Snapshot;
use crate::load::progress::Progress;
use crate::load::snapshot::snapshot;
use crate::model::{Micros, NodeId, TimeSpan};
use crate::system::{Clock, Session, SessionError};

/// How often the nodes are dumped, at most.
const POLL: Duration = Duration::from_millis(100);
/// How many times as long as they must stay equal dumps are waited for, and how much longer than that.
const PATIENCE: u32 = 10;
const MARGIN: Duration = Duration::from_secs(30);

/// Waits until the dumps of these nodes have stayed equal for `quiet`. False if they never do, or there is nothing to
/// dump: then nothing is known.
///
/// # Errors
/// When a node cannot be dumped.
pub(in crate::load) async fn settle_quietly(
    session: &dyn Session,
    nodes: &[NodeId],
    quiet: Duration,
    clock: &Clock,
    progress: &dyn Progress,
) -> Result<bool, SessionError> {
    if nodes.is_empty() {
        return Ok(false);
    }
    let now = || Micros::from(clock.now_us());
    let deadline_us = now() + TimeSpan::from(quiet * PATIENCE + MARGIN);
    let mut held: Option<Snapshot> = None;
    let mut since_us = Micros::ZERO;
    loop {
        // What changes while the nodes are dumped must not count as older than it is.
        let dumped = snapshot(session, nodes).await?;
        let now_us = now();
        if held.as_ref() != Some(&dumped) {
            held = Some(dumped);
            since_us = now_us;
        } else if now_us.since(since_us) >= quiet.into() {
            return Ok(true);
        }
        if now_us > deadline_us {
            return Ok(false);
        }
        progress.settling(0);
        clock.sleep(POLL.min(quiet)).await;
    }
}
