//! The lab's node has a trace: what is seen from outside is held against it, in virtual time and of processes.

use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

use super::*;
use crate::analysis::bounds::Bounds;
use crate::analysis::copies::Arrival;
use crate::analysis::{Durability, Lag, Staleness};
use crate::config::{Config, Experiment, Probing};
use crate::data::DataFolder;
use crate::model::{Millis, Quorum, ReadQuorum};
use crate::sim::simulate_direct;
use crate::system::KINDS;

/// Times after the acknowledgement at which curves are compared.
const AT_MS: [f64; 9] = [0.0, 1.0, 10.0, 50.0, 100.0, 200.0, 400.0, 800.0, 1_600.0];

/// How far the time of a trace may be from that of a reader: nodes and labctl read one clock, but not at the same instant as
/// the store changes or an answer leaves.
const CLOCKS: TimeSpan = TimeSpan::new(1_000);

/// Rounding of sums of chances and areas.
const ROUNDING: f64 = 1e-6;

/// What was found over several runs.
#[derive(Debug, Default)]
struct Found {
    copies: u64,
    resolved: u64,
    hidden: u64,
    /// Median widths, in polls, of each run.
    widths: Vec<f64>,
    reads: u64,
    requests: f64,
    compared: u64,
}

fn experiment(name: &str, seed: u64) -> Experiment {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments.toml");
    let config = Config::read(&path, &KINDS).unwrap();
    let mut experiment = config.experiments.iter().find(|(of, _)| of.to_string() == name).unwrap().1.clone();
    experiment.seed = seed;
    experiment.reads.probe = Probing::On;
    experiment.reads.at_ms = AT_MS.map(|ms| Millis::try_from(ms).unwrap()).into();
    experiment.reads.replicas = [1, 2].map(|r| ReadQuorum::try_from(r).unwrap()).into();
    experiment
}

pub(super) fn simulated(name: &str, seed: u64, quorum: Quorum) -> RunData {
    let experiment = experiment(name, seed);
    let run = simulate_direct(&name.parse().unwrap(), &experiment, quorum, &CancellationToken::new()).unwrap();
    assert_eq!(run.cross_check(), [], "{name}, seed {seed}, W = {quorum}");
    run
}

/// Simulates runs of an experiment and holds what readers saw against the trace.
fn check(name: &str, seeds: std::ops::Range<u64>) -> Found {
    let mut found = Found::default();
    for seed in seeds {
        for quorum in experiment(name, seed).quorums {
            let run = simulated(name, seed, quorum);
            assert_eq!(EarlyFollower::all(&run), [], "{name}, seed {seed}, W = {quorum}");
            found.add(&Outside::of(&run).unwrap());
            found.compared += compare(&run, &format!("{name}, seed {seed}, W = {}", quorum.get()));
        }
    }
    found
}

impl Found {
    fn add(&mut self, outside: &Outside) {
        self.copies += outside.copies;
        self.resolved += outside.resolved;
        self.hidden += outside.hidden;
        let polls = outside.median_width_ms.zip(outside.asked_every_ms).map(|(width, every)| width / every);
        self.widths.extend(polls);
        self.reads += outside.reads;
        self.requests += outside.reads as f64 / outside.share_of_requests;
    }
}

/// Holds what readers saw of a run against its trace; returns how many arrivals it held.
pub(super) fn compare(run: &RunData, which: &str) -> u64 {
    let mut compared = 0;
    let (traced, seen) = (Copies::of(run), Copies::by_reads(run));
    for (write, (inside, outside)) in traced.writes.iter().zip(&seen.writes).enumerate() {
        for (follower, (inside, outside)) in inside.arrivals.iter().zip(&outside.arrivals).enumerate() {
            let of = format!("{which}: write {write} at f{}: traced {inside:?}, seen {outside:?}", follower + 1);
            assert!(meet(*inside, *outside), "{of}");
            compared += 1;
        }
    }
    compare_holders(&traced, &seen, which);
    let outside = Outside::of(run).unwrap();
    compare_lag(&Lag::of(run), &outside, which);
    let seen = outside.figures.unwrap();
    compare_staleness(&Staleness::of(run), &seen.staleness, which);
    compare_durability(&Durability::of(run), seen.durability.as_ref().unwrap(), which);
    compared
}

