//! `manifest.json`: under which conditions a run's facts came about.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::config::{Experiment, ExperimentName};
use crate::model::{BackendFacts, Capabilities, Micros, NodeId, Quorum, SystemFacts, SystemName, TimeSpan, sha256};

/// The schema of the run directories that this labctl writes, and the newest that it reads.
/// Schema 1 has no `system` in its manifest and no `forecast.csv`.
pub const SCHEMA: u32 = 2;

/// The oldest schema that this labctl reads.
pub(super) const OLDEST_SCHEMA: u32 = 1;

/// `manifest.json`.
///
/// A simulated run depends on the experiment and on labctl's version alone, and so does its
/// manifest: it has no executable, source, command line, machine or time of day, and its
/// durations are of virtual time.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the run directory's layout, at most [`SCHEMA`].
    pub schema: u32,
    /// The experiment's name.
    pub experiment: ExperimentName,
    /// The write quorum of this run.
    pub quorum: Quorum,
    /// The experiment as it was resolved: file, defaults and command line.
    pub config: Experiment,
    /// SHA-256 of `config` as canonical JSON, hexadecimal.
    pub config_sha256: String,
    /// Copy of `config.seed`, so that it can be found with grep.
    pub seed: u64,
    /// What was measured; absent in runs of schema 1, which all measured the lab's node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<SystemFacts>,
    /// Where the nodes ran.
    pub backend: BackendFacts,
    /// SHA-256 of the node's executable, hexadecimal; absent where the nodes were not ours
    /// or were simulated.
    pub node_sha256: Option<String>,
    /// The source the running labctl was started in; absent in the simulation.
    pub git: Option<GitFacts>,
    /// labctl's own version.
    pub labctl_version: String,
    /// The command line; empty in the simulation.
    pub argv: Vec<String>,
    /// The machine; absent in the simulation.
    pub host: Option<HostFacts>,
    /// When the run began, RFC 3339 UTC; absent in the simulation.
    pub started: Option<String>,
    /// When its last dump was taken, RFC 3339 UTC; absent in the simulation.
    pub finished: Option<String>,
    /// From the run's start to the last write's answer, in microseconds.
    pub load_us: TimeSpan,
    /// From the last write's answer until nothing was in flight, in microseconds.
    pub settle_us: TimeSpan,
    /// How long all dumps had to stay equal until the run counted as settled; absent of a system that tells what is in
    /// flight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_us: Option<TimeSpan>,
    /// False when the deadline passed first: what the final snapshots say is then not final.
    pub settled: bool,
    /// From before the cluster started until after it was down, in microseconds; in the
    /// simulation the virtual time from its start to its end.
    pub wall_us: TimeSpan,
    /// Trace records the nodes forgot because their trace was full.
    pub trace_dropped: u64,
    /// Nodes that a fault kept from being asked once the load was over, or that the system cannot dump: of these
    /// there are no dumps, and no trace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absent_nodes: Vec<NodeId>,
    /// How many runs were measured side by side; absent where one was measured after the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jobs: Option<NonZeroU32>,
    /// What driving the load took of the processors; absent in the simulation, of runs that were
    /// measured side by side, and of those from before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_cost: Option<LoadCost>,
    /// When labctl or the machine stood still during the run; left out of the file if never.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<GapFacts>,
    /// When another node became the leader during the run; left out of the file if none did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leader_changes: Vec<LeaderChangeFacts>,
}

impl Manifest {
    /// What the measured system lets be seen and done. Every run of schema 1 measured the lab's node.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        self.system.as_ref().map_or(Capabilities::LABNODE, |system| system.capabilities)
    }

    /// SHA-256 of the configuration that all runs of the experiment have in common.
    #[must_use]
    pub fn shared_config_sha256(&self) -> String {
        let of_all_runs = self.config.of_all_runs();
        let changed = (of_all_runs != self.config).then(|| config_sha256(&of_all_runs).ok());
        changed.flatten().unwrap_or_else(|| self.config_sha256.clone())
    }

    /// When the last write was answered.
    #[must_use]
    pub fn last_ack_us(&self) -> Micros {
        self.load_us.into()
    }

    /// When the run had settled, or waiting for that was given up.
    #[must_use]
    pub fn settled_us(&self) -> Micros {
        self.last_ack_us() + self.settle_us
    }

    /// The name of the measured system.
    #[must_use]
    pub fn system_name(&self) -> &str {
        self.system.as_ref().map_or(SystemName::LABNODE, |system| &system.name)
    }
}

/// What driving the load took of this machine's processors, from the first write to the last answer.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LoadCost {
    /// Processor time of labctl's own process in microseconds, user and system, of all its threads: the load, the
    /// readers that ask followers, faults, and the display.
    pub cpu_us: TimeSpan,
    /// The share of the time in which this machine's processors were busy, 0 to 1, with whatever ran on them. `None` if
    /// the load was too short to tell, or the machine does not.
    #[cfg_attr(test, schemars(range(min = 0.0, max = 1.0)))]
    pub machine_busy: Option<f64>,
}

/// A time in which labctl could not measure: an answer that came then was noticed late.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GapFacts {
    /// When it began, in microseconds from the run's start.
    pub start_us: Micros,
    /// How long it was, in microseconds.
    pub length_us: TimeSpan,
    /// What stood still.
    pub kind: GapKind,
}

/// What stood still in a gap.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GapKind {
    /// labctl: it was stopped, or had no processor.
    Stalled,
    /// The machine: it slept, and with it the clock of the run.
    Suspended,
}

impl GapFacts {
    /// Whether an interval of the run's clock has a moment in common with the gap.
    #[must_use]
    pub fn overlaps(&self, from: Micros, to: Micros) -> bool {
        // The run's clock stands still while the machine sleeps.
        let on_the_clock_us = match self.kind {
            GapKind::Stalled => self.length_us,
            GapKind::Suspended => TimeSpan::ZERO,
        };
        from <= self.start_us + on_the_clock_us && to >= self.start_us
    }
}

/// Another node became the leader of a system that elects it.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaderChangeFacts {
    /// When labctl noticed it, in microseconds from the run's start.
    pub at_us: Micros,
    /// The new leader.
    pub leader: NodeId,
}

/// SHA-256, in hexadecimal, of an experiment as canonical JSON: its fields in their order, no
/// blanks.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn config_sha256(experiment: &Experiment) -> serde_json::Result<String> {
    Ok(sha256(&serde_json::to_vec(experiment)?))
}

/// Which source was checked out.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitFacts {
    /// The commit's full hash.
    pub commit: String,
    /// Whether tracked files differed from it.
    pub dirty: bool,
}

/// The machine, as far as it bears on latencies.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostFacts {
    /// Operating system and architecture, e.g. `linux x86_64`.
    pub os: String,
    /// Kernel release, where it can be told.
    pub kernel: Option<String>,
    /// Logical processors usable by labctl.
    pub cpus: u32,
    /// Memory in MiB, where it can be told.
    pub memory_mib: Option<u64>,
}
