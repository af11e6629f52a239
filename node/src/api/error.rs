//! Error answers.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::leader::{QuorumError, QuorumFailure};
use crate::wire::ErrorBody;

/// A status and the JSON that goes with it.
#[derive(Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    quorum: Option<QuorumError>,
}

impl ApiError {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), quorum: None }
    }

    pub(super) fn bad_key(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_key", message)
    }

    pub(super) fn bad_write_id() -> Self {
        let message = "the header x-write-id is not one whole number from 0 to 18446744073709551615";
        Self::new(StatusCode::BAD_REQUEST, "bad_write_id", message)
    }

    pub(super) fn bad_query(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_query", message)
    }

    pub(super) fn malformed_body(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed_body", message)
    }

    pub(super) fn unknown_key(key: &str) -> Self {
        let message = format!("nothing was written to {}", super::clip(key));
        Self::new(StatusCode::NOT_FOUND, "unknown_key", message)
    }

    pub(super) fn wrong_role(message: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "wrong_role", message)
    }
}

impl From<QuorumError> for ApiError {
    fn from(error: QuorumError) -> Self {
        let (status, code) = match error.failure {
            QuorumFailure::Unreachable => (StatusCode::SERVICE_UNAVAILABLE, "quorum_unreachable"),
            QuorumFailure::Timeout => (StatusCode::GATEWAY_TIMEOUT, "quorum_timeout"),
        };
        Self { quorum: Some(error), ..Self::new(status, code, error.to_string()) }
    }
}

impl From<ApiError> for (StatusCode, ErrorBody) {
    fn from(error: ApiError) -> Self {
        let ApiError { status, code, message, quorum } = error;
        let body = ErrorBody {
            error: code.to_owned(),
            message,
            acks: quorum.map(|quorum| quorum.acks),
            required: quorum.map(|quorum| quorum.required),
            version: quorum.map(|quorum| quorum.version),
        };
        (status, body)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, body) = self.into();
        (status, Json(body)).into_response()
    }
}
