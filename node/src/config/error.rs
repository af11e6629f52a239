//! What is wrong with the environment.

/// A variable of the environment that is missing or not accepted; shown as one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VariableError {
    /// The variable must be there.
    #[error("{name} is not set: expected {expected}")]
    Missing {
        /// The variable.
        name: &'static str,
        /// What would be accepted.
        expected: &'static str,
    },
    /// The variable has a value that is not accepted.
    #[error("{name}={value:?} is not accepted: expected {expected}")]
    Invalid {
        /// The variable.
        name: &'static str,
        /// The offending value, or the offending part of a list.
        value: String,
        /// What would be accepted.
        expected: &'static str,
    },
    /// The variable has a value that does not make a network, such as a distribution that is not accepted.
    #[error("{name}={value:?} is not accepted: {reason}")]
    Delay {
        /// The variable.
        name: &'static str,
        /// The offending part of it, or the beginning of that.
        value: String,
        /// What is wrong, and what would be accepted.
        reason: String,
    },
    /// The two bounds of the delay are the wrong way round.
    #[error("MIN_DELAY_MS={min} is not accepted: expected at most MAX_DELAY_MS={max}")]
    DelayBounds {
        /// `MIN_DELAY_MS` as given or by default.
        min: String,
        /// `MAX_DELAY_MS` as given or by default.
        max: String,
    },
}
