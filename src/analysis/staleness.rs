//! How stale reads from followers are: the chance that a read begun t after a write's
//! acknowledgement would find it, from the trace and predicted. No read is made.
//!
//! As in PBS a write counts alone: it is missed where it has not arrived yet. What a newer write of
//! its key makes up for, and an older one that comes later undoes, is left out; [`StaleAtAck`] gives
//! both figures at the acknowledgement.

use std::collections::BTreeSet;

use self::closed_form::{ClosedForm, binomial};
use self::measured::{Circumstances, Steps, leads};
use self::setup::{MOST_REPLICAS, Setup};
use self::visibility::Visible;
use self::wars::Trials;
use super::bounds::Bounds;
use super::chance::Chance;
use super::copies::{AtAck, Copies};
use super::independence::hangs_together;
use super::open_loop::at_once;
use super::overhead::is_saturated_in_real_time;
use super::random::stream;
use super::stats::Sample;
use super::theory::as_met;
use crate::config::Experiment;
use crate::data::RunData;
use crate::model::{LinkOrder, Micros, Quorum, TimeSpan};

mod closed_form;
mod figures;
mod measured;
mod reading;
mod setup;
#[cfg(test)]
mod tests;
mod visibility;
mod wars;

pub use figures::{Basis, Curve, CurvePoint, ModelLatency, ReadStaleness, SeenAt, StaleAtAck, Staleness};
pub use reading::Reader;
pub use visibility::{Visibility, VisibleAfter, is_enough};

/// Most writes that are drawn where reads take no time: each tells of every choice of followers.
const MOST_AVERAGED: u32 = 20_000;

/// Parts of a curve.
const CURVE_PARTS: u64 = 80;

impl Staleness {
    /// The staleness that reads of one run's writes would have had.
    #[must_use]
    pub fn of(run: &RunData) -> Self {
        Self::by(run, &Copies::of(run))
    }

    /// The same by one account of the run.
    pub(super) fn by(run: &RunData, copies: &Copies<'_>) -> Self {
        let setup = Setup::new(&run.manifest.config, run.manifest.quorum);
        let all = setup.all_replicas();
        let [earliest, latest] =
            [leads(&copies.writes, |arrival| arrival.earliest_us), leads(&copies.writes, |arrival| arrival.latest_us)];
        let circumstances = Circumstances {
            concurrency: at_once(run),
            is_saturated: is_saturated_in_real_time(run),
            hangs_together: hangs_together(run),
        };
        let averaged = |leads: &[Vec<Micros>]| Averaged::of(&setup, leads, &all, Some(circumstances));
        let traced =
            Traced { earliest: averaged(&earliest), at_latest: (earliest != latest).then(|| averaged(&latest)) };
        // The model of single writes does not know that a late copy holds up those behind it.
        let met = as_met(run).ok().filter(|met| met.link_order() == LinkOrder::Independent);
        let predicted =
            met.map_or(Predicted::Nothing, |met| Predicted::of(&Setup::new(&met, run.manifest.quorum), &all));
        let kinds = setup.wars.path.readers().iter();
        let kinds = kinds.flat_map(|reader| setup.replicas.iter().map(|replicas| (*reader, *replicas)));
        let reads: Vec<_> = kinds.map(|kind| ReadStaleness::new(kind, &setup.at_ms, &traced, &predicted)).collect();
        let first = reads.first().map(|read| (read.reader, read.replicas));
        let at_ack = if setup.wars.path.is_instant() { &copies.tally().at_ack[..] } else { &[] };
        let acked = copies.writes.iter().filter(|write| write.acknowledged_us().is_some());
        Self {
            quorum: setup.wars.quorum,
            n: earliest.len() as u64,
            not_exact: acked.filter(|write| !write.is_exact()).count() as u64,
            basis: predicted.basis(),
            write_latency: predicted.write_latency(),
            at_ack: (1..=setup.followers().min(MOST_REPLICAS))
                .map(|replicas| StaleAtAck {
                    replicas,
                    misses_write: traced.misses_write((Reader::Random, replicas)),
                    returns_older: returns_older(at_ack, replicas),
                    predicted: stale_at_ack(predicted.get((Reader::Random, replicas))),
                })
                .collect(),
            curve: first.map_or_else(Curve::empty, |kind| Curve::of(&traced, kind, predicted.get(kind))),
            reads,
        }
    }
}

