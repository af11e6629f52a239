//! The client over HTTP.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use http_body_util::Full;
use hyper::Request;
use hyper::header::{CONTENT_TYPE, HOST};
use labnode::wire::{
    FollowerRecord, Health, LeaderRecord, Put, StoreDump, TraceDump, TraceQuery, Value, WRITE_ID_HEADER,
};
use reqwest::StatusCode;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::client::{ANSWER_MARGIN, Client, READ_LIMIT, from_response, unanswered};
use super::keep_alive::KeepAlive;
use crate::model::{Endpoints, NodeId, ignore_poison};
use crate::system::plain_http::{chain, plain_client};
use crate::system::session::{PlannedWrite, SessionError, WriteAnswer};

/// How long a node may take for a health answer.
const HEALTH_LIMIT: Duration = Duration::from_secs(2);
/// How long a connection may be idle and still be used again. A node closes one after
/// [`labnode::server::HEADER_DEADLINE`]: a request that is sent on it just then fails although
/// nothing is wrong, and whether the write was applied is unknown.
const IDLE_LIMIT: Duration = Duration::from_secs(10);
/// How long a node may take to send a dump whole.
const DUMP_LIMIT: Duration = Duration::from_secs(60);

/// Talks to the nodes of one cluster. Clones share their connections.
#[derive(Debug, Clone)]
pub struct LabNodeClient {
    /// For everything but writes.
    client: reqwest::Client,
    urls: Arc<RwLock<BTreeMap<NodeId, String>>>,
    writes: Arc<KeepAlive>,
    write_limit: Duration,
}

impl LabNodeClient {
    /// A client of these nodes, whose writes the leader answers within `write_limit`.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub fn new(endpoints: &Endpoints, write_limit: Duration) -> Result<Self, SessionError> {
        Self::with_idle_limit(endpoints, write_limit, IDLE_LIMIT)
    }

    fn with_idle_limit(endpoints: &Endpoints, write_limit: Duration, idle: Duration) -> Result<Self, SessionError> {
        let client = plain_client(idle).map_err(|error| unanswered(NodeId::Leader, "/", chain(&error)))?;
        let urls = Arc::new(RwLock::new(urls(endpoints)));
        let writes = Arc::new(KeepAlive::new(endpoints.leader.as_str(), idle));
        Ok(Self { client, urls, writes, write_limit: write_limit + ANSWER_MARGIN })
    }

    fn url(&self, node: NodeId, path: &str) -> String {
        let urls = ignore_poison(self.urls.read());
        format!("{}{path}", urls.get(&node).map_or("", String::as_str).trim_end_matches('/'))
    }

    async fn get<T: DeserializeOwned>(&self, node: NodeId, path: &str, limit: Duration) -> Result<T, SessionError> {
        let found = self.get_if_there(node, path, limit).await?;
        found.ok_or_else(|| unanswered(node, path, "status 404"))
    }

    /// The answer's body. `None` if the status is 404.
    async fn get_if_there<T: DeserializeOwned>(
        &self,
        node: NodeId,
        path: &str,
        limit: Duration,
    ) -> Result<Option<T>, SessionError> {
        let refuse = |reason: String| unanswered(node, path, reason);
        let request = self.client.get(self.url(node, path)).timeout(limit);
        let response = request.send().await.map_err(|error| refuse(chain(&error)))?;
        let status = response.status();
        let body = response.bytes().await.map_err(|error| refuse(chain(&error)))?;
        match status {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => {
                serde_json::from_slice(&body).map(Some).map_err(|error| refuse(format!("malformed answer: {error}")))
            }
            status => Err(refuse(format!("status {}", status.as_u16()))),
        }
    }
}

impl Client for LabNodeClient {
    async fn put(&self, write: &PlannedWrite) -> WriteAnswer {
        let built = Request::put(format!("/kv/{}", write.key))
            .header(HOST, self.writes.address())
            .header(CONTENT_TYPE, "application/json")
            .header(WRITE_ID_HEADER, write.id.get());
        let body = serde_json::to_vec(&Put { value: write.value.clone() });
        let request = match body.map(|body| built.body(Full::from(body))) {
            Ok(Ok(request)) => request,
            Ok(Err(error)) => return WriteAnswer::none(error.to_string()),
            Err(error) => return WriteAnswer::none(error.to_string()),
        };
        match timeout(self.write_limit, self.writes.send(request)).await {
            Ok(Ok(answer)) => from_response(answer.status, &answer.body),
            Ok(Err(error)) => WriteAnswer { http_status: error.status, ..WriteAnswer::none(error.reason) },
            Err(_elapsed) => WriteAnswer::none(format!("no answer within {} s", self.write_limit.as_secs_f64())),
        }
    }

