//! The environment variables of a relay.

use std::time::Duration;

use crate::bounds::MAX_DURATION;
use crate::config::VariableError;

/// Where a relay leads, and its delay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayConfig {
    /// `RELAY_TO`: `HOST:PORT` of the node behind it.
    pub to: String,
    /// `RELAY_DELAY_MS`: what [`Mode::Slow`](super::Mode::Slow) adds; at most [`MAX_DURATION`].
    pub delay: Duration,
}

impl RelayConfig {
    /// Reads and checks the variables; one that is empty or blank counts as not set.
    ///
    /// # Errors
    /// The first one that is missing or not accepted.
    pub fn from_vars(var: impl Fn(&str) -> Option<String>) -> Result<Self, VariableError> {
        let text = |name| var(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let (name, expected) = ("RELAY_TO", "HOST:PORT of the node behind the relay");
        let to = text(name).ok_or(VariableError::Missing { name, expected })?;
        if !to.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok()) {
            return Err(VariableError::Invalid { name, value: to, expected });
        }
        let delay = match text("RELAY_DELAY_MS") {
            None => Duration::ZERO,
            Some(value) => match value.parse().map(Duration::from_millis) {
                Ok(delay) if delay <= MAX_DURATION => delay,
                _ => {
                    let expected = "a whole number of milliseconds from 0 to 3600000";
                    return Err(VariableError::Invalid { name: "RELAY_DELAY_MS", value, expected });
                }
            },
        };
        Ok(Self { to, delay })
    }
}
