//! The faults of an experiment: what breaks, when, and whether it recovers.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::setting::words;
use crate::model::NodeId;

/// `[[experiment.NAME.fault]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// When it begins.
    pub at: Trigger,
    /// Which node.
    pub node: NodeId,
    /// What happens to it.
    #[serde(flatten)]
    pub kind: FaultKind,
    /// When it ends; it lasts to the end of the run without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Trigger>,
}

/// A moment of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Trigger {
    /// When the write of this number has been started, from 0; write 0 is before the load.
    Write(u64),
    /// So long after the start of the load; `0s` is before the load.
    After(Elapsed),
}

/// A time since the start of the load, in whole milliseconds, at most an hour; written `"3.5s"`
/// or `"250ms"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Elapsed(u32);

/// What a fault does to its node. The first three are done to the node itself, the last two to
/// the ways between it and others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FaultKind {
    /// It dies (SIGKILL) and comes back empty.
    Kill,
    /// It is stopped (SIGTERM) and comes back empty.
    Stop,
    /// It stands still (SIGSTOP, or the control group's freezer) with all it holds.
    Pause,
    /// It runs on, and nothing that is sent gets through.
    Partition {
        /// Cut off from whom.
        from: CutFrom,
    },
    /// What the leader sends to it takes longer.
    Slow {
        /// By so many milliseconds, 1 to an hour.
        delay_ms: u32,
    },
}

/// Whom a partitioned node cannot reach, nor be reached by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CutFrom {
    /// The leader; clients still read the follower.
    Leader,
    /// Everyone, clients too.
    All,
}

words!(CutFrom: "leader", "all");

impl fmt::Display for CutFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Leader => "leader",
            Self::All => "all",
        })
    }
}

impl FaultKind {
    /// The word of the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Stop => "stop",
            Self::Pause => "pause",
            Self::Partition { .. } => "partition",
            Self::Slow { .. } => "slow",
        }
    }

    /// Whether the node loses what it holds.
    #[must_use]
    pub const fn ends_the_node(self) -> bool {
        matches!(self, Self::Kill | Self::Stop)
    }

    /// Whether a client gets no answer from the node while it lasts.
    #[must_use]
    pub const fn hides_the_node(self) -> bool {
        matches!(self, Self::Kill | Self::Stop | Self::Pause | Self::Partition { from: CutFrom::All })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.name(), self.node)?;
        match self.kind {
            FaultKind::Partition { from } => write!(f, " from {from}")?,
            FaultKind::Slow { delay_ms } => write!(f, " by {delay_ms} ms")?,
            FaultKind::Kill | FaultKind::Stop | FaultKind::Pause => {}
        }
        write!(f, " at {}", self.at)?;
        self.until.map_or(Ok(()), |until| write!(f, " until {until}"))
    }
}

impl Trigger {
    /// Whether it is before the first write.
    #[must_use]
    pub fn is_before_load(self) -> bool {
        matches!(self, Self::Write(0) | Self::After(Elapsed(0)))
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write(write) => write!(f, "write {write}"),
            Self::After(elapsed) => elapsed.fmt(f),
        }
    }
}

impl Elapsed {
    /// The longest accepted time, an hour in milliseconds.
    pub const LIMIT_MS: u32 = 3_600_000;

    /// The time as a duration.
    #[must_use]
    pub const fn duration(self) -> Duration {
        Duration::from_millis(self.0 as u64)
    }
}

impl FromStr for Elapsed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, scale) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
            (Some(number), _) => (number, 1.0),
            (None, Some(number)) => (number, 1000.0),
            (None, None) => ("", 1.0),
        };
        let plain = number.chars().all(|c| c.is_ascii_digit() || c == '.');
        let ms = number.trim().parse::<f64>().ok().filter(|_| plain).map(|number| number * scale);
        match ms {
            Some(ms) if (0.0..=f64::from(Self::LIMIT_MS)).contains(&ms) => {
                // In range, as just tested.
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to an hour")]
                let ms = ms.round() as u32;
                Ok(Self(ms))
            }
            _ => Err(format!("a time must be up to an hour, such as \"3.5s\" or \"250ms\", not `{text}`")),
        }
    }
}

