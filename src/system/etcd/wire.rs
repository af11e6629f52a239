//! What the JSON gateway of a member takes and answers. It leaves out fields that are zero or empty, and writes 64-bit
//! numbers as text and bytes as base64, as protocol buffers have it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes, in JSON as base64.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Bytes(pub(super) Vec<u8>);

impl From<&str> for Bytes {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl Bytes {
    /// The bytes as text; what is not UTF-8 is replaced.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(&text).map(Self).map_err(D::Error::custom)
    }
}

/// A number, in JSON as text.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

/// What every answer begins with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Header {
    /// The member that answers.
    #[serde(default, deserialize_with = "number")]
    pub(super) member_id: u64,
    /// The number of the newest write of the store; of a write its own.
    #[serde(default, deserialize_with = "number")]
    pub(super) revision: u64,
    /// The term of the leader that the member knows.
    #[serde(default, deserialize_with = "number")]
    pub(super) raft_term: u64,
}

/// `POST /v3/kv/put`.
#[derive(Debug, Serialize)]
pub(super) struct PutRequest {
    pub(super) key: Bytes,
    pub(super) value: Bytes,
}

/// Its answer.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct PutAnswer {
    #[serde(default)]
    pub(super) header: Header,
}

/// `POST /v3/kv/range`.
#[derive(Debug, Serialize)]
pub(super) struct RangeRequest {
    /// The key, or the first of the range.
    pub(super) key: Bytes,
    /// The end of the range; `\0` for all keys from the first. `None`: only the one key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) range_end: Option<Bytes>,
    /// The most keys of one answer; 0 for all.
    pub(super) limit: u32,
    /// The state to read, by the number of its newest write; 0 for the newest.
    pub(super) revision: u64,
    /// Whether the member answers from what it holds itself. Otherwise it would ask the leader first.
    pub(super) serializable: bool,
}

impl RangeRequest {
    /// One key, as the member itself holds it.
    pub(super) fn own(key: &str) -> Self {
        Self { key: key.into(), range_end: None, limit: 0, revision: 0, serializable: true }
    }
}

/// Its answer.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct RangeAnswer {
    #[serde(default)]
    pub(super) header: Header,
    #[serde(default)]
    pub(super) kvs: Vec<KeyValue>,
    /// Whether the range has more keys than the answer.
    #[serde(default)]
    pub(super) more: bool,
}

/// `POST /v3/kv/txn`: ranges that are read from one state. One of serializable ranges alone is serializable itself.
#[derive(Debug, Serialize)]
pub(super) struct RangesRequest {
    pub(super) success: Vec<RangeOperation>,
}

/// One range of a [`RangesRequest`].
#[derive(Debug, Serialize)]
pub(super) struct RangeOperation {
    pub(super) request_range: RangeRequest,
}

/// Its answer, in the order of the ranges.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct RangesAnswer {
    #[serde(default)]
    pub(super) responses: Vec<RangeResponse>,
}

/// The answer to one range of a [`RangesRequest`].
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct RangeResponse {
    pub(super) response_range: RangeAnswer,
}

/// A key with its value.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct KeyValue {
    pub(super) key: Bytes,
    #[serde(default)]
    pub(super) value: Bytes,
    /// The number of the write that it is from.
    #[serde(default, deserialize_with = "number")]
    pub(super) mod_revision: u64,
}

/// The answer to `POST /v3/maintenance/status`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct StatusAnswer {
    #[serde(default)]
    pub(super) header: Header,
    #[serde(default)]
    pub(super) version: String,
    /// The member that it takes for the leader; 0 if it knows none.
    #[serde(default, deserialize_with = "number")]
    pub(super) leader: u64,
    /// The newest entry of the log that it knows to be on a majority of the members.
    #[serde(default, rename = "raftIndex", deserialize_with = "number")]
    pub(super) committed: u64,
    /// The newest entry of the log that it has applied to its store.
    #[serde(default, rename = "raftAppliedIndex", deserialize_with = "number")]
    pub(super) applied: u64,
}

impl StatusAnswer {
    /// Whether the member that answered takes itself for the leader.
    pub(super) const fn leads(&self) -> bool {
        self.leader != 0 && self.leader == self.header.member_id
    }
}

/// `POST /v3/maintenance/transfer-leadership`.
#[derive(Debug, Serialize)]
pub(super) struct TransferRequest {
    /// The member that is to lead.
    #[serde(rename = "targetID")]
    pub(super) target: String,
}

/// A refusal.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct EtcdRefusal {
    #[serde(default)]
    pub(super) error: String,
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_text_and_bytes_are_base64() {
        let put = PutRequest { key: "k0".into(), value: "v".into() };
        assert_eq!(serde_json::to_string(&put).unwrap(), r#"{"key":"azA=","value":"dg=="}"#);
        let text = r#"{"header":{"cluster_id":"9","member_id":"18","revision":"5","raft_term":"2"},
            "kvs":[{"key":"azA=","create_revision":"2","mod_revision":"4","version":"3","value":"dg=="}],"count":"1"}"#;
        let answer: RangeAnswer = serde_json::from_str(text).unwrap();
        assert_eq!(answer.header, Header { member_id: 18, revision: 5, raft_term: 2 });
        assert_eq!(answer.kvs.len(), 1, "{answer:?}");
        let kv = &answer.kvs[0];
        assert_eq!((kv.key.text(), kv.value.text(), kv.mod_revision), ("k0".to_owned(), "v".to_owned(), 4));
        assert!(!answer.more);
    }

    #[test]
    fn ranges_of_one_request_are_answered_in_its_order() {
        let operation = RangeOperation { request_range: RangeRequest::own("k0") };
        let text = r#"{"success":[{"request_range":{"key":"azA=","limit":0,"revision":0,"serializable":true}}]}"#;
        assert_eq!(serde_json::to_string(&RangesRequest { success: vec![operation] }).unwrap(), text);
        let text = r#"{"succeeded":true,"responses":[{"response_range":{"header":{"revision":"5"}}},
            {"response_range":{"kvs":[{"key":"azA=","mod_revision":"4","value":"dg=="}],"count":"1"}}]}"#;
        let answer: RangesAnswer = serde_json::from_str(text).unwrap();
        let kvs: Vec<usize> = answer.responses.iter().map(|response| response.response_range.kvs.len()).collect();
        assert_eq!(kvs, [0, 1]);
    }

    #[test]
    fn what_is_left_out_is_zero() {
        let status: StatusAnswer = serde_json::from_str(r#"{"header":{"member_id":"7"},"version":"3.4.23"}"#).unwrap();
        assert_eq!((status.leader, status.applied, status.leads()), (0, 0, false));
        let range: RangeAnswer = serde_json::from_str(r#"{"header":{"revision":"1"}}"#).unwrap();
        assert_eq!(range.kvs, []);
    }
}
