//! What has to be known of a system to write its experiments.toml.

use super::words::RequestText;
use crate::cli::DelayUnit;
use crate::config::ExperimentName;
use crate::model::{Followers, Millis};

/// What has to be known of a system.
#[derive(Debug)]
pub(super) struct Answers {
    /// Its name, and that of its experiment.
    pub(super) name: ExperimentName,
    /// How many followers it has.
    pub(super) followers: Followers,
    /// How its nodes start.
    pub(super) start: Start,
    /// What is sent to it. `None` if it has the lab's interface.
    pub(super) paths: Option<Paths>,
    /// How it is told W.
    pub(super) quorum: QuorumAnswer,
    /// Whether its number counts the leader.
    pub(super) counts_leader: bool,
    /// Who delays copies.
    pub(super) delays: DelayAnswer,
    /// The shortest and the longest delay of a copy.
    pub(super) bounds_ms: (Millis, Millis),
}

/// How nodes start.
#[derive(Debug)]
pub(super) enum Start {
    /// labctl starts them, in one or both of two ways.
    Started {
        /// As local processes.
        command: Option<Vec<String>>,
        /// In containers.
        compose: Option<Compose>,
    },
    /// They run already, at these addresses, the leader's first.
    Running(Vec<String>),
}

/// Which services of a Compose file are the nodes.
#[derive(Debug)]
pub(super) struct Compose {
    pub(super) file: String,
    pub(super) leader: String,
    pub(super) followers: String,
    pub(super) port: u16,
}

/// What is sent to a node whose interface is not the lab's, and how its answers are read.
#[derive(Debug)]
pub(super) struct Paths {
    pub(super) write: RequestText,
    pub(super) status: Vec<u16>,
    pub(super) ok: Option<String>,
    pub(super) read: RequestText,
    pub(super) value: String,
    /// `None`: key by key.
    pub(super) dump: Option<(RequestText, String)>,
}

/// How W is told.
#[derive(Debug)]
pub(super) enum QuorumAnswer {
    /// By a variable.
    PerStart(String),
    /// By a request to the leader.
    ByRequest(RequestText),
    /// With each write.
    PerWrite,
}

/// Who delays copies.
#[derive(Debug)]
pub(super) enum DelayAnswer {
    /// The nodes, by variables for the shortest and the longest delay.
    Own {
        /// The variables.
        variables: (String, String),
        /// Their unit.
        unit: DelayUnit,
    },
    /// labctl.
    Proxies,
}
