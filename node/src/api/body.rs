//! Request bodies: read within bounds of size, time and memory, then parsed.

use std::pin::pin;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use http_body_util::BodyExt;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::SemaphorePermit;

use super::app::App;
use super::error::ApiError;

/// How long a client may take over a body.
const DEADLINE: Duration = Duration::from_secs(10);

/// Larger bodies need a permit, of which there are few.
const MAX_SMALL_BYTES: usize = 16 * 1_024;

/// How much of a body that is too large is read and discarded, so that the client still reads
/// the answer.
const MAX_DISCARDED_BYTES: usize = 8 * 1_024 * 1_024;

/// The largest body of a kind of request, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit(usize);

impl Limit {
    /// A client's write.
    pub(super) const PUT: Self = Self(1_024 * 1_024);

    /// A replication of any write that was accepted: the value takes no more room than it had
    /// in the client's body, for there is no shorter JSON for a string than the one serde
    /// writes, and the version takes at most 31 bytes more.
    pub(super) const REPLICATE: Self = Self(Self::PUT.0 + 64);
}

impl App {
    /// Reads a body of at most `limit` and parses it as JSON, whatever its content type.
    pub(super) async fn json<T: DeserializeOwned>(
        &self,
        headers: &HeaderMap,
        body: Body,
        limit: Limit,
    ) -> Result<T, ApiError> {
        parse(&self.body(headers, body, limit).await?)
    }

    /// Reads a body of at most `limit`.
    pub(super) async fn body(&self, headers: &HeaderMap, body: Body, limit: Limit) -> Result<Bytes, ApiError> {
        let mut read = pin!(self.read(announced(headers), body, limit));
        // Nearly always the body came with the head: then it needs no timer.
        if let Some(read) = read.as_mut().now_or_never() {
            return read;
        }
        self.node.clock().timeout(DEADLINE, read).await.map_err(|_elapsed| too_slow())?
    }

    async fn read(&self, announced: Option<usize>, mut body: Body, Limit(limit): Limit) -> Result<Bytes, ApiError> {
        if announced.is_some_and(|length| length > limit) {
            discard(body).await;
            return Err(too_large(limit));
        }
        let mut permit: Option<SemaphorePermit<'_>> = None;
        let mut read = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| ApiError::malformed_body(error.to_string()))?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            let length = read.len() + data.len();
            if length > limit {
                drop(read);
                discard(body).await;
                return Err(too_large(limit));
            }
            if length > MAX_SMALL_BYTES && permit.is_none() {
                // The semaphore is never closed.
                permit = self.large_bodies.acquire().await.ok();
            }
            read.extend_from_slice(&data);
        }
        Ok(read.freeze())
    }
}

/// Parses a body as JSON.
pub(super) fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, ApiError> {
    serde_json::from_slice(bytes).map_err(|error| ApiError::malformed_body(error.to_string()))
}

fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

async fn discard(mut body: Body) {
    let mut discarded = 0;
    while discarded < MAX_DISCARDED_BYTES {
        match body.frame().await {
            Some(Ok(frame)) => discarded += frame.data_ref().map_or(0, Bytes::len),
            Some(Err(_)) | None => return,
        }
    }
}

fn too_large(limit: usize) -> ApiError {
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", format!("the body has more than {limit} bytes"))
}

fn too_slow() -> ApiError {
    ApiError::new(
        StatusCode::REQUEST_TIMEOUT,
        "body_timeout",
        format!("the body was not whole after {} s", DEADLINE.as_secs()),
    )
}
