//! The environment variables of a proxy.

use std::sync::Arc;
use std::time::Duration;

use crate::config::{COHERENCE_MS, SEED, VariableError, Vars, delay_us, distribution};
use crate::delay::{Distribution, OrderedDirection};

/// Where a proxy leads, and how long its link takes.
#[derive(Debug, Clone, PartialEq)]
pub struct ProxyConfig {
    /// `NODE_NAME`: the link's name, by which its delays are drawn, `proxy` by default.
    pub name: String,
    /// `PROXY_TO`: `HOST:PORT` of the node behind it, looked up for each connection.
    pub to: String,
    /// `WRITES_FROM`: who sends the writes of this link.
    pub writes_from: WriteSource,
    /// `DELAY`: the delay of writes. `None`: they take no time.
    pub write_delay: Option<Arc<Distribution>>,
    /// `ACK_DELAY`: the delay of what goes the other way. `None`: it takes no time.
    pub ack_delay: Option<Arc<Distribution>>,
    /// `DELAY_SEED`. `None`: other delays each time.
    pub seed: Option<u64>,
    /// `REPLICATION_COHERENCE_MS`: how long a delay stays as it is. `None`: as [`OrderedDirection::default_coherence`] says for each direction.
    pub coherence: Option<Duration>,
}

/// Who sends the writes of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteSource {
    /// The side that connects to the proxy: a leader that connects to its followers, or a client. When it closes the
    /// connection, it has given up what has not been passed on.
    Dialer,
    /// The node behind the proxy: a leader to which its followers connect.
    Target,
}

const TO: &str = "HOST:PORT of the node behind the proxy";
const SOURCE: &str = "dialer or target";

impl ProxyConfig {
    /// Reads and checks the variables; one that is empty or blank counts as not set.
    ///
    /// # Errors
    /// The first one that is missing or not accepted.
    pub fn from_vars(var: impl Fn(&str) -> Option<String>) -> Result<Self, VariableError> {
        let vars = Vars::new(&var);
        let to = vars.get("PROXY_TO", TO, address)?.ok_or(VariableError::Missing { name: "PROXY_TO", expected: TO })?;
        Ok(Self {
            name: vars.get("NODE_NAME", "a name", |text| Some(text.to_owned()))?.unwrap_or_else(|| "proxy".to_owned()),
            to,
            writes_from: vars.get("WRITES_FROM", SOURCE, source)?.unwrap_or(WriteSource::Dialer),
            write_delay: distribution(&vars, "DELAY")?.map(Arc::new),
            ack_delay: distribution(&vars, "ACK_DELAY")?.map(Arc::new),
            seed: vars.get("DELAY_SEED", SEED, |text| text.parse().ok())?,
            coherence: vars.get("REPLICATION_COHERENCE_MS", COHERENCE_MS, coherence)?,
        })
    }

    /// The delays of writes, and those of what goes the other way, drawn under `seed`. `None` for a direction that
    /// takes no time.
    pub(super) fn directions(&self, seed: u64) -> [Option<OrderedDirection>; 2] {
        [(&self.write_delay, "write"), (&self.ack_delay, "ack")].map(|(delay, way)| {
            let delay = delay.as_ref()?;
            let coherence = self.coherence.unwrap_or_else(|| OrderedDirection::default_coherence(delay));
            Some(OrderedDirection::new(Arc::clone(delay), seed, &format!("{}/{way}", self.name), coherence))
        })
    }
}

fn address(text: &str) -> Option<String> {
    let (host, port) = text.rsplit_once(':')?;
    (!host.is_empty() && port.parse::<u16>().is_ok()).then(|| text.to_owned())
}

fn source(text: &str) -> Option<WriteSource> {
    match text {
        "dialer" => Some(WriteSource::Dialer),
        "target" => Some(WriteSource::Target),
        _ => None,
    }
}

fn coherence(text: &str) -> Option<Duration> {
    delay_us(text).filter(|us| *us > 0).map(|us| Duration::from_micros(us.into()))
}