impl TryFrom<String> for Elapsed {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Elapsed> for String {
    fn from(elapsed: Elapsed) -> Self {
        elapsed.to_string()
    }
}

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s", f64::from(self.0) / 1000.0)
    }
}

/// A way between two parties that an experiment cuts or slows, and that therefore leads
/// through a relay. Its name is `link-` and the node's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// To which node: a follower's link comes from the leader, the leader's from its clients.
    pub node: String,
    /// How much a slow one adds, in milliseconds.
    pub delay_ms: u32,
}

impl Link {
    /// Of the service, the process and the log.
    #[must_use]
    pub fn name(&self) -> String {
        link_name(&self.node)
    }
}

/// The name of the link to a node.
#[must_use]
pub fn link_name(node: &str) -> String {
    format!("link-{node}")
}

/// Every link that faults work on, by name: those of the nodes that are partitioned or slowed,
/// and all where the leader is partitioned.
#[must_use]
pub fn links(faults: &[Fault], followers: impl Iterator<Item = String>) -> Vec<Link> {
    let mut delays: BTreeMap<String, u32> = BTreeMap::new();
    let everyone: Vec<String> = std::iter::once(NodeId::Leader.to_string()).chain(followers).collect();
    for fault in faults {
        let own = fault.node.to_string();
        let nodes = match fault.kind {
            FaultKind::Partition { .. } if fault.node.is_leader() => everyone.as_slice(),
            FaultKind::Partition { .. } | FaultKind::Slow { .. } => std::slice::from_ref(&own),
            FaultKind::Kill | FaultKind::Stop | FaultKind::Pause => &[],
        };
        for node in nodes {
            let delay = delays.entry(node.clone()).or_default();
            if let FaultKind::Slow { delay_ms } = fault.kind {
                *delay = delay_ms;
            }
        }
    }
    delays.into_iter().map(|(node, delay_ms)| Link { node, delay_ms }).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_or_milliseconds_up_to_an_hour() {
        for (text, ms, shown) in
            [("3.5s", 3500, "3.5s"), ("250ms", 250, "0.25s"), ("0s", 0, "0s"), ("3600s", 3_600_000, "3600s")]
        {
            let elapsed: Elapsed = text.parse().unwrap();
            assert_eq!((elapsed.duration().as_millis(), elapsed.to_string().as_str()), (ms, shown));
        }
        for bad in ["", "s", "3", "3 min", "-1s", "+1s", "1e3s", "nans", "3601s", "1.2.3s", "ms"] {
            assert!(bad.parse::<Elapsed>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_fault_survives_the_manifest() {
        let text = r#"{"at":30,"node":"f5","kind":"partition","from":"all","until":"4.5s"}"#;
        let fault: Fault = serde_json::from_str(text).unwrap();
        assert_eq!(fault.until, Some(Trigger::After(Elapsed(4500))));
        assert_eq!(serde_json::to_string(&fault).unwrap(), text);
        assert_eq!(fault.to_string(), "partition f5 from all at write 30 until 4.5s");
        let text = r#"{"at":0,"node":"f3","kind":"slow","delay_ms":1500}"#;
        let fault: Fault = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&fault).unwrap(), text);
    }

    #[test]
    fn links_are_those_that_faults_work_on() {
        let fault = |node: &str, kind| Fault { at: Trigger::Write(1), node: node.parse().unwrap(), kind, until: None };
        let of = |faults: &[Fault]| -> Vec<(String, u32)> {
            let all = links(faults, ["f1", "f2"].map(str::to_owned).into_iter());
            all.into_iter().map(|link| (link.name(), link.delay_ms)).collect()
        };
        let slow = fault("f2", FaultKind::Slow { delay_ms: 9 });
        let cut = |node| fault(node, FaultKind::Partition { from: CutFrom::All });
        assert_eq!(of(&[fault("f1", FaultKind::Kill)]), []);
        assert_eq!(of(&[slow.clone(), cut("f2")]), [("link-f2".to_owned(), 9)]);
        let names: Vec<String> = of(&[cut("leader"), slow]).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["link-f1", "link-f2", "link-leader"]);
    }
}
