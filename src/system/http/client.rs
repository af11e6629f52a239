//! Sends requests to nodes, within limits of time and of length.

use std::collections::BTreeMap;
use std::sync::RwLock;
use std::time::Duration;

use reqwest::header::{HeaderName, HeaderValue, LOCATION};
use reqwest::{Method, Url};

use super::exchange::FilledRequest;
use crate::model::{Endpoints, Micros, NodeId, ignore_poison};
use crate::system::Clock;
use crate::system::plain_http::{chain, plain_client};

/// How long a connection may be idle and still be used again: common servers close one after 2 s or more.
const IDLE_LIMIT: Duration = Duration::from_secs(1);

/// How long and how large an answer may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// From sending until the answer is complete.
    pub(super) time: Duration,
    /// The length of its body, in bytes.
    pub(super) bytes: usize,
}

/// A complete answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HttpAnswer {
    pub(super) status: u16,
    /// Where it redirects to.
    pub(super) location: Option<String>,
    pub(super) body: Vec<u8>,
}

/// What came of a request.
#[derive(Debug)]
pub(super) struct ExchangeResult {
    /// The status, if one came.
    pub(super) status: Option<u16>,
    /// The answer; an error says why there is none that is complete.
    pub(super) answer: Result<HttpAnswer, String>,
    /// When it was sent, and when the answer was complete or given up, on the session's clock.
    pub(super) sent_us: Micros,
    pub(super) ended_us: Micros,
}

/// Talks to the nodes of one cluster.
#[derive(Debug)]
pub(super) struct HttpClient {
    client: reqwest::Client,
    urls: RwLock<BTreeMap<NodeId, String>>,
    clock: Clock,
}

impl HttpClient {
    /// A client of these nodes.
    ///
    /// # Errors
    /// When it cannot be set up.
    pub(super) fn new(endpoints: &Endpoints, clock: Clock) -> Result<Self, String> {
        let client = plain_client(IDLE_LIMIT).map_err(|error| chain(&error))?;
        Ok(Self { client, urls: RwLock::new(endpoints.urls().collect()), clock })
    }

    /// Finds the nodes here from now on.
    pub(super) fn redirect(&self, endpoints: &Endpoints) {
        *ignore_poison(self.urls.write()) = endpoints.urls().collect();
    }

    /// What the session's clock reads.
    pub(super) fn now(&self) -> Micros {
        self.clock.now_us().into()
    }

    /// Sends a request and waits for the whole answer.
    pub(super) async fn send(&self, node: NodeId, request: &FilledRequest, limits: Limits) -> ExchangeResult {
        let mut status = None;
        let built = self.build(node, request);
        let sent_us = self.now();
        let answer = match built {
            Ok(request) => match tokio::time::timeout(limits.time, self.exchange(request, limits, &mut status)).await {
                Ok(answer) => answer,
                Err(_) if status.is_some() => {
                    Err(format!("the answer did not end within {} s", limits.time.as_secs_f64()))
                }
                Err(_) => Err(format!("no answer within {} s", limits.time.as_secs_f64())),
            },
            Err(reason) => Err(reason),
        };
        ExchangeResult { status, answer, sent_us, ended_us: self.now() }
    }

    fn build(&self, node: NodeId, request: &FilledRequest) -> Result<reqwest::Request, String> {
        let base = ignore_poison(self.urls.read()).get(&node).cloned().unwrap_or_default();
        let url = format!("{base}{}", request.path);
        let url = Url::parse(&url).map_err(|error| format!("{url}: {error}"))?;
        let method = Method::from_bytes(request.method.as_bytes()).map_err(|error| error.to_string())?;
        let mut built = reqwest::Request::new(method, url);
        for (name, value) in &request.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| error.to_string())?;
            let value = HeaderValue::from_str(value).map_err(|error| format!("header {name}: {error}"))?;
            built.headers_mut().insert(name, value);
        }
        *built.body_mut() = request.body.clone().map(reqwest::Body::from);
        Ok(built)
    }

    async fn exchange(
        &self,
        request: reqwest::Request,
        limits: Limits,
        status: &mut Option<u16>,
    ) -> Result<HttpAnswer, String> {
        let mut response = self.client.execute(request).await.map_err(|error| chain(&error))?;
        let code = response.status().as_u16();
        *status = Some(code);
        let location = response.headers().get(LOCATION).map(|to| String::from_utf8_lossy(to.as_bytes()).into_owned());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| chain(&error))? {
            if body.len() + chunk.len() > limits.bytes {
                return Err(format!("the answer is longer than {} MiB", limits.bytes >> 20));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(HttpAnswer { status: code, location, body })
    }
}
