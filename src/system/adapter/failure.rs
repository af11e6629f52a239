//! Why an adapter cannot be asked.

use std::time::Duration;

/// Why an adapter did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    /// It does not keep to the protocol, or has ended: nothing more can be measured through it.
    #[error("{0}")]
    Broken(String),
    /// It says nothing.
    #[error("it did not answer within {} s", .0.as_secs_f64())]
    Late(Duration),
    /// It says itself that it could not do what it was asked.
    #[error("it says {0:?}")]
    Refused(String),
}
