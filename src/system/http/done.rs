//! What one exchange came to, with what each rule made of the answer.

use super::client::ExchangeResult;
use super::exchange::FilledRequest;
use super::filter::shortened;
use crate::model::{NodeId, WriteOutcome};
use crate::system::explained::{Explained, Rule};
use crate::system::session::{SessionError, WriteAnswer};

/// One exchange and what followed from it.
pub(super) struct Done<T> {
    pub(super) explained: Explained,
    pub(super) sent: ExchangeResult,
    pub(super) result: Result<T, String>,
}

impl<T> Done<T> {
    /// The result, or the error of the node that was asked.
    pub(super) fn into_result(self) -> Result<T, SessionError> {
        self.result.map_err(|reason| refused(self.explained.node, &self.explained.request, reason))
    }
}

/// A question that a node did not answer as the mapping says.
pub(super) fn refused(node: NodeId, question: &str, reason: String) -> SessionError {
    SessionError::new(node, question, reason)
}

/// How a write ended, in a word.
pub(super) fn outcome(answer: &WriteAnswer) -> &'static str {
    match answer.outcome {
        WriteOutcome::Ok => "ok",
        WriteOutcome::Failed => "failed",
        WriteOutcome::Unknown => "unknown",
    }
}

/// An exchange with the rules that read it.
pub(super) fn explained(
    node: NodeId,
    request: FilledRequest,
    sent: &ExchangeResult,
    rules: Vec<Rule>,
    result: Result<String, String>,
) -> Explained {
    let body = sent.answer.as_ref().map(|answer| answer.body.as_slice()).unwrap_or_default();
    // A character has at most four bytes: enough for what is shown.
    let start = String::from_utf8_lossy(body.get(..4_096).unwrap_or(body));
    Explained {
        node,
        request: format!("{} {}", request.method, request.path),
        headers: request.headers,
        body: request.body,
        status: sent.status,
        answer: shortened(&start),
        answer_bytes: body.len(),
        latency_us: sent.ended_us.since(sent.sent_us),
        rules,
        result,
    }
}
