//! The environment variables of a proxy.

use std::sync::Arc;
use std::time::Duration;

use crate::bounds::MAX_DURATION;
use crate::config::VariableError;
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
    /// `COHERENCE_MS`: how long a delay stays as it is. `None`: as [`OrderedDirection::default_coherence`] says for each direction.
    pub coherence: Option<Duration>,
}

/// Who sends the writes of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteSource {
    /// Whoever connects to the proxy: a leader that connects to its followers, or a client. When it closes the
    /// connection, it has given up what has not been passed on.
    Dialer,
    /// The node behind the proxy: a leader to which its followers connect.
    Target,
}

const TO: &str = "HOST:PORT of the node behind the proxy";
const SOURCE: &str = "dialer or target";
const SEED: &str = "a whole number from 0 to 18446744073709551615";
const COHERENCE: &str = "a number of milliseconds from 0.001 to 3600000";

impl ProxyConfig {
    /// Reads and checks the variables; one that is empty or blank counts as not set.
    ///
    /// # Errors
    /// The first one that is missing or not accepted.
    pub fn from_vars(var: impl Fn(&str) -> Option<String>) -> Result<Self, VariableError> {
        let vars = Vars(&var);
        let to = vars.get("PROXY_TO", TO, address)?.ok_or(VariableError::Missing { name: "PROXY_TO", expected: TO })?;
        Ok(Self {
            name: vars.get("NODE_NAME", "a name", |text| Some(text.to_owned()))?.unwrap_or_else(|| "proxy".to_owned()),
            to,
            writes_from: vars.get("WRITES_FROM", SOURCE, source)?.unwrap_or(WriteSource::Dialer),
            write_delay: vars.delay("DELAY")?,
            ack_delay: vars.delay("ACK_DELAY")?,
            seed: vars.get("DELAY_SEED", SEED, |text| text.parse().ok())?,
            coherence: vars.get("COHERENCE_MS", COHERENCE, coherence)?,
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

/// The environment of a proxy.
struct Vars<'a>(&'a dyn Fn(&str) -> Option<String>);

impl Vars<'_> {
    fn text(&self, name: &str) -> Option<String> {
        self.0(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    fn get<T>(
        &self,
        name: &'static str,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, VariableError> {
        let Some(value) = self.text(name) else { return Ok(None) };
        match parse(&value) {
            Some(parsed) => Ok(Some(parsed)),
            None => Err(VariableError::Invalid { name, value, expected }),
        }
    }

    fn delay(&self, name: &'static str) -> Result<Option<Arc<Distribution>>, VariableError> {
        let parse = |text: String| match text.parse() {
            Ok(delay) => Ok(Arc::new(delay)),
            // A table of quantiles may be long, and an error is one line.
            Err(reason) => Err(VariableError::Delay { name, value: text.chars().take(60).collect(), reason }),
        };
        self.text(name).map(parse).transpose()
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
    let ms: f64 = text.parse().ok()?;
    let in_range = (0.001..=MAX_DURATION.as_secs_f64() * 1_000.0).contains(&ms);
    in_range.then(|| Duration::from_secs_f64(ms / 1_000.0))
}
