//! The arguments of `labctl init`.

use clap::{Args, ValueEnum};

use crate::config::ExperimentName;
use crate::model::{Followers, Millis};

/// `labctl init`. What is left out is asked for on a terminal.
#[derive(Debug, Clone, Default, Args)]
pub struct Init {
    /// Name of your system and of its experiment [default: mine]
    #[arg(long, value_name = "NAME")]
    pub name: Option<ExperimentName>,
    /// How many followers it has [default: 5]
    #[arg(long, value_name = "N")]
    pub followers: Option<Followers>,
    /// Command that starts one node as a local process, such as "python3 node.py {port}"
    #[arg(long, value_name = "COMMAND", help_heading = "How nodes start")]
    pub command: Option<String>,
    /// Your Compose file, for nodes in containers; may stand beside --command
    #[arg(long, value_name = "FILE", help_heading = "How nodes start")]
    pub compose: Option<String>,
    /// The leader's service in the Compose file [default: leader]
    #[arg(long, value_name = "SERVICE", requires = "compose", help_heading = "How nodes start")]
    pub leader_service: Option<String>,
    /// The followers' services in the Compose file; {index} counts from 1 [default: follower{index}]
    #[arg(long, value_name = "SERVICES", requires = "compose", help_heading = "How nodes start")]
    pub follower_services: Option<String>,
    /// The port on which each node listens in its container [default: 8080]
    #[arg(long, value_name = "PORT", requires = "compose", help_heading = "How nodes start")]
    pub container_port: Option<u16>,
    /// Addresses of nodes that are running already, the leader's first
    #[arg(long, value_name = "URL,...", value_delimiter = ',', conflicts_with_all = ["command", "compose"],
          help_heading = "How nodes start")]
    pub urls: Vec<String>,
    /// Which interface the nodes have
    #[arg(long, value_enum, value_name = "INTERFACE", help_heading = "Interface")]
    pub interface: Option<Interface>,
    /// A write: method, path, and its JSON body if it has one, such as 'PUT /kv/{key} {"value": "{value}"}'
    #[arg(long, value_name = "REQUEST", help_heading = "Interface")]
    pub write: Option<String>,
    /// Statuses of a write that has its quorum [default: 200]
    #[arg(long, value_name = "STATUS,...", value_delimiter = ',', help_heading = "Interface")]
    pub status: Vec<u16>,
    /// jq filter on the answer to a write: whether it has its quorum, such as '.status == "success"'
    #[arg(long, value_name = "FILTER", help_heading = "Interface")]
    pub ok: Option<String>,
    /// A read, such as 'GET /kv/{key}'
    #[arg(long, value_name = "REQUEST", help_heading = "Interface")]
    pub read: Option<String>,
    /// jq filter on the answer to a read: the value [default: .value]
    #[arg(long, value_name = "FILTER", help_heading = "Interface")]
    pub value: Option<String>,
    /// What tells everything that a node holds, such as 'GET /dump'; `reads`: it is read key by key
    #[arg(long, value_name = "REQUEST", help_heading = "Interface")]
    pub dump: Option<String>,
    /// jq filter on the answer to a dump: its entries, each with key and value [default: to_entries[]]
    #[arg(long, value_name = "FILTER", help_heading = "Interface")]
    pub entries: Option<String>,
    /// How the system is told W
    #[arg(long, value_enum, value_name = "HOW", help_heading = "Quorum")]
    pub quorum: Option<QuorumTold>,
    /// The variable that tells W to a node that starts [default: WRITE_QUORUM]
    #[arg(long, value_name = "VARIABLE", help_heading = "Quorum")]
    pub quorum_variable: Option<String>,
    /// The request that tells W to a leader that runs, such as 'POST /config {"quorum": "{quorum_number}"}'
    #[arg(long, value_name = "REQUEST", help_heading = "Quorum")]
    pub set_quorum: Option<String>,
    /// Its number counts the leader: 1 means that no follower has to answer
    #[arg(long, help_heading = "Quorum")]
    pub counts_leader: bool,
    /// Who delays copies
    #[arg(long, value_enum, value_name = "WHO", help_heading = "Delays")]
    pub delays: Option<DelayedBy>,
    /// The shortest delay of a copy [default: 0]
    #[arg(long, value_name = "MS", value_parser = super::millis, help_heading = "Delays")]
    pub min_delay_ms: Option<Millis>,
    /// The longest delay of a copy [default: 1000]
    #[arg(long, value_name = "MS", value_parser = super::millis, help_heading = "Delays")]
    pub max_delay_ms: Option<Millis>,
    /// The variables that tell both to a node that delays copies itself [default: MIN_DELAY_MS,MAX_DELAY_MS]
    #[arg(long, value_name = "MIN,MAX", help_heading = "Delays")]
    pub delay_variables: Option<String>,
    /// The unit of these variables [default: ms]
    #[arg(long, value_enum, value_name = "UNIT", help_heading = "Delays")]
    pub delay_unit: Option<DelayUnit>,
    /// Put the file in the place of one that is there
    #[arg(long)]
    pub force: bool,
}

/// Which interface a node has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Interface {
    /// The lab's: PUT and GET /kv/{key}, GET /debug/store, and its variables (ROLE, FOLLOWERS, ...)
    Lab,
    /// Another one: say --write, --read, --dump
    Paths,
}

/// How a system is told W; the words are those of experiments.toml.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum QuorumTold {
    /// By a variable when a node starts
    PerStart,
    /// By a request to the leader
    ByRequest,
    /// With each write: {quorum} is in its path or body
    PerWrite,
}

/// Who delays the copies of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DelayedBy {
    /// The nodes themselves
    Own,
    /// labctl, by proxies between the nodes
    Proxies,
}

/// The unit of a variable that holds a delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DelayUnit {
    /// Milliseconds
    Ms,
    /// Seconds
    S,
}