/// The chance that each of R random followers that can be asked holds something older, averaged over
/// the writes: exact over all choices of followers. A write is left out if no follower could be asked.
fn returns_older(at_ack: &[AtAck], replicas: u32) -> Option<Bounds<f64>> {
    let chance = |of: &AtAck, held: usize| {
        let (asked, without) = (of.asked as u64, (of.asked - held) as u64);
        let replicas = u64::from(replicas).min(asked);
        binomial(without, replicas) / binomial(asked, replicas)
    };
    let asked: Vec<&AtAck> = at_ack.iter().filter(|of| of.asked > 0).collect();
    let mean =
        |held: fn(&AtAck) -> usize| asked.iter().map(|of| chance(of, held(of))).sum::<f64>() / asked.len() as f64;
    (!asked.is_empty()).then(|| Bounds { lower: mean(|of| of.asked_held.upper), upper: mean(|of| of.asked_held.lower) })
}

/// How long after a write's acknowledgement, in milliseconds, a read from one random follower
/// must begin to return it with chance `p`, 0 to 1; `None` without a closed form.
#[must_use]
pub fn predicted_visible_ms(experiment: &Experiment, quorum: Quorum, p: f64) -> Option<f64> {
    if experiment.link_order() == LinkOrder::Ordered {
        return None;
    }
    let setup = Setup::new(experiment, quorum);
    let form = ClosedForm::new(setup.uniform_ms?, setup.followers(), quorum.get(), 1)?;
    form.visible_us(p).map(TimeSpan::as_ms)
}

/// One kind of read.
type Kind = (Reader, u32);

/// What the trace says, if copies came as early as they may have, and as late.
struct Traced {
    earliest: Averaged,
    /// `None` if all are exactly known.
    at_latest: Option<Averaged>,
}

impl Traced {
    fn at_latest(&self, kind: Kind) -> Option<&dyn Visible> {
        self.at_latest.as_ref()?.get(kind)
    }

    fn misses_write(&self, kind: Kind) -> Option<Bounds<f64>> {
        let lower = stale_at_ack(self.earliest.get(kind))?.value;
        Some(Bounds { lower, upper: stale_at_ack(self.at_latest(kind)).map_or(lower, |chance| chance.value) })
    }
}

/// By kind of read: what is known of single writes, averaged.
struct Averaged(Vec<(Kind, Steps)>);

impl Averaged {
    /// Of the writes of a run, or of drawn ones, which do not depend on each other.
    fn of(setup: &Setup, leads: &[Vec<Micros>], replicas: &[u32], run: Option<Circumstances>) -> Self {
        if leads.is_empty() {
            return Self(Vec::new());
        }
        let path = &setup.wars.path;
        if path.is_instant() {
            let steps = |replicas: &u32| {
                ((Reader::Random, *replicas), Steps::instant(leads, *replicas, setup.is_identity, run))
            };
            return Self(replicas.iter().map(steps).collect());
        }
        let mut rng = stream(setup.seed, "analysis: reads");
        let drawn = Steps::drawn(leads, replicas, path, &mut rng, run);
        Self(drawn.into_iter().map(|(reader, replicas, steps)| ((reader, replicas), steps)).collect())
    }

    fn get(&self, kind: Kind) -> Option<&dyn Visible> {
        self.0.iter().find(|(of, _)| *of == kind).map(|(_, steps)| steps as &dyn Visible)
    }
}

/// What theory says.
enum Predicted {
    Nothing,
    Exact(Vec<(Kind, ClosedForm)>),
    /// From this number of drawn writes, exact over all choices of followers.
    Averaged(u32, Averaged),
    /// From this number of drawn writes, each with a read.
    Simulated(u32, Trials),
}

impl Predicted {
    fn of(setup: &Setup, replicas: &[u32]) -> Self {
        let (wars, followers) = (&setup.wars, setup.followers());
        if wars.quorum > followers {
            return Self::Nothing;
        }
        let form = |bounds_ms, replicas: &u32| {
            let form = ClosedForm::new(bounds_ms, followers, wars.quorum, *replicas)?;
            Some(((Reader::Random, *replicas), form))
        };
        let forms = |bounds_ms| replicas.iter().map(|replicas| form(bounds_ms, replicas)).collect::<Option<Vec<_>>>();
        if let Some(forms) = setup.uniform_ms.and_then(forms) {
            return Self::Exact(forms);
        }
        let mut rng = stream(setup.seed, "analysis: staleness");
        let trials = setup.affordable_trials();
        if wars.path.is_instant() {
            let trials = trials.min(MOST_AVERAGED);
            let leads = wars.leads(trials, &mut rng);
            let averaged = || Self::Averaged(trials, Averaged::of(setup, &leads, replicas, None));
            return if leads.is_empty() { Self::Nothing } else { averaged() };
        }
        let simulated = wars.simulate(replicas, trials, &mut rng);
        if simulated.writes.is_empty() { Self::Nothing } else { Self::Simulated(trials, simulated) }
    }