/// At every instant as many followers hold a write, or a newer one, by the trace as by what was seen.
fn compare_holders(traced: &Copies<'_>, seen: &Copies<'_>, which: &str) {
    let accounts = [traced, seen].map(|copies| (copies.events(), copies.replay(), copies));
    let [(inside, mut traced, of_trace), (outside, mut seen, of_reads)] = accounts;
    let (mut inside, mut outside) = (inside.into_iter().peekable(), outside.into_iter().peekable());
    let places: Vec<_> =
        of_trace.writes.iter().zip(&of_reads.writes).filter_map(|(a, b)| a.place.zip(b.place)).collect();
    while let Some(now) = [inside.peek(), outside.peek()].into_iter().flatten().map(|(at_us, _)| *at_us).min() {
        while let Some((at_us, event)) = inside.next_if(|(at_us, _)| *at_us <= now) {
            traced.play(at_us, event);
        }
        while let Some((at_us, event)) = outside.next_if(|(at_us, _)| *at_us <= now) {
            seen.play(at_us, event);
        }
        for (a, b) in &places {
            let (inside, outside) = (traced.copies_of(a.key, a.place), seen.copies_of(b.key, b.place));
            let meet = inside.lower <= outside.upper && outside.lower <= inside.upper;
            assert!(meet, "{which}: at {now} us key {} place {}: traced {inside:?}, seen {outside:?}", a.key, a.place);
        }
    }
}

/// Whether two accounts of one arrival can both be true.
fn meet(a: Arrival, b: Arrival) -> bool {
    let begins = |of: Arrival| of.earliest_us.map_or(Micros::MAX, |us| us);
    let ends = |of: Arrival| of.latest_us.map_or(Micros::MAX, |us| us);
    begins(a) <= ends(b) && begins(b) <= ends(a)
}

/// Whether two bands have something in common; an end that is absent is never.
fn overlap(a: (Option<f64>, Option<f64>), b: (Option<f64>, Option<f64>)) -> bool {
    let end = |of: Option<f64>| of.unwrap_or(f64::INFINITY);
    end(a.0) <= end(b.1) + ROUNDING && end(b.0) <= end(a.1) + ROUNDING
}

fn compare_lag(traced: &Lag, outside: &Outside, which: &str) {
    let figures: [fn(&super::super::LagFigures) -> Option<f64>; 5] = [
        |of| of.mean.map(|mean| mean.value_ms),
        |of| of.median.map(|of| of.value_ms),
        |of| of.p95.map(|of| of.value_ms),
        |of| of.p99.map(|of| of.value_ms),
        |of| of.max_ms,
    ];
    for (index, figure) in figures.into_iter().enumerate() {
        let (inside, seen) = (traced.ends(figure), outside.figures.as_ref().unwrap().lag.ends(figure));
        assert!(overlap(inside, seen), "{which}: lag figure {index}: traced {inside:?}, seen {seen:?}");
    }
    let within = |traced: Bounds<f64>, seen: Bounds<f64>| {
        overlap((Some(traced.lower), Some(traced.upper)), (Some(seen.lower), Some(seen.upper)))
    };
    let behind = (traced.behind_at_ack.unwrap(), outside.figures.as_ref().unwrap().lag.behind_at_ack.unwrap());
    assert!(within(behind.0, behind.1), "{which}: behind at the acknowledgement: {behind:?}");
    for point in &outside.lag_curve {
        let traced = point.traced.unwrap();
        assert!(within(traced, point.bounds), "{which}: on every follower after {} ms: {point:?}", point.ms);
    }
    for estimate in &outside.lag_estimates {
        let LagEstimate { estimate_ms, bounds_ms, .. } = estimate;
        assert!(estimate_ms.lower >= bounds_ms.lower, "{which}: {estimate:?}");
    }
}

fn compare_staleness(traced: &Staleness, seen: &Staleness, which: &str) {
    for (inside, outside) in traced.reads.iter().zip(&seen.reads) {
        for (inside, outside) in inside.at.iter().zip(&outside.at) {
            // The chance that a write is seen is the lower the later copies came.
            let ends = |of: &crate::analysis::SeenAt| {
                (of.at_latest.or(of.from_trace).map(|chance| chance.value), of.from_trace.map(|chance| chance.value))
            };
            let (a, b) = (ends(inside), ends(outside));
            assert!(overlap(a, b), "{which}: seen after {} ms: traced {a:?}, seen {b:?}", inside.at_ms);
        }
    }
    for (inside, outside) in traced.at_ack.iter().zip(&seen.at_ack) {
        for of in
            [|of: &crate::analysis::StaleAtAck| of.misses_write, |of: &crate::analysis::StaleAtAck| of.returns_older]
        {
            let ends = |of: Option<Bounds<f64>>| (of.map(|of| of.lower), of.map(|of| of.upper));
            let (a, b) = (ends(of(inside)), ends(of(outside)));
            assert!(overlap(a, b), "{which}: R = {}: traced {a:?}, seen {b:?}", inside.replicas);
        }
    }
}

