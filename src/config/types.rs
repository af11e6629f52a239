//! The values an experiment is made of. Each newtype holds only what makes sense,
//! and its deserialization is where everything else is refused.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::fault::Fault;

/// Declares an integer newtype that accepts one inclusive range, in TOML, JSON and on the command line.
macro_rules! ranged_integer {
    ($(#[$doc:meta])* $name:ident($inner:ty), $what:literal, $min:literal..=$max:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "i64", into = "i64")]
        pub struct $name($inner);

        impl $name {
            /// The smallest accepted value.
            pub const MIN: $inner = $min;
            /// The largest accepted value.
            pub const MAX: $inner = $max;

            /// The plain number.
            #[must_use]
            pub const fn get(self) -> $inner {
                self.0
            }
        }

        impl TryFrom<i64> for $name {
            type Error = String;

            fn try_from(value: i64) -> Result<Self, String> {
                match <$inner>::try_from(value) {
                    Ok(inner) if (Self::MIN..=Self::MAX).contains(&inner) => Ok(Self(inner)),
                    _ => Err(format!(concat!($what, " is {} to {}, not {}"), Self::MIN, Self::MAX, value)),
                }
            }
        }

        impl From<$name> for i64 {
            fn from(value: $name) -> Self {
                Self::from(value.0)
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                let refuse = || format!(concat!($what, " is a whole number {} to {}, not `{}`"), Self::MIN, Self::MAX, text);
                text.parse::<i64>().map_err(|_| refuse()).and_then(Self::try_from)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

ranged_integer!(
    /// W: how many followers must acknowledge a write before its client hears so.
    /// 0 is asynchronous replication.
    Quorum(u32), "a write quorum", 0..=99
);
ranged_integer!(
    /// N: how many followers replicate the leader.
    Followers(u32), "the number of followers", 1..=99
);
ranged_integer!(
    /// How many writes the load makes.
    WriteCount(u32), "the number of writes", 1..=10_000_000
);
ranged_integer!(
    /// How many writes are under way together.
    Concurrency(u32), "the concurrency", 1..=10_000
);
ranged_integer!(
    /// How many keys the writes go round.
    KeyCount(u32), "the number of keys", 1..=1_000_000
);

/// The injected network delay before each replication: uniform over the inclusive range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "DelayBounds")]
pub struct DelayRange {
    min_delay_ms: u32,
    max_delay_ms: u32,
}

/// A [`DelayRange`] as it is written down, not yet checked.
#[derive(Deserialize)]
struct DelayBounds {
    min_delay_ms: u32,
    max_delay_ms: u32,
}

impl TryFrom<DelayBounds> for DelayRange {
    type Error = String;

    fn try_from(bounds: DelayBounds) -> Result<Self, String> {
        Self::new(bounds.min_delay_ms, bounds.max_delay_ms)
    }
}

impl DelayRange {
    /// The longest delay that makes sense, one hour in milliseconds.
    pub const LIMIT_MS: u32 = 3_600_000;

    /// A range in milliseconds.
    ///
    /// # Errors
    /// When it is reversed or goes past [`Self::LIMIT_MS`].
    pub fn new(min_ms: u32, max_ms: u32) -> Result<Self, String> {
        if max_ms > Self::LIMIT_MS {
            return Err(format!("max_delay_ms is at most {} (an hour), not {max_ms}", Self::LIMIT_MS));
        }
        if min_ms > max_ms {
            return Err(format!("min_delay_ms ({min_ms}) must not exceed max_delay_ms ({max_ms})"));
        }
        Ok(Self { min_delay_ms: min_ms, max_delay_ms: max_ms })
    }

    /// The shortest delay in milliseconds.
    #[must_use]
    pub const fn min_ms(self) -> u32 {
        self.min_delay_ms
    }

    /// The longest delay in milliseconds.
    #[must_use]
    pub const fn max_ms(self) -> u32 {
        self.max_delay_ms
    }
}

/// A time limit: positive, at most an hour, in seconds with fractions.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Timeout(f64);

impl Timeout {
    /// The limit as a duration.
    #[must_use]
    pub fn duration(self) -> Duration {
        Duration::from_secs_f64(self.0)
    }

    /// The limit in seconds.
    #[must_use]
    pub const fn secs(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Timeout {
    type Error = String;

    fn try_from(secs: f64) -> Result<Self, String> {
        if (0.001..=3_600.0).contains(&secs) {
            Ok(Self(secs))
        } else {
            Err(format!("a time limit is 0.001 to 3600 seconds, not {secs}"))
        }
    }
}

impl From<Timeout> for f64 {
    fn from(limit: Timeout) -> Self {
        limit.0
    }
}

/// An experiment's name: it becomes a folder, a Compose project and a heading.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ExperimentName(String);

impl ExperimentName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ExperimentName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let good = name.len() <= 40
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_');
        if !good {
            return Err(format!(
                "an experiment's name is a lower-case letter and then up to 39 of a-z, 0-9, - and _, not `{name}`"
            ));
        }
        if name == "all" {
            return Err("`all` stands for every experiment and cannot name one".to_owned());
        }
        Ok(Self(name))
    }
}

impl FromStr for ExperimentName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::try_from(name.to_owned())
    }
}

impl From<ExperimentName> for String {
    fn from(name: ExperimentName) -> Self {
        name.0
    }
}

impl fmt::Display for ExperimentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Where the nodes run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackendChoice {
    /// Compose where a Docker engine answers, else processes.
    Auto,
    /// One container a node, by Docker Compose.
    Compose,
    /// One local process a node.
    Process,
    /// The same node code in virtual time, in this process.
    Sim,
}

impl fmt::Display for BackendChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Auto => "auto",
            Self::Compose => "compose",
            Self::Process => "process",
            Self::Sim => "sim",
        })
    }
}

