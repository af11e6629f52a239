//! One node of either role.

use std::sync::Arc;

use crate::clock::Clock;
use crate::config::{BaseUrl, NodeConfig};
use crate::follower::Follower;
use crate::leader::Leader;
use crate::limits;
use crate::store::Store;
use crate::transport::Transport;
use crate::wire::{Health, Role};

/// A leader or a follower, as its settings say.
#[derive(Debug)]
pub enum Node {
    /// Accepts writes.
    Leader(Arc<Leader>),
    /// Accepts replication.
    Follower(Arc<Follower>),
}

impl Node {
    /// A node with nothing in its store. A leader reaches its followers through what `connect`
    /// makes of their addresses; for a follower it is not called.
    pub fn new(config: NodeConfig, clock: Clock, connect: impl FnOnce(&[BaseUrl]) -> Arc<dyn Transport>) -> Self {
        match config.role {
            Role::Leader => {
                let transport = connect(&config.followers);
                Self::Leader(Arc::new(Leader::new(config, clock, transport)))
            }
            Role::Follower => Self::Follower(Arc::new(Follower::new(config, clock))),
        }
    }

    /// What the node was started with.
    pub fn config(&self) -> &NodeConfig {
        match self {
            Self::Leader(leader) => leader.config(),
            Self::Follower(follower) => follower.config(),
        }
    }

    /// The node's clock.
    pub fn clock(&self) -> &Clock {
        match self {
            Self::Leader(leader) => leader.clock(),
            Self::Follower(follower) => follower.clock(),
        }
    }

    /// What the node holds.
    pub fn store(&self) -> &Store {
        match self {
            Self::Leader(leader) => leader.store(),
            Self::Follower(follower) => follower.store(),
        }
    }

    /// The answer to `GET /health`.
    pub fn health(&self) -> Health {
        let config = self.config();
        Health {
            ok: true,
            role: config.role,
            node: config.name.clone(),
            write_quorum: config.write_quorum,
            followers: config.followers.iter().map(BaseUrl::to_string).collect(),
            in_flight: match self {
                Self::Leader(leader) => leader.in_flight(),
                Self::Follower(_) => 0,
            },
            unreachable: match self {
                Self::Leader(leader) => leader.unreachable(),
                Self::Follower(_) => Vec::new(),
            },
            exhausted: limits::met().map(str::to_owned),
            started_us: match self {
                Self::Leader(leader) => leader.started_us(),
                Self::Follower(follower) => follower.started_us(),
            },
            now_us: self.clock().now_us(),
        }
    }
}