fn compare_durability(traced: &Durability, seen: &Durability, which: &str) {
    let ends = |of: Bounds<f64>| (Some(of.lower), Some(of.upper));
    let meet = |what: &str, inside: Bounds<f64>, outside: Bounds<f64>| {
        assert!(overlap(ends(inside), ends(outside)), "{which}: {what}: traced {inside:?}, seen {outside:?}");
    };
    for (inside, outside) in traced.exposure.iter().zip(&seen.exposure) {
        meet(&format!("on {}", inside.copies), inside.mean_writes, outside.mean_writes);
        let number = |of: Bounds<u64>| of.map(|writes| writes as f64);
        meet(&format!("at most on {}", inside.copies), number(inside.max_writes), number(outside.max_writes));
        meet(
            &format!("in the end on {}", inside.copies),
            number(inside.settled_writes),
            number(outside.settled_writes),
        );
    }
    for (what, of) in [("most advanced", 0), ("random", 1), ("union", 2)] {
        let loss = |of_run: &Durability| [of_run.loss.most_advanced, of_run.loss.random, of_run.loss.union][of];
        meet(what, loss(traced).mean_writes, loss(seen).mean_writes);
    }
    assert!(seen.overwritten_copies <= traced.overwritten_copies, "{which}: seen {seen:?}, traced {traced:?}");
    assert!(seen.breach.is_none() || traced.breach.is_some(), "{which}: {:?}", seen.breach);
}

/// The heading of a table of what was found.
const HEADING: &str = "| run | copies | resolved of those not hidden | hidden | median width in polls | greatest of a run | \
                       reads of all requests |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |";

fn tell(name: &str, found: &Found) {
    let visible = found.copies - found.hidden;
    let mut widths = found.widths.clone();
    widths.sort_by(f64::total_cmp);
    let [median, greatest] = [widths[widths.len() / 2], widths[widths.len() - 1]];
    println!(
        "| {name} | {} | {:.1} % | {:.1} % | {median:.2} | {greatest:.2} | {:.0} % |",
        found.compared,
        100.0 * found.resolved as f64 / visible as f64,
        100.0 * found.hidden as f64 / found.copies as f64,
        100.0 * found.reads as f64 / found.requests,
    );
    assert!(found.resolved as f64 >= 0.8 * visible as f64, "{name}: {found:?}");
    assert!(greatest <= 2.0, "{name}: {widths:?}");
}

const NAMES: [&str; 4] = ["quorum", "ordered", "follower-crash", "partition"];

#[test]
fn every_arrival_that_is_seen_from_outside_is_the_traced_one() {
    NAMES.iter().for_each(|name| tell(name, &check(name, 42..43)));
}

#[test]
#[ignore = "takes minutes: scripts/acceptance/outside runs it"]
fn seen_from_outside_over_twenty_seeds() {
    println!("{HEADING}");
    NAMES.iter().for_each(|name| tell(name, &check(name, 1_000..1_020)));
}

/// The run as readers would have made it whose clock is as far from the nodes' as it may be.
fn with_uncertain_clocks(mut run: RunData) -> RunData {
    for row in &mut run.reads {
        row.start_us = row.start_us - CLOCKS;
        row.latency_us += CLOCKS + CLOCKS;
    }
    run
}

#[test]
#[ignore = "needs runs of processes: scripts/acceptance/outside makes them"]
fn runs_of_processes_are_seen_from_outside_as_their_traces_tell_them() {
    let folders = std::env::var_os("OUTSIDE_RUNS").unwrap();
    println!("{HEADING}");
    let folders: Vec<PathBuf> = std::env::split_paths(&folders).collect();
    assert!(!folders.is_empty());
    for folder in folders {
        let runs = DataFolder::at(&folder).runs().unwrap();
        assert_eq!(runs.len(), 5, "{}", folder.display());
        for (quorum, path) in runs {
            let mut run = RunData::load(&path).unwrap();
            assert_eq!(run.cross_check(), [], "{}", path.display());
            let which = format!("{}, seed {}, W = {quorum}", run.manifest.experiment, run.manifest.seed);
            assert_eq!(EarlyFollower::all(&run), [], "{which}");
            run.manifest.config.reads = experiment(&run.manifest.experiment.to_string(), run.manifest.seed).reads;
            let mut found = Found::default();
            found.add(&Outside::of(&run).unwrap());
            found.compared = compare(&with_uncertain_clocks(run), &which);
            tell(&which, &found);
        }
    }
}
