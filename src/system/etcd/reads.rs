//! What members hold: reads that no member answers for another.

use std::collections::BTreeMap;
use std::time::Duration;

use super::gateway::Gateway;
use super::wire::{Bytes, RangeAnswer, RangeOperation, RangeRequest, RangesAnswer, RangesRequest};
use crate::model::{NodeId, Role, StoreDump, Version};
use crate::system::session::{Found, SessionError};

/// Reads the keys of a range.
pub(super) const RANGE: &str = "/v3/kv/range";
/// Reads several ranges.
const TXN: &str = "/v3/kv/txn";

/// How long a member may take to read a key.
const READ_LIMIT: Duration = Duration::from_secs(10);
/// How long a member may take for one part of a dump.
const DUMP_LIMIT: Duration = Duration::from_secs(60);
/// Keys of one part of a dump: the gateway takes no answer beyond 4 MiB from its member.
const KEYS_A_PART: u32 = 200;
/// Ranges of one request: a member takes no more (`--max-txn-ops`).
pub(super) const MAX_OPERATIONS: usize = 500;

/// What one member holds for a key.
pub(super) async fn value(gateway: &Gateway, node: NodeId, key: &str) -> Result<Option<Found>, SessionError> {
    let answer: RangeAnswer = gateway.told(node, RANGE, &RangeRequest::own(key), READ_LIMIT).await?;
    Ok(found(answer))
}

/// What one member holds for these keys, in their order.
pub(super) async fn values(gateway: &Gateway, node: NodeId, keys: &[&str]) -> Result<Vec<Option<Found>>, SessionError> {
    let mut all = Vec::with_capacity(keys.len());
    for some in keys.chunks(MAX_OPERATIONS) {
        let operations = some.iter().map(|key| RangeOperation { request_range: RangeRequest::own(key) });
        let request = RangesRequest { success: operations.collect() };
        let answer: RangesAnswer = gateway.told(node, TXN, &request, READ_LIMIT).await?;
        if answer.responses.len() != some.len() {
            let reason = format!("{} answers to {} ranges", answer.responses.len(), some.len());
            return Err(SessionError::new(node, format!("POST {TXN}"), reason));
        }
        all.extend(answer.responses.into_iter().map(|response| found(response.response_range)));
    }
    Ok(all)
}

/// Everything that a member holds, part by part, all of one state.
pub(super) async fn store(gateway: &Gateway, node: NodeId) -> Result<StoreDump, SessionError> {
    let role = if node.is_leader() { Role::Leader } else { Role::Follower };
    let (store, versions) = (BTreeMap::new(), BTreeMap::new());
    let mut dump = StoreDump { node: node.to_string(), role, store, versions };
    let (mut first, mut revision) = (Bytes(vec![0]), 0);
    loop {
        let request = RangeRequest {
            key: first.clone(),
            range_end: Some(Bytes(vec![0])),
            limit: KEYS_A_PART,
            revision,
            serializable: true,
        };
        let part: RangeAnswer = gateway.told(node, RANGE, &request, DUMP_LIMIT).await?;
        if revision == 0 {
            revision = part.header.revision;
        }
        // The next key in their order is the last one and a zero byte.
        if let Some(last) = part.kvs.last() {
            first = Bytes([last.key.0.as_slice(), &[0]].concat());
        }
        for kv in part.kvs {
            dump.versions.insert(kv.key.text(), kv.mod_revision);
            dump.store.insert(kv.key.text(), kv.value.text());
        }
        if !part.more {
            return Ok(dump);
        }
    }
}

/// The first key of an answer.
fn found(answer: RangeAnswer) -> Option<Found> {
    let kv = answer.kvs.into_iter().next()?;
    Some(Found { value: kv.value.text(), version: Some(Version::new(kv.mod_revision)) })
}
