//! A delivery as an HTTP request, and its answer back again.

use std::error::Error;

use axum::http::uri::Authority;
use axum::http::{Method, Request, Response, Uri, header};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::TransportError;
use crate::limits;
use crate::wire::Replicate;

/// Every character but the unreserved ones of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The longest answer that is read; a follower's has about 150 bytes.
pub(super) const MAX_ANSWER_BYTES: usize = 64 * 1_024;

/// The request that delivers `body` for `key` to the node at `base` (which may be empty when
/// no connection is involved).
pub(super) fn request(base: &str, key: &str, body: &Replicate) -> Result<Request<Full<Bytes>>, TransportError> {
    let cannot = |error: &dyn Error| TransportError::NoAnswer(format!("no request: {error}"));
    // `Uri` takes the path as it is. A WHATWG URL would resolve the keys "." and ".." away,
    // percent-encoded or not.
    let path = utf8_percent_encode(key, RESERVED);
    let uri: Uri = format!("{base}/replicate/{path}").parse().map_err(|error| cannot(&error))?;
    let json = serde_json::to_vec(body).map_err(|error| cannot(&error))?;
    Request::builder()
        .method(Method::POST)
        .uri(uri)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::from(json))
        .map_err(|error| cannot(&error))
}

/// The same request as it stands on a connection of HTTP/1.1.
pub(super) fn request_bytes(base: &str, key: &str, body: &Replicate) -> Result<Bytes, TransportError> {
    let (head, body) = request(base, key, body)?.into_parts();
    let body = body.into_inner().unwrap_or_default();
    let host = head.uri.authority().map_or("", Authority::as_str);
    let lines = format!(
        "{} {} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        head.method,
        head.uri.path(),
        body.len(),
    );
    Ok([lines.as_bytes(), &body].concat().into())
}

/// The request for the health of the node at `base`.
pub(super) fn health(base: &str) -> Result<Request<Full<Bytes>>, TransportError> {
    let request = Request::builder().uri(format!("{base}/health")).body(Full::default());
    request.map_err(|error| TransportError::NoAnswer(format!("no request: {error}")))
}

/// The part of a node's health that its leader needs.
#[derive(Debug, Deserialize)]
pub(super) struct StartTime {
    #[serde(default)]
    pub(super) started_us: Option<u64>,
}

/// Reads an answer to its end, so that its connection can be used again.
pub(super) async fn answer<B, T: DeserializeOwned>(response: Response<B>) -> Result<T, TransportError>
where
    B: axum::body::HttpBody<Data = Bytes>,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let (head, body) = response.into_parts();
    let body = Limited::new(body, MAX_ANSWER_BYTES)
        .collect()
        .await
        .map_err(|error| {
            limits::note("reading a follower's answer", &*error);
            TransportError::NoAnswer(chain(&*error))
        })?
        .to_bytes();
    parse_answer(head.status.as_u16(), &body)
}

/// What an answer with this status and body says.
pub(super) fn parse_answer<T: DeserializeOwned>(status: u16, body: &[u8]) -> Result<T, TransportError> {
    if !(200..300).contains(&status) {
        let body = String::from_utf8_lossy(body).chars().take(200).collect();
        return Err(TransportError::Refused { status, body });
    }
    serde_json::from_slice(body).map_err(|error| TransportError::BadAnswer(error.to_string()))
}

/// An error and its causes on one line.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::wire::Replicated;

    fn path(key: &str) -> String {
        let body = Replicate { value: "v".to_owned(), version: Some(1), catch_up: false };
        let request = request("http://f1:8000", key, &body).unwrap();
        request.uri().path().to_owned()
    }

    #[test]
    fn any_key_is_one_path_segment() {
        assert_eq!(path("k0"), "/replicate/k0");
        assert_eq!(path("a/b?c#d%e"), "/replicate/a%2Fb%3Fc%23d%25e");
        assert_eq!(path("ключ \u{0}"), "/replicate/%D0%BA%D0%BB%D1%8E%D1%87%20%00");
        assert_eq!(path(".."), "/replicate/..");
    }

    #[tokio::test]
    async fn an_answer_is_a_success_only_with_the_status_and_the_body_of_one() {
        let of = |status: u16, body: &'static str| {
            let body = Full::new(Bytes::from_static(body.as_bytes()));
            answer::<_, Replicated>(Response::builder().status(status).body(body).unwrap())
        };
        let done = of(200, r#"{"applied":true,"version":3}"#).await.unwrap();
        assert_eq!((done.applied, done.version), (true, 3));
        let refused = of(403, "no").await.unwrap_err().to_string();
        assert_eq!(refused, "answered 403: no");
        let redirect = of(302, r#"{"applied":true,"version":3}"#).await;
        assert!(matches!(redirect, Err(TransportError::Refused { .. })));
        assert!(matches!(of(200, "hi").await, Err(TransportError::BadAnswer(_))));
    }
}
