use super::*;
use crate::analysis::bounds::Bounds;
use crate::analysis::fixture::{RunBuilder, right_leader, without_trace};
use crate::config::FollowersByQuorum;
use crate::model::{Distribution, LinkOrder, SystemFacts, TimeSpan, uniform_ms};

/// Forty writes, one at a time, that take 3 ms longer than the W-th of five equal delays.
fn run(system: &str, quorum: u32, delay_ms: u32) -> RunData {
    let builder = RunBuilder::new(quorum).configure(|config| {
        config.network.link = Some(LinkOrder::Ordered);
        config.network.delay = uniform_ms(delay_ms, delay_ms).unwrap();
    });
    let (delay_us, latency_us) = (u64::from(delay_ms) * 1000, u64::from(delay_ms) * 1000 + 3_000);
    let mut run = (0..40).fold(builder, |run, i| run.write_with_delays(i, latency_us, &[delay_us; 5])).build();
    run.manifest.experiment = system.parse().unwrap();
    let capabilities = run.manifest.capabilities();
    run.manifest.system =
        Some(SystemFacts { name: system.to_owned(), version: "1".to_owned(), capabilities, remarks: Vec::new() });
    run.manifest.backend.name = "process".to_owned();
    run
}

/// A run of enough writes without delays, that began at this second of the day.
fn still(system: &str, quorum: u32, second: u32) -> RunData {
    let mut run = run(system, quorum, 0);
    run.manifest.config.workload.writes = i64::from(MIN_WRITES).try_into().unwrap();
    run.manifest.started = Some(format!("2026-01-01T00:00:{second:02}Z"));
    run
}

fn side_by_side(systems: &[&[RunData]], more: &[RunData]) -> SideBySide {
    let figures: Vec<_> = systems.iter().map(|runs| ExperimentFigures::with_trials(*runs, |_| None).unwrap()).collect();
    let measured: Vec<_> =
        systems.iter().zip(&figures).map(|(runs, figures)| ExperimentRuns::new(*runs, figures)).collect();
    let all: Vec<&RunData> = systems.iter().copied().flatten().chain(more).collect();
    SideBySide::of(&measured, &all)
}

#[test]
fn each_figure_has_a_value_or_a_reason() {
    let (lab, other) = (run("lab", 2, 20), without_trace(run("other", 2, 20)));
    let beside = side_by_side(&[&[lab], &[other]], &[]);
    let [lab, other] = [0, 1].map(|index| beside.systems[index].at(2).unwrap());
    assert_eq!(lab.latency.value().map(|of| (of.median.value_ms, of.p99.value_ms)), Some((23.0, 23.0)));
    assert_eq!(
        lab.own_cost.value().map(|of| (of.basis, of.ms)),
        Some((OwnCostBasis::ConstantDelay, Bounds::exactly(3.0)))
    );
    assert_eq!(
        (lab.stale_at_ack.value(), lab.would_be_lost.value()),
        (Some(&Bounds::exactly(0.0)), Some(&Bounds::exactly(0.0)))
    );
    assert!(lab.throughput_per_s.withheld().unwrap().starts_with("no run of this system at this W without delays"));
    assert!(lab.lost_with_leader.withheld().unwrap().contains("in which the leader died"));
    assert_eq!(
        lab.no_interval.as_deref(),
        Some("latencies of one run hang together, so that only several runs give an interval")
    );
    // A system that keeps no trace and was not asked tells neither when a copy came nor what would have been lost.
    let why =
        "`store` does not tell when a copy was sent, arrived or was acknowledged, and its followers were not asked";
    assert_eq!((other.stale_at_ack.withheld(), other.would_be_lost.withheld()), (Some(why), Some(why)));
    assert_eq!(other.own_cost.value(), lab.own_cost.value());
}

#[test]
fn latencies_are_withheld_where_there_are_none() {
    let mut none = run("lab", 2, 20);
    none.writes.iter_mut().for_each(|row| row.outcome = crate::data::WriteOutcome::Failed);
    let beside = side_by_side(&[&[none]], &[]);
    assert_eq!(beside.systems[0].runs[0].latency.withheld(), Some("no write was acknowledged"));
    let text = serde_json::to_value(&beside).unwrap()["systems"][0]["runs"][0]["latency"].clone();
    assert_eq!(text, serde_json::json!({"withheld": "no write was acknowledged"}));
}

#[test]
fn what_chance_in_the_delays_hides_is_bounded_by_simulated_runs() {
    let mut jitter = run("lab", 2, 20);
    jitter.manifest.config.network.delay = uniform_ms(0, 40).unwrap();
    let beside = side_by_side(&[&[jitter]], &[]);
    let cost = *beside.systems[0].runs[0].own_cost.value().unwrap();
    assert!(cost.basis == OwnCostBasis::SimulatedRuns && cost.ms.lower < cost.ms.upper, "{cost:?}");
    let mut lab = RunBuilder::new(2).load(right_leader).build();
    lab.writes[0].latency_us += TimeSpan::new(1);
    let beside = side_by_side(&[&[lab]], &[]);
    let cost = beside.systems[0].runs[0].own_cost.value().map(|of| (of.basis, of.ms.exact()));
    assert_eq!(cost, Some((OwnCostBasis::WriteByWrite, Some(1.5))));
}

