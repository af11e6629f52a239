//! What the leader's death costs in runs of the model: one run's figures are one draw.

use serde::Serialize;

use crate::analysis::copies::{CountOverTime, Event, Replay};
use crate::analysis::expected::{Expectation, Expected, Model};
use crate::analysis::random::stream;
use crate::config::Experiment;
use crate::model::{Micros, Quorum, ReplicationOrder};

/// Simulated runs, at most: each is replayed.
const MOST_TRIALS: u32 = 200;

/// The loss over runs of the model that differ in their seed alone.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ExpectedLoss {
    /// Simulated runs.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub trials: u32,
    /// If the follower that has received the newest write takes over.
    pub most_advanced: LossExpectation,
    /// If a random follower takes over.
    pub random: LossExpectation,
    /// If what all followers hold is put together.
    pub union: LossExpectation,
}

/// Acknowledged writes lost, over runs of the model.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LossExpectation {
    /// A run's mean over every instant of its load.
    pub mean_writes: Expectation,
    /// The most at any instant of a run's load.
    pub max_writes: Expectation,
}

impl ExpectedLoss {
    /// `None` of a run with faults, which the model does not know, and of loads too large to simulate.
    pub(super) fn of(experiment: &Experiment, quorum: Quorum) -> Option<Self> {
        if !experiment.faults.is_empty() {
            return None;
        }
        let trials = Expected::affordable_trials(experiment)?.min(MOST_TRIALS);
        let model = Model::new(experiment, quorum);
        let mut rng = stream(experiment.seed, "analysis: expected loss");
        let mut scratch = model.scratch();
        let (writes, followers) = model.size();
        let (keys, written_keys) = model.keys();
        let is_by_version = experiment.network.order == ReplicationOrder::Version;
        let mut courses: Vec<(Micros, [CountOverTime; 3])> = Vec::new();
        for _ in 0..trials {
            let load_us = model.run(&mut scratch, &mut rng).load_us;
            let mut of_key = vec![Vec::new(); written_keys];
            let mut events: Vec<(Micros, Event)> = Vec::new();
            for (write, (arrivals, acknowledged_us)) in scratch.writes(followers).take(writes).enumerate() {
                let key = keys[write];
                let place = of_key[key].len();
                of_key[key].push((write, acknowledged_us.is_some()));
                for (follower, at_us) in arrivals {
                    events.push((at_us, arrival(follower, key, place, at_us)));
                }
                events.extend(acknowledged_us.map(|at_us| (at_us, Event::Acknowledge { key, place })));
            }
            events.sort_by_key(|(at_us, event)| (*at_us, matches!(event, Event::Acknowledge { .. })));
            let mut replay = Replay::new(followers, of_key, is_by_version, load_us);
            for (at_us, event) in events {
                if let Event::MustHaveArrived { follower, key, place, .. } = event {
                    let latest_us = at_us;
                    replay.play(latest_us, Event::MayArrive { follower, key, place, latest_us });
                }
                replay.play(at_us, event);
            }
            let tally = replay.finish();
            let union = tally.by_copies.first().copied().unwrap_or_default();
            courses.push((load_us, [tally.most_advanced, tally.random, union]));
        }
        let expectation = |which: usize| LossExpectation {
            mean_writes: Expectation::of(
                courses.iter().map(|(load_us, of)| super::mean(of[which].area.upper, *load_us)).collect(),
            ),
            max_writes: Expectation::of(courses.iter().map(|(_, of)| of[which].most.upper).collect()),
        };
        Some(Self { trials, most_advanced: expectation(0), random: expectation(1), union: expectation(2) })
    }
}

/// An arrival that takes effect as the order of the followers says.
fn arrival(follower: usize, key: usize, place: usize, at_us: Micros) -> Event {
    Event::MustHaveArrived { follower, key, place, earliest_us: at_us }
}
