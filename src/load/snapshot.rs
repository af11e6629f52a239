//! What nodes hold at one moment.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;

use crate::data::Snapshot;
use crate::model::{NodeId, StoreDump};
use crate::system::{Session, SessionError};

/// The key of the write that proves that there is a leader again. It is no write of the plan and in no dump.
pub(super) const PROOF_KEY: &str = "labctl-failover";

/// These nodes' stores, asked for all at once.
///
/// # Errors
/// When a node does not answer.
pub(super) async fn snapshot(session: &dyn Session, nodes: &[NodeId]) -> Result<Snapshot, SessionError> {
    let dumps = nodes.iter().map(|node| async move { Ok((*node, dump(session, *node).await?)) });
    Ok(try_join_all(dumps).await?.into_iter().collect::<BTreeMap<_, _>>())
}

/// One node's store.
///
/// # Errors
/// When it does not answer.
pub(super) async fn dump(session: &dyn Session, node: NodeId) -> Result<StoreDump, SessionError> {
    let mut dump = session.dump(node).await?;
    dump.store.remove(PROOF_KEY);
    dump.versions.remove(PROOF_KEY);
    Ok(dump)
}