/// What a follower does with a write older than the one it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The last to arrive wins, as in the original lab.
    Arrival,
    /// The highest version wins.
    Version,
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Arrival => "arrival",
            Self::Version => "version",
        })
    }
}

/// How the load keeps `concurrency` writes under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pacing {
    /// A new write starts when one ends.
    Window,
    /// A batch starts when all of the one before have ended.
    Batch,
}

impl fmt::Display for Pacing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Window => "window",
            Self::Batch => "batch",
        })
    }
}

/// `[experiment.NAME.network]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Network {
    /// The injected delay.
    #[serde(flatten)]
    pub delay: DelayRange,
    /// Bounds one replication, injected delay included.
    pub replication_timeout_s: Timeout,
    /// Bounds one client write.
    pub global_request_timeout_s: Timeout,
    /// What a follower does with an older write.
    pub order: Order,
}

/// `[experiment.NAME.workload]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workload {
    /// How many writes.
    pub writes: WriteCount,
    /// How many at a time.
    pub concurrency: Concurrency,
    /// How many keys; write i goes to key k(i mod keys).
    pub keys: KeyCount,
    /// When the next write starts.
    pub pacing: Pacing,
}

/// `[experiment.NAME.expect]`: what `check-consistency` holds the run to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Expect {
    /// Quorums at which every follower must end equal to the leader.
    pub consistent_at: Vec<Quorum>,
}

/// `[experiment.NAME]`, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Experiment {
    /// The write quorums to run, in this order.
    pub quorums: Vec<Quorum>,
    /// How many followers.
    pub followers: Followers,
    /// The one seed all randomness comes from.
    pub seed: u64,
    /// Where the nodes run.
    pub backend: BackendChoice,
    /// Delays, limits and order.
    pub network: Network,
    /// The load.
    pub workload: Workload,
    /// What must hold.
    pub expect: Expect,
    /// What breaks, in the order of the file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
}

impl Default for Experiment {
    /// The lab as written: five followers, W = 1..5, a delay of 0..1000 ms, 100 writes.
    fn default() -> Self {
        Self {
            quorums: (1..=5).map(Quorum).collect(),
            followers: Followers(5),
            seed: 42,
            backend: BackendChoice::Auto,
            network: Network {
                delay: DelayRange { min_delay_ms: 0, max_delay_ms: 1000 },
                replication_timeout_s: Timeout(2.0),
                global_request_timeout_s: Timeout(5.0),
                order: Order::Arrival,
            },
            workload: Workload {
                writes: WriteCount(100),
                concurrency: Concurrency(10),
                keys: KeyCount(10),
                pacing: Pacing::Window,
            },
            expect: Expect::default(),
            faults: Vec::new(),
        }
    }
}
