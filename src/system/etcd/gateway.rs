//! The JSON gateway of each member.

use std::collections::BTreeMap;
use std::sync::RwLock;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::wire::EtcdRefusal;
use crate::model::{Endpoints, NodeId, ignore_poison};
use crate::system::plain_http::{chain, plain_client};
use crate::system::session::SessionError;

/// How long a connection may be idle and still be used again: a member closes none of itself.
const IDLE_LIMIT: Duration = Duration::from_secs(30);

/// Talks to the members of one cluster.
#[derive(Debug)]
pub(super) struct Gateway {
    client: reqwest::Client,
    urls: RwLock<BTreeMap<NodeId, String>>,
}

/// Why there is no answer of use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum GatewayError {
    /// The member takes no connections, so it was not asked.
    #[error("{0}")]
    Unreachable(String),
    /// It was asked, and did not answer.
    #[error("{0}")]
    Unanswered(String),
    /// It refused.
    #[error("{text} (status {status})")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What it said.
        text: String,
    },
}

impl Gateway {
    /// A client of these members.
    ///
    /// # Errors
    /// When it cannot be set up.
    pub(super) fn new(endpoints: &Endpoints) -> Result<Self, SessionError> {
        let client =
            plain_client(IDLE_LIMIT).map_err(|error| SessionError::new(NodeId::Leader, "/v3", chain(&error)))?;
        Ok(Self { client, urls: RwLock::new(endpoints.urls().collect()) })
    }

    /// Finds the members here from now on.
    pub(super) fn redirect(&self, endpoints: &Endpoints) {
        *ignore_poison(self.urls.write()) = endpoints.urls().collect();
    }

    /// Asks a member something of itself: an answer of any other kind than one of success is an error of the session.
    ///
    /// # Errors
    /// [`SessionError`] with what the member was asked.
    pub(super) async fn told<T: DeserializeOwned>(
        &self,
        node: NodeId,
        path: &str,
        body: &impl Serialize,
        limit: Duration,
    ) -> Result<T, SessionError> {
        let answer = self.ask(node, path, body, limit).await;
        answer.map_err(|error| SessionError::new(node, format!("POST {path}"), error.to_string()))
    }

    /// Asks a member something, and waits for its answer up to `limit`.
    ///
    /// # Errors
    /// [`GatewayError`].
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        node: NodeId,
        path: &str,
        body: &impl Serialize,
        limit: Duration,
    ) -> Result<T, GatewayError> {
        let base = ignore_poison(self.urls.read()).get(&node).cloned().unwrap_or_default();
        let unanswered = |error: &reqwest::Error| match error {
            error if error.is_timeout() => {
                GatewayError::Unanswered(format!("no answer within {} s", limit.as_secs_f64()))
            }
            error if error.is_connect() => GatewayError::Unreachable(chain(error)),
            error => GatewayError::Unanswered(chain(error)),
        };
        let request = self.client.post(format!("{base}{path}")).json(body).timeout(limit);
        let response = request.send().await.map_err(|error| unanswered(&error))?;
        let status = response.status();
        let body = response.bytes().await.map_err(|error| unanswered(&error))?;
        if !status.is_success() {
            let refusal: EtcdRefusal = serde_json::from_slice(&body).unwrap_or_default();
            return Err(GatewayError::Refused { status: status.as_u16(), text: refusal.error });
        }
        serde_json::from_slice(&body).map_err(|error| GatewayError::Unanswered(format!("malformed answer: {error}")))
    }
}
