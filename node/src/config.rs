//! The environment variables that make a node, parsed once into typed settings.

mod choices;
mod delays;
mod error;
mod parse;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::time::Duration;

use crate::delay::LinkDelays;

pub use choices::{CatchUp, LinkOrder, ReplicationOrder, Role};
pub(crate) use delays::{COHERENCE_MS, delay_us, distribution};
pub use error::VariableError;
pub use parse::BaseUrl;
pub(crate) use parse::{SEED, Vars};

/// The settings of a node.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeConfig {
    /// `ROLE`.
    pub role: Role,
    /// `NODE_NAME`.
    pub name: String,
    /// `LISTEN_ADDR`.
    pub listen: SocketAddr,
    /// `FOLLOWERS`, in index order; empty on a follower.
    pub followers: Vec<BaseUrl>,
    /// `WRITE_QUORUM`; may be more than there are followers.
    pub write_quorum: u32,
    /// `MIN_DELAY_MS` and `MAX_DELAY_MS` or else `DELAY`, `ACK_DELAY`, `FOLLOWER_DELAYS` and
    /// `FOLLOWER_ACK_DELAYS`: one a follower; empty on a follower.
    pub links: Vec<LinkDelays>,
    /// `REPLICATION_LINK`.
    pub link_order: LinkOrder,
    /// `REPLICATION_COHERENCE_MS`, only of ordered links. `None`: as
    /// [`OrderedDirection::default_coherence`](crate::delay::OrderedDirection::default_coherence) says.
    pub coherence: Option<Duration>,
    /// `DELAY_SEED`.
    pub delay_seed: Option<u64>,
    /// `REPLICATION_TIMEOUT_S`: more than zero and at most [`MAX_DURATION`](crate::bounds::MAX_DURATION).
    pub replication_timeout: Duration,
    /// `GLOBAL_REQUEST_TIMEOUT_S`: more than zero and at most [`MAX_DURATION`](crate::bounds::MAX_DURATION).
    pub request_timeout: Duration,
    /// `REPLICATION_ORDER`.
    pub order: ReplicationOrder,
    /// `REPLICATION_CATCH_UP`.
    pub catch_up: CatchUp,
    /// `TRACE_CAPACITY`: how many records the trace keeps.
    pub trace_capacity: usize,
}

impl NodeConfig {
    /// Reads and checks every variable; `var` returns a variable's value if it is set. A value
    /// that is empty or blank counts as not set, as Compose files produce them.
    ///
    /// # Errors
    /// The first variable that is missing or not accepted.
    pub fn from_vars(var: impl Fn(&str) -> Option<String>) -> Result<Self, VariableError> {
        let vars = parse::Vars::new(&var);
        let role = vars
            .get("ROLE", "leader or follower", |text| text.parse().ok())?
            .ok_or(VariableError::Missing { name: "ROLE", expected: "leader or follower" })?;
        let mut followers = parse::followers(&vars)?;
        if role == Role::Follower {
            followers.clear();
        }
        let link_order =
            vars.get("REPLICATION_LINK", "independent or ordered", |text| text.parse().ok())?.unwrap_or_default();
        Ok(Self {
            role,
            name: vars.get("NODE_NAME", parse::NAME, parse::name)?.unwrap_or_else(|| role.to_string()),
            listen: listen_addr(&var)?,
            links: delays::links(&vars, followers.len())?,
            followers,
            link_order,
            coherence: delays::coherence(&vars, link_order)?,
            write_quorum: vars.get("WRITE_QUORUM", parse::COUNT, |text| text.parse().ok())?.unwrap_or(1),
            delay_seed: vars.get("DELAY_SEED", parse::SEED, |text| text.parse().ok())?,
            replication_timeout: vars
                .get("REPLICATION_TIMEOUT_S", parse::TIMEOUT, parse::timeout)?
                .unwrap_or(Duration::from_secs(2)),
            request_timeout: vars
                .get("GLOBAL_REQUEST_TIMEOUT_S", parse::TIMEOUT, parse::timeout)?
                .unwrap_or(Duration::from_secs(5)),
            order: vars
                .get("REPLICATION_ORDER", "arrival or version", |text| text.parse().ok())?
                .unwrap_or(ReplicationOrder::Arrival),
            catch_up: vars
                .get("REPLICATION_CATCH_UP", "off or snapshot", |text| text.parse().ok())?
                .unwrap_or(CatchUp::Off),
            trace_capacity: vars.get("TRACE_CAPACITY", parse::CAPACITY, parse::capacity)?.unwrap_or(1_000_000),
        })
    }

    /// A warning about settings that are accepted but hardly meant.
    pub fn warning(&self) -> Option<String> {
        let followers = self.followers.len();
        let beyond =
            self.role == Role::Leader && usize::try_from(self.write_quorum).is_ok_and(|quorum| quorum > followers);
        beyond.then(|| {
            format!(
                "WRITE_QUORUM={} is more than the {followers} FOLLOWERS: every write will be refused with 503",
                self.write_quorum
            )
        })
    }
}

/// Reads `LISTEN_ADDR` alone.
///
/// # Errors
/// If it is not accepted.
pub fn listen_addr(var: impl Fn(&str) -> Option<String>) -> Result<SocketAddr, VariableError> {
    let parsed = parse::Vars::new(&var).get("LISTEN_ADDR", parse::ADDRESS, |text| text.parse().ok())?;
    Ok(parsed.unwrap_or(SocketAddr::from(([0, 0, 0, 0], 8000))))
}

/// Reads `CONTROL_ADDR`, where a proxy takes orders: by default only from its own machine.
///
/// # Errors
/// If it is not accepted.
pub fn control_addr(var: impl Fn(&str) -> Option<String>) -> Result<SocketAddr, VariableError> {
    let parsed = parse::Vars::new(&var).get("CONTROL_ADDR", parse::ADDRESS, |text| text.parse().ok())?;
    Ok(parsed.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 9000))))
}

/// Reads a switch: `1` is on; `0`, blank or unset is off.
///
/// # Errors
/// If the variable has any other value.
pub fn switch(name: &'static str, var: impl Fn(&str) -> Option<String>) -> Result<bool, VariableError> {
    let parsed = parse::Vars::new(&var).get(name, "0 or 1", |text| match text {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    })?;
    Ok(parsed.unwrap_or(false))
}