    async fn open_for_writes(&self, connections: usize) -> Result<(), SessionError> {
        let question = Request::get("/health").header(HOST, self.writes.address()).body(Full::default());
        let question = question.map_err(|error| SessionError::new(NodeId::Leader, "connect", error.to_string()))?;
        let opened = timeout(HEALTH_LIMIT, self.writes.open(connections, &question)).await;
        let reason = match opened {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error.reason,
            Err(_elapsed) => format!("no connection within {} s", HEALTH_LIMIT.as_secs()),
        };
        Err(SessionError::new(NodeId::Leader, "connect", reason))
    }

    async fn value(&self, node: NodeId, key: &str) -> Result<Option<Value>, SessionError> {
        self.get_if_there(node, &format!("/kv/{key}"), READ_LIMIT).await
    }

    async fn health(&self, node: NodeId) -> Result<Health, SessionError> {
        self.get(node, "/health", HEALTH_LIMIT).await
    }

    async fn store(&self, node: NodeId) -> Result<StoreDump, SessionError> {
        self.get(node, "/debug/store", DUMP_LIMIT).await
    }

    async fn leader_trace(&self, query: TraceQuery) -> Result<TraceDump<LeaderRecord>, SessionError> {
        self.get(NodeId::Leader, &query.path(), DUMP_LIMIT).await
    }

    async fn follower_trace(&self, node: NodeId, query: TraceQuery) -> Result<TraceDump<FollowerRecord>, SessionError> {
        self.get(node, &query.path(), DUMP_LIMIT).await
    }

    fn redirect(&self, endpoints: &Endpoints) {
        *ignore_poison(self.urls.write()) = urls(endpoints);
        self.writes.redirect(&endpoints.leader);
    }
}

/// The nodes' base URLs.
fn urls(endpoints: &Endpoints) -> BTreeMap<NodeId, String> {
    endpoints.urls().collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::time::Instant;

    use labnode::server::HEADER_DEADLINE;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::data::WriteOutcome;
    use crate::model::WriteId;

    /// How long the server of the tests leaves a connection idle.
    const SERVER_LIMIT: Duration = Duration::from_millis(400);

    /// Answers requests, and closes a connection without an answer when a request comes later
    /// than [`SERVER_LIMIT`] after the one before: as if it had closed it an instant earlier, with
    /// the request already on its way.
    async fn answer(mut stream: TcpStream) {
        let mut last: Option<Instant> = None;
        let mut buffer = [0; 4096];
        while matches!(stream.read(&mut buffer).await, Ok(1..)) {
            if last.is_some_and(|last| last.elapsed() > SERVER_LIMIT) {
                return;
            }
            let body = r#"{"status":"ok","key":"k0","value":"v","version":1,"acks":1,"required":1}"#;
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.write_all((head + body).as_bytes()).await.unwrap();
            last = Some(Instant::now());
        }
    }

    /// How a write ends that follows another one after a pause longer than the server's limit.
    async fn write_after_a_pause(idle: Duration) -> WriteOutcome {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let leader = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(answer(stream));
            }
        });
        let endpoints = Endpoints { leader, followers: Vec::new() };
        let client = LabNodeClient::with_idle_limit(&endpoints, Duration::from_secs(5), idle).unwrap();
        let write = PlannedWrite { id: WriteId::new(0), key: "k0".into(), value: "v".into() };
        assert_eq!(client.put(&write).await.outcome, WriteOutcome::Ok);
        tokio::time::sleep(SERVER_LIMIT * 2).await;
        client.put(&write).await.outcome
    }

    #[tokio::test]
    async fn a_connection_that_the_node_may_be_closing_is_not_used_again() {
        assert!(IDLE_LIMIT * 2 < HEADER_DEADLINE, "a node closes connections in use");
        assert_eq!(write_after_a_pause(SERVER_LIMIT / 2).await, WriteOutcome::Ok);
        // What happened with a limit above the server's, as reqwest's 90 s are.
        assert_eq!(write_after_a_pause(SERVER_LIMIT * 100).await, WriteOutcome::Unknown);
    }
}