#[test]
fn what_differs_is_told_by_what_it_bears_on() {
    type Change = fn(&mut RunData);
    let changes: [(Concern, Change); 6] = [
        (Concern::System, |_| ()),
        (Concern::Network, |run| run.manifest.config.network.delay = uniform_ms(50, 50).unwrap()),
        (Concern::Load, |run| run.manifest.config.workload.keys = 7.try_into().unwrap()),
        (Concern::Seed, |run| run.manifest.seed = 9),
        (Concern::Machine, |run| run.manifest.host.as_mut().unwrap().cpus = 64),
        (Concern::Labctl, |run| run.manifest.labctl_version = "0.0.1".to_owned()),
    ];
    for (concern, change) in changes {
        let mut other = run("other", 2, 20);
        change(&mut other);
        let beside = side_by_side(&[&[run("lab", 2, 20)], &[other]], &[]);
        assert_eq!(beside.systems[0].differs_in, BTreeSet::new());
        assert_eq!(beside.systems[1].differs_in, BTreeSet::from([Concern::System, concern]));
        assert!(beside.conditions.iter().all(|one| one.values.len() == 2 && one.values[0] != one.values[1]));
    }
}

#[test]
fn the_order_of_links_is_the_one_they_keep_and_not_the_one_that_is_written_down() {
    let mut other = run("other", 2, 20);
    other.manifest.config.network.link = None;
    let told = |run: RunData| side_by_side(&[&[self::run("lab", 2, 20)], &[run]], &[]).systems[1].differs_in.clone();
    // The lab's node would have independent links.
    assert!(told(other).contains(&Concern::Network));
    let mut same = run("other", 2, 20);
    same.manifest.config.network.link = Some(LinkOrder::Ordered);
    assert!(!told(same).contains(&Concern::Network));
}

#[test]
fn a_system_that_waits_for_a_majority_stands_beside_others_behind_links_that_never_change() {
    let constant = |ms: &str| format!("constant({ms})").parse::<Distribution>().unwrap();
    let figures = |name: &str, change: &dyn Fn(&mut Experiment)| {
        let mut run = run(name, 2, 20);
        change(&mut run.manifest.config);
        ExperimentFigures::with_trials([&run], |_| None).unwrap()
    };
    let lab = figures("lab", &|_| ());
    let is_beside = |name: &str, change: &dyn Fn(&mut Experiment)| {
        let other = figures(name, change);
        ExperimentRuns::new([], &lab).is_comparable(&ExperimentRuns::new([], &other))
    };
    assert!(is_beside("other", &|_| ()));
    assert!(!is_beside("lab", &|_| ()), "the same system");
    assert!(!is_beside("other", &|config| config.network.delay = constant("50")), "another network");
    assert!(!is_beside("other", &|config| config.workload.keys = 7.try_into().unwrap()), "another load");
    let majority = |config: &mut Experiment| {
        config.followers_by_quorum = FollowersByQuorum(true);
        config.followers = 4.try_into().unwrap();
        config.network.delay = constant("50");
    };
    assert!(is_beside("other", &majority));
    for delay in [uniform_ms(0, 50).unwrap(), constant("0")] {
        let other = |config: &mut Experiment| {
            majority(config);
            config.network.delay = delay.clone();
        };
        assert!(!is_beside("other", &other), "{delay}");
    }
}

#[test]
fn rounds_of_one_system_are_told_in_their_order_with_their_median() {
    // The later rounds take longer: 333, 250 and 200 writes a second, one at a time.
    let round = |system: &str, second: u32, slower_us: u64| {
        let mut run = still(system, 2, second);
        run.writes.iter_mut().for_each(|row| {
            row.latency_us += TimeSpan::new(slower_us);
            row.start_us = (row.write.get() * row.latency_us.get()).into();
        });
        run
    };
    let in_turn = [round("a", 5, 2_000), round("b", 2, 0), round("a", 1, 0), round("b", 4, 0), round("a", 3, 1_000)];
    let all: Vec<&RunData> = in_turn.iter().collect();
    let told = throughputs(&all);
    let [a, b] = told.as_slice() else { panic!("{told:?}") };
    let rates: Vec<u64> = a.rounds_per_s.iter().map(|rate| rate.round() as u64).collect();
    assert_eq!((rates.as_slice(), a.median_per_s.round(), a.latency_ms), (&[333, 250, 200][..], 250.0, 4.0));
    assert_eq!((a.system.as_str(), a.in_turn, b.in_turn, a.not_acknowledged), ("a", Some(true), Some(true), 0));
    let apart = [round("a", 1, 0), round("a", 2, 0), round("b", 3, 0), round("b", 4, 0)];
    let told = throughputs(&apart.iter().collect::<Vec<_>>());
    assert_eq!(told.iter().map(|of| of.in_turn).collect::<Vec<_>>(), [Some(false), Some(true)]);
    // The run behind delays takes the figure of its own system.
    let beside = side_by_side(&[&[run("a", 2, 20)], &[run("c", 2, 20)]], &in_turn);
    assert_eq!(beside.systems[0].runs[0].throughput_per_s.value().map(|rate| rate.round()), Some(250.0));
    assert!(beside.systems[1].runs[0].throughput_per_s.value().is_none());
}

#[test]
fn a_throughput_takes_real_time_no_delays_no_faults_and_enough_writes() {
    let changes: [fn(&mut RunData); 3] = [
        |run| run.manifest.config.workload.writes = i64::from(MIN_WRITES - 1).try_into().unwrap(),
        |run| run.manifest.config.network.delay = uniform_ms(0, 1).unwrap(),
        |run| run.manifest.backend.name = crate::model::VIRTUAL_TIME.to_owned(),
    ];
    assert_eq!(throughputs(&[&still("a", 1, 0)]).len(), 1);
    for (i, change) in changes.into_iter().enumerate() {
        let mut run = still("a", 1, 0);
        change(&mut run);
        assert_eq!(throughputs(&[&run]), [], "change {i}");
    }
}
