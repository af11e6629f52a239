//! The key in a request's path.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use super::error::ApiError;

/// The longest key, once decoded.
pub(super) const MAX_KEY_BYTES: usize = 512;

/// The key in the path of a request: 1 to [`MAX_KEY_BYTES`] of UTF-8.
#[derive(Debug)]
pub(super) struct KeyInPath(String);

impl KeyInPath {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<KeyInPath> for String {
    fn from(key: KeyInPath) -> Self {
        key.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for KeyInPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Path(key) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|rejection| ApiError::bad_key(rejection.body_text()))?;
        check(&key)?;
        Ok(Self(key))
    }
}

/// Checks a key for its length.
pub(super) fn check(key: &str) -> Result<(), ApiError> {
    match key.len() {
        0 => Err(ApiError::bad_key("the key is empty")),
        1..=MAX_KEY_BYTES => Ok(()),
        bytes => Err(ApiError::bad_key(format!("the key has {bytes} bytes, more than {MAX_KEY_BYTES}"))),
    }
}
