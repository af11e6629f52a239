//! The client over HTTP; the only user of reqwest.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use labnode::wire::{FollowerRecord, Health, LeaderRecord, Put, StoreDump, TraceDump, WRITE_ID_HEADER};
use serde::de::DeserializeOwned;

use super::{ANSWER_MARGIN, Answer, Client, ClientError};
use crate::cluster::Endpoints;
use crate::data::{LEADER, follower_name};
use crate::load::PlannedWrite;

/// How long a node may take for a health answer.
const HEALTH_LIMIT: Duration = Duration::from_secs(2);
/// How long a node may take to send a dump whole.
const DUMP_LIMIT: Duration = Duration::from_secs(60);

/// Talks to the nodes of one cluster. Clones share their connections.
#[derive(Debug, Clone)]
pub struct HttpClient {
    client: reqwest::Client,
    urls: Arc<RwLock<BTreeMap<String, String>>>,
    write_limit: Duration,
}

impl HttpClient {
    /// A client of these nodes, whose writes the leader answers within `write_limit`.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub fn new(endpoints: &Endpoints, write_limit: Duration) -> Result<Self, ClientError> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .tcp_nodelay(true)
            .pool_max_idle_per_host(usize::MAX)
            .build()
            .map_err(|error| ClientError { node: LEADER.into(), path: "/".into(), reason: chain(&error) })?;
        let urls = Arc::new(RwLock::new(urls(endpoints)));
        Ok(Self { client, urls, write_limit: write_limit + ANSWER_MARGIN })
    }

    /// Finds the nodes here from now on, also for every clone: one that was started again may
    /// have moved.
    pub fn redirect(&self, endpoints: &Endpoints) {
        *self.urls.write().unwrap_or_else(PoisonError::into_inner) = urls(endpoints);
    }

    fn url(&self, node: &str, path: &str) -> String {
        let urls = self.urls.read().unwrap_or_else(PoisonError::into_inner);
        format!("{}{path}", urls.get(node).map_or("", String::as_str).trim_end_matches('/'))
    }

    async fn get<T: DeserializeOwned>(&self, node: &str, path: &str, limit: Duration) -> Result<T, ClientError> {
        let refuse = |reason: String| ClientError { node: node.to_owned(), path: path.to_owned(), reason };
        let request = self.client.get(self.url(node, path)).timeout(limit);
        let response = request.send().await.map_err(|error| refuse(chain(&error)))?;
        let status = response.status();
        let body = response.bytes().await.map_err(|error| refuse(chain(&error)))?;
        if !status.is_success() {
            return Err(refuse(format!("status {}", status.as_u16())));
        }
        serde_json::from_slice(&body).map_err(|error| refuse(format!("malformed answer: {error}")))
    }
}

impl Client for HttpClient {
    async fn put(&self, write: &PlannedWrite) -> Answer {
        let request = self
            .client
            .put(self.url(LEADER, &format!("/kv/{}", write.key)))
            .header(WRITE_ID_HEADER, write.id)
            .timeout(self.write_limit)
            .json(&Put { value: write.value.clone() });
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Answer::none(chain(&error)),
        };
        let status = response.status().as_u16();
        match response.bytes().await {
            Ok(body) => Answer::from_response(status, &body),
            Err(error) => Answer { http_status: Some(status), ..Answer::none(chain(&error)) },
        }
    }

    async fn health(&self, node: &str) -> Result<Health, ClientError> {
        self.get(node, "/health", HEALTH_LIMIT).await
    }

    async fn store(&self, node: &str) -> Result<StoreDump, ClientError> {
        self.get(node, "/debug/store", DUMP_LIMIT).await
    }

    async fn leader_trace(&self) -> Result<TraceDump<LeaderRecord>, ClientError> {
        self.get(LEADER, "/debug/trace", DUMP_LIMIT).await
    }

    async fn follower_trace(&self, node: &str) -> Result<TraceDump<FollowerRecord>, ClientError> {
        self.get(node, "/debug/trace", DUMP_LIMIT).await
    }
}

/// The nodes' base URLs by name.
fn urls(endpoints: &Endpoints) -> BTreeMap<String, String> {
    let followers = endpoints.followers.iter().enumerate().map(|(index, url)| (follower_name(index), url.clone()));
    followers.chain([(LEADER.to_owned(), endpoints.leader.clone())]).collect()
}

/// reqwest says what failed only in an error's sources.
fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}
