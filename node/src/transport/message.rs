//! A delivery as an HTTP request, and its answer back again.

use std::borrow::Cow;
use std::error::Error;

use axum::http::{Request, Response, StatusCode, header};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::TransportError;
use crate::http_connection::{MAX_ANSWER_BYTES, chain};
use crate::limits;
use crate::wire::{BatchReplicated, CopyAnswer, Replicate, ReplicateBatch, ReplicateCopy, Replicated};

/// Every character but the unreserved ones of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The request that delivers `body` for `key` to the node at `host` (which may be empty when
/// no connection is involved).
pub(super) fn request(host: &str, key: &str, body: &Replicate) -> Result<Request<Full<Bytes>>, TransportError> {
    // `Uri` takes the path as it is. A WHATWG URL would resolve the keys "." and ".." away,
    // percent-encoded or not.
    post(host, &format!("/replicate/{}", utf8_percent_encode(key, RESERVED)), body)
}

/// The request that delivers several copies, in this order.
pub(super) fn batch_request<'a>(
    host: &str,
    copies: impl Iterator<Item = (&'a str, &'a Replicate)>,
) -> Result<Request<Full<Bytes>>, TransportError> {
    let copy = |(key, body): (&'a str, &'a Replicate)| ReplicateCopy {
        key: Cow::Borrowed(key),
        value: Cow::Borrowed(&body.value),
        version: body.version,
        catch_up: body.catch_up,
    };
    post(host, "/replicate", &ReplicateBatch { copies: copies.map(copy).collect() })
}

fn post(host: &str, path: &str, body: &impl Serialize) -> Result<Request<Full<Bytes>>, TransportError> {
    let json = serde_json::to_vec(body).map_err(|error| cannot_ask(&error))?;
    Request::post(path)
        .header(header::HOST, host)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::from(json))
        .map_err(|error| cannot_ask(&error))
}

fn cannot_ask(error: &dyn Error) -> TransportError {
    TransportError::NoAnswer(format!("no request: {error}"))
}

/// The same request as it stands on a connection of HTTP/1.1.
pub(super) fn request_bytes(host: &str, key: &str, body: &Replicate) -> Result<Bytes, TransportError> {
    let (head, body) = request(host, key, body)?.into_parts();
    let body = body.into_inner().unwrap_or_default();
    let lines = format!(
        "{} {} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        head.method,
        head.uri.path(),
        body.len(),
    );
    Ok([lines.as_bytes(), &body].concat().into())
}

/// The request for the health of the node at `host`.
pub(super) fn health(host: &str) -> Result<Request<Full<Bytes>>, TransportError> {
    let request = Request::get("/health").header(header::HOST, host).body(Full::default());
    request.map_err(|error| cannot_ask(&error))
}

/// What a follower answered to a request with this many copies, one by one.
pub(super) fn batch_answers(
    answer: BatchReplicated,
    copies: usize,
) -> Result<Vec<Result<Replicated, TransportError>>, TransportError> {
    let BatchReplicated { answers, started_us } = answer;
    if answers.len() != copies {
        return Err(TransportError::BadAnswer(format!("{} answers to {copies} copies", answers.len())));
    }
    let of_copy = |answer| match answer {
        CopyAnswer { applied: Some(applied), version: Some(version), .. } => {
            Ok(Replicated { applied, version, started_us })
        }
        CopyAnswer { error: Some(error), message, .. } => Err(TransportError::Refused {
            status: StatusCode::BAD_REQUEST.as_u16(),
            body: format!("{error}: {}", message.unwrap_or_default()),
        }),
        CopyAnswer { .. } => Err(TransportError::BadAnswer("neither applied nor refused".to_owned())),
    };
    Ok(answers.into_iter().map(of_copy).collect())
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn path(key: &str) -> String {
        let body = Replicate { value: "v".to_owned(), version: Some(1), catch_up: false };
        let request = request("f1:8000", key, &body).unwrap();
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
