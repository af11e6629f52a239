//! What figures need to be known of a run, and why a system does not let it be known.

use std::fmt;

use super::independence::hangs_together;
use crate::data::{ReadOutcome, RunData};
use crate::model::Capabilities;

/// What a figure rests on, beside what clients saw and what the nodes held at two moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// What every node held in the end. Every system tells that.
    Stores,
    /// When each copy was sent, arrived and was acknowledged.
    Trace,
    /// When each copy arrived: by a trace, or as seen from outside by clients that asked the followers.
    Arrivals,
    /// What each follower had received at any time: by a trace, or by reads that show whatever was received.
    Received,
    /// What each write waited for: the delays that the system itself drew, in its trace.
    Delays,
    /// Writes that wait for their own delays alone, not for those of other writes.
    IndependentWrites,
    /// That the model of the lab's cluster is one of this system: copies are sent one by one, each
    /// after a delay that the system draws.
    OwnDelays,
}

impl Need {
    /// All of them.
    const ALL: [Self; 7] = [
        Self::Stores,
        Self::Trace,
        Self::Arrivals,
        Self::Received,
        Self::Delays,
        Self::IndependentWrites,
        Self::OwnDelays,
    ];

    /// Whether the measured system lets it be known of a run.
    fn is_met(self, run: &RunData) -> bool {
        let Capabilities { trace, own_delays, acks_unseen, .. } = run.manifest.capabilities();
        match self {
            Self::Stores => true,
            Self::Trace => trace,
            Self::Arrivals => trace || run.reads.iter().any(|row| row.outcome != ReadOutcome::Failed),
            Self::Received => trace || !acks_unseen,
            Self::Delays => trace && own_delays,
            Self::IndependentWrites => !hangs_together(run),
            Self::OwnDelays => own_delays,
        }
    }
}

/// Why a figure is left out: the measured system does not let be known what it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withheld {
    need: Need,
    system: String,
    own_delays: bool,
}

impl Withheld {
    /// What one run's system does not let be known.
    #[must_use]
    pub fn all(run: &RunData) -> Vec<Self> {
        Need::ALL.iter().filter_map(|need| Self::of(run, &[*need])).collect()
    }

    /// What is needed and not known.
    #[must_use]
    pub const fn need(&self) -> Need {
        self.need
    }

    /// Why a run cannot have a figure with these needs. `None` if it can. What a run lacks by accident,
    /// such as a trace that died with its node, is no such reason.
    #[must_use]
    pub fn of(run: &RunData, needs: &[Need]) -> Option<Self> {
        let need = *needs.iter().find(|need| !need.is_met(run))?;
        let own_delays = run.manifest.capabilities().own_delays;
        Some(Self { need, system: run.manifest.system_name().to_owned(), own_delays })
    }
}

impl fmt::Display for Withheld {
    /// The reason as a clause, as in "..., since `redis` keeps no trace".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let system = &self.system;
        match self.need {
            Need::Trace => write!(f, "`{system}` does not tell when a copy was sent, arrived or was acknowledged"),
            Need::Arrivals => write!(
                f,
                "`{system}` does not tell when a copy was sent, arrived or was acknowledged, and its followers were not asked"
            ),
            Need::Received => write!(
                f,
                "a follower of `{system}` acknowledges a write before it shows it, so that readers do not see what it has \
                 received"
            ),
            Need::Delays if self.own_delays => write!(f, "`{system}` does not tell the delays that a write met"),
            Need::IndependentWrites => {
                write!(
                    f,
                    "a write to `{system}` also waits for those before it on a link, so latencies of one run hang together"
                )
            }
            // Of the databases only accident can rob a run.
            Need::Delays | Need::OwnDelays | Need::Stores => {
                write!(f, "`{system}` draws no delays itself, and its links do not tell which delay a write met")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::fixture::{RunBuilder, right_leader, without_trace};

    #[test]
    fn the_lab_node_lets_everything_be_known_and_a_database_little() {
        let all = [Need::Trace, Need::Delays, Need::IndependentWrites, Need::OwnDelays];
        let mut run = RunBuilder::new(1).load(right_leader).build();
        assert_eq!(Withheld::of(&run, &all), None);
        // A trace that is lost is no trace that is not kept.
        run.replication.clear();
        assert_eq!(Withheld::of(&run, &all), None);
        let run = without_trace(run);
        let reason = |need| Withheld::of(&run, &[need]).map(|why| why.to_string()).unwrap_or_default();
        assert_eq!(reason(Need::Trace), "`store` does not tell when a copy was sent, arrived or was acknowledged");
        let expected =
            "a write to `store` also waits for those before it on a link, so latencies of one run hang together";
        assert_eq!(reason(Need::IndependentWrites), expected);
        for need in [Need::Delays, Need::OwnDelays] {
            let expected = "`store` draws no delays itself, and its links do not tell which delay a write met";
            assert_eq!(reason(need), expected, "{need:?}");
        }
        assert_eq!(Withheld::of(&run, &[]), None);
    }

    #[test]
    fn readers_do_not_see_what_a_follower_has_received_and_does_not_show() {
        let mut run = without_trace(RunBuilder::new(1).load(right_leader).build());
        assert_eq!(Withheld::of(&run, &[Need::Received]), None);
        if let Some(system) = &mut run.manifest.system {
            system.capabilities.acks_unseen = true;
        }
        let told = Withheld::of(&run, &[Need::Received]).map(|why| why.to_string()).unwrap_or_default();
        assert!(told.starts_with("a follower of `store` acknowledges a write before it shows it"), "{told}");
    }

    #[test]
    fn a_node_that_draws_delays_and_does_not_tell_them_has_independent_writes_all_the_same() {
        let mut run = without_trace(RunBuilder::new(1).load(right_leader).build());
        if let Some(system) = &mut run.manifest.system {
            system.capabilities.own_delays = true;
        }
        assert_eq!(Withheld::of(&run, &[Need::IndependentWrites, Need::OwnDelays]), None);
        let told = Withheld::of(&run, &[Need::Delays]).map(|why| why.to_string());
        assert_eq!(told.as_deref(), Some("`store` does not tell the delays that a write met"));
    }
}
