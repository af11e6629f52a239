//! How a run looks at its followers from outside: `probe` and `probe_ms` in `[experiment.NAME.reads]`.

use std::fmt;
use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::setting::{choice, optional_setting};
use crate::model::{Accepted, LinkDelays, refusal};

/// Whether followers are asked during a run which writes they have.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Probing {
    /// If the system keeps no trace
    #[default]
    Auto,
    /// Always
    On,
    /// Never
    Off,
}

choice!(Probing);

impl Probing {
    /// Whether to ask the followers of a system that keeps a trace, or none.
    #[must_use]
    pub const fn applies(self, has_trace: bool) -> bool {
        match self {
            Self::Auto => !has_trace,
            Self::On => true,
            Self::Off => false,
        }
    }
}

/// After how many milliseconds a follower is asked again: from 1 to a minute.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct ProbeInterval(f64);

optional_setting!(ProbeInterval);

impl ProbeInterval {
    const LEAST_MS: f64 = 1.0;
    const MOST_MS: f64 = 60_000.0;
    /// How many times a follower is asked in the longest delay.
    const IN_THE_LONGEST_DELAY: f64 = 50.0;
    /// Of delays without a bound: the share of them that are shorter than the longest to go by.
    const LONGEST: f64 = 0.99;

    /// A fiftieth of the longest delay of these links, at least 1 ms. Of delays without a bound that is their 99th
    /// percentile.
    #[must_use]
    pub(super) fn fitting(links: &[LinkDelays]) -> Self {
        let longest_ms =
            |link: &LinkDelays| link.write.upper_bound_ms().unwrap_or_else(|| link.write.quantile_ms(Self::LONGEST));
        let fitting_ms = links.iter().map(longest_ms).fold(0.0, f64::max) / Self::IN_THE_LONGEST_DELAY;
        Self(fitting_ms.clamp(Self::LEAST_MS, Self::MOST_MS))
    }

    /// As a duration.
    #[must_use]
    pub fn duration(self) -> Duration {
        Duration::from_secs_f64(self.0 / 1000.0)
    }
}

impl Accepted for ProbeInterval {
    fn accepted() -> String {
        format!("a number of milliseconds from {} to {}", Self::LEAST_MS, Self::MOST_MS)
    }
}

impl TryFrom<f64> for ProbeInterval {
    type Error = String;

    fn try_from(ms: f64) -> Result<Self, String> {
        if (Self::LEAST_MS..=Self::MOST_MS).contains(&ms) { Ok(Self(ms)) } else { Err(refusal::<Self>("a time", ms)) }
    }
}

impl From<ProbeInterval> for f64 {
    fn from(interval: ProbeInterval) -> Self {
        interval.0
    }
}

impl fmt::Display for ProbeInterval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::config::{Experiment, FollowerNetwork, Network};
    use crate::model::NodeId;

    fn interval_ms(delay: &str) -> f64 {
        let network = Network { delay: delay.parse().unwrap(), ..Network::default() };
        Experiment { network, ..Experiment::default() }.probe_interval().into()
    }

    #[test]
    fn the_interval_follows_from_the_longest_delay() {
        assert_eq!([interval_ms("uniform(0,1000)"), interval_ms("constant(100)")], [20.0, 2.0]);
        assert_eq!([interval_ms("constant(0)"), interval_ms("uniform(0,3600000)")], [1.0, 60_000.0]);
        let tail_ms = interval_ms("exponential(100)");
        assert!((9.2..9.3).contains(&tail_ms), "{tail_ms}");
    }

    #[test]
    fn the_slowest_follower_counts_and_a_setting_wins() {
        let far = FollowerNetwork { extra_ms: 1_000.0.try_into().unwrap(), ..FollowerNetwork::default() };
        let network = Network { follower: [(NodeId::Follower(1), far)].into(), ..Network::default() };
        let mut experiment = Experiment { network, ..Experiment::default() };
        assert_eq!(f64::from(experiment.probe_interval()), 40.0);
        experiment.reads.probe_ms = Some(7.5.try_into().unwrap());
        assert_eq!(experiment.probe_interval().duration(), Duration::from_micros(7_500));
    }

    #[test]
    fn a_system_without_a_trace_is_probed_unless_that_is_turned_off() {
        let applies = |of: Probing| [of.applies(false), of.applies(true)];
        assert_eq!(
            [Probing::Auto, Probing::On, Probing::Off].map(applies),
            [[true, false], [true, true], [false, false]]
        );
    }
}
