//! Faults on containers, through the engine.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::ComposeCluster;
use super::user_file::JoinedNetwork;
use crate::cluster::ClusterError;
use crate::cluster::docker::Call;
use crate::model::{Act, NodeId, ProxyOrder};
use crate::network::ProxyError;

/// How long the engine may take to do one thing to one container.
const ACTION_LIMIT: Duration = Duration::from_secs(30);

impl ComposeCluster {
    /// Does one thing to a node's container or to its links.
    pub(super) fn carry_out(&mut self, node: NodeId, act: Act, cancel: &CancellationToken) -> Result<(), ClusterError> {
        let name = &*node.to_string();
        match act {
            Act::Kill => {
                self.proxies.hold(node).map_err(|error| self.disobeyed(error))?;
                self.container(&["kill"], name, cancel)?;
                self.proxies.drop_held(node).map_err(|error| self.disobeyed(error))?;
            }
            Act::Stop => {
                let spec = self.spec.nodes.iter().find(|spec| spec.node == node);
                let limit_s = spec.map_or(0, |spec| spec.lifecycle.stop.limit.as_secs()).to_string();
                self.container(&["stop", "-t", &limit_s], name, cancel)?;
                self.order(node, ProxyOrder::Drop)?;
            }
            Act::Start => self.container(&["start"], name, cancel)?,
            Act::Freeze => self.container(&["pause"], name, cancel)?,
            Act::Thaw => self.container(&["unpause"], name, cancel)?,
            Act::Cut => self.order(node, ProxyOrder::Cut)?,
            Act::Mute => self.order(node, ProxyOrder::Mute)?,
            Act::Slow { added_ms } => self.order(node, ProxyOrder::Slow { added_ms })?,
            Act::Pass => self.order(node, ProxyOrder::Pass)?,
            // Clients reach the leader over a link, which has been cut.
            Act::Hide | Act::Show if node.is_leader() => {}
            Act::Hide => self.network("disconnect", name, cancel)?,
            Act::Show => self.network("connect", name, cancel)?,
        }
        match act.leaves_reachable() {
            Some(true) => drop(self.faulty.remove(name)),
            Some(false) => drop(self.faulty.insert(name.to_owned())),
            None => {}
        }
        Ok(())
    }

    /// A command on one service's container.
    fn container(&self, command: &[&str], service: &str, cancel: &CancellationToken) -> Result<(), ClusterError> {
        self.engine().args(command.iter().copied()).args([self.id(service)?]).read(cancel).map(drop)
    }

    /// Takes a node off its networks, or puts it back under its names.
    fn network(&self, verb: &str, node: &str, cancel: &CancellationToken) -> Result<(), ClusterError> {
        for network in self.networks_of(node) {
            let mut call = self.engine().args(["network", verb]);
            if verb == "connect" {
                call = network.aliases.iter().fold(call, |call, alias| call.args(["--alias", alias]));
                call = network.address.iter().fold(call, |call, address| call.args(["--ip", address]));
            }
            call.args([network.name.as_str(), self.id(node)?]).read(cancel)?;
        }
        Ok(())
    }

    /// The networks of a node.
    fn networks_of(&self, node: &str) -> Vec<JoinedNetwork> {
        let own = node.parse().ok().and_then(|node: NodeId| self.networks.get(&node));
        own.cloned().unwrap_or_else(|| {
            let name = format!("{}_default", self.project());
            vec![JoinedNetwork { name, aliases: vec![node.to_owned()], address: None }]
        })
    }

    /// Gives an order to the proxies of the links of a node.
    fn order(&mut self, node: NodeId, order: ProxyOrder) -> Result<(), ClusterError> {
        let done = self.proxies.order(node, order);
        done.map_err(|error| self.disobeyed(error))
    }

    /// Why a proxy did not do what it was told.
    pub(super) fn disobeyed(&self, error: ProxyError) -> ClusterError {
        let log = self.containers.get(&error.proxy).map(|id| self.project.log_tail(id)).unwrap_or_default();
        ClusterError::Node { reason: error.to_string(), node: error.proxy, log }
    }

    fn engine(&self) -> Call {
        self.project.docker().client(ACTION_LIMIT)
    }

    fn id(&self, service: &str) -> Result<&str, ClusterError> {
        let id = self.containers.get(service).map(String::as_str);
        id.ok_or_else(|| ClusterError::Setup(format!("there is no container of {service}")))
    }
}