    fn basis(&self) -> Option<Basis> {
        match self {
            Self::Nothing => None,
            Self::Exact(_) => Some(Basis::ClosedForm),
            Self::Averaged(trials, _) | Self::Simulated(trials, _) => Some(Basis::MonteCarlo { trials: *trials }),
        }
    }

    fn get(&self, kind: Kind) -> Option<&dyn Visible> {
        match self {
            Self::Nothing => None,
            Self::Exact(forms) => forms.iter().find(|(of, _)| *of == kind).map(|(_, form)| form as &dyn Visible),
            Self::Averaged(_, averaged) => averaged.get(kind),
            Self::Simulated(_, trials) => trials.of(kind).map(|reads| reads as &dyn Visible),
        }
    }

    fn latency(&self, kind: Kind) -> Option<ModelLatency> {
        let Self::Simulated(_, trials) = self else { return None };
        let latencies = trials.of(kind)?.latencies();
        (latencies.max_ms()? > 0.0).then(|| ModelLatency::of(&latencies))
    }

    fn write_latency(&self) -> Option<ModelLatency> {
        match self {
            Self::Nothing | Self::Exact(_) | Self::Averaged(..) => None,
            Self::Simulated(_, trials) => Some(ModelLatency::of(&trials.writes)),
        }
    }
}

impl ModelLatency {
    fn of(latencies: &Sample) -> Self {
        let at = |p| latencies.quantile_ms(p);
        Self { median_ms: at(0.5), p99_ms: at(0.99), p999_ms: at(0.999) }
    }
}

impl ReadStaleness {
    fn new(kind: Kind, at_ms: &[f64], traced: &Traced, predictions: &Predicted) -> Self {
        let [from_trace, at_latest, predicted] =
            [traced.earliest.get(kind), traced.at_latest(kind), predictions.get(kind)];
        let seen = |of: Option<&dyn Visible>, at_ms: f64| {
            of.and_then(|of| of.seen(TimeSpan::new((at_ms * 1000.0).round() as u64)))
        };
        Self {
            replicas: kind.1,
            reader: kind.0,
            dependence: from_trace.and_then(Visible::dependence),
            from_trace: from_trace.and_then(Visible::figures),
            at_latest: at_latest.and_then(Visible::figures),
            predicted: predicted.and_then(Visible::figures),
            at: at_ms
                .iter()
                .map(|at_ms| SeenAt {
                    at_ms: *at_ms,
                    from_trace: seen(from_trace, *at_ms),
                    at_latest: seen(at_latest, *at_ms),
                    predicted: seen(predicted, *at_ms),
                })
                .collect(),
            latency: predictions.latency(kind),
        }
    }
}

fn stale_at_ack(of: Option<&dyn Visible>) -> Option<Chance> {
    Some(of?.seen(TimeSpan::ZERO)?.complement())
}

impl Curve {
    const fn empty() -> Self {
        Self { from_trace: Vec::new(), at_latest: Vec::new(), predicted: Vec::new() }
    }

    /// All curves until reads that miss a write are rare in each.
    fn of(traced: &Traced, kind: Kind, predicted: Option<&dyn Visible>) -> Self {
        let (from_trace, at_latest) = (traced.earliest.get(kind), traced.at_latest(kind));
        let end_us = |of: &dyn Visible| of.visible_us(0.999).unwrap_or_else(|| of.last_us());
        let end_us = [from_trace, at_latest, predicted].into_iter().flatten().map(end_us).max().unwrap_or_default();
        let times_us: BTreeSet<TimeSpan> =
            (0..=CURVE_PARTS).map(|part| TimeSpan::new(end_us.get() * part / CURVE_PARTS)).collect();
        let point =
            |of: &dyn Visible, t_us: TimeSpan| Some(CurvePoint { ms: t_us.as_ms(), seen: of.seen(t_us)?.value });
        let points = |of: Option<&dyn Visible>| {
            of.map_or_else(Vec::new, |of| times_us.iter().filter_map(|t_us| point(of, *t_us)).collect())
        };
        Self { from_trace: points(from_trace), at_latest: points(at_latest), predicted: points(predicted) }
    }
}
