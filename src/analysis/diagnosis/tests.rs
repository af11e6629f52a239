#![expect(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::analysis::consistency::RunConsistency;
use crate::analysis::faults::undisturbed;
use crate::analysis::fixture::{Drawn, LeaderAnswer, RunBuilder, right_leader};
use crate::analysis::latency::Latency;
use crate::config::Pacing;
use crate::data::RunData;
use crate::model::{Micros, TimeSpan, uniform_ms};

/// The runs of the lab at every W under a leader of some kind.
fn runs(configure: impl Fn(&mut Experiment), leader: impl Fn(&Drawn<'_>) -> LeaderAnswer) -> Vec<RunData> {
    (1..=5).map(|w| RunBuilder::new(w).configure(&configure).load(&leader).build()).collect()
}

fn evidence(runs: &[RunData]) -> Vec<LeaderEvidence> {
    runs.iter().map(|run| LeaderEvidence::of(run, &Latency::of(run), &RunConsistency::of(run))).collect()
}

fn found(runs: &[RunData]) -> Vec<Diagnosis> {
    diagnose(&runs[0].manifest.config, &evidence(runs))
}

fn faults(runs: &[RunData]) -> Vec<LeaderDefect> {
    found(runs).iter().map(|diagnosis| diagnosis.fault).collect()
}

#[test]
fn a_right_leader_has_nothing() {
    for seed in 0..10 {
        assert_eq!(found(&runs(|config| config.seed = seed, right_leader)), []);
        let batch = |config: &mut Experiment| (config.seed, config.workload.pacing) = (seed, Pacing::Batch);
        assert_eq!(found(&runs(batch, right_leader)), []);
    }
}

#[test]
fn what_the_software_takes_over_a_fast_network_is_no_fault() {
    let fast = |config: &mut Experiment| config.network.delay = uniform_ms(0, 20).unwrap();
    let right = |drawn: &Drawn<'_>| LeaderAnswer::after(drawn.sorted_us[drawn.quorum - 1] + 1_500);
    assert_eq!(found(&runs(fast, right)), []);
}

#[test]
fn waiting_for_everyone_is_flat_and_slow() {
    let runs = runs(|_| {}, |drawn| LeaderAnswer::after(drawn.sorted_us[4] + 1_500));
    let found = found(&runs);
    assert_eq!(faults(&runs), [LeaderDefect::WaitsForAll]);
    assert!(
        found[0].sentence.contains("theory 166.7 ms): the leader waits for every follower"),
        "{}",
        found[0].sentence
    );
    assert_eq!(found[0].readings.len(), 5);
}

#[test]
fn waiting_for_no_one_is_flat_and_fast() {
    assert_eq!(faults(&runs(|_| {}, |_| LeaderAnswer::after(1_800))), [LeaderDefect::WaitsForNone]);
}

#[test]
fn counting_the_leader_itself_as_an_acknowledgement_is_below_theory() {
    let one_less =
        |drawn: &Drawn<'_>| LeaderAnswer::after(drawn.quorum.checked_sub(2).map_or(0, |i| drawn.sorted_us[i]) + 1_500);
    let runs = runs(|_| {}, one_less);
    assert_eq!(faults(&runs), [LeaderDefect::FewerThanW]);
    let sentence = &found(&runs)[0].sentence;
    assert!(sentence.contains("the leader answers with fewer than W"), "{sentence}");
}

#[test]
fn a_leader_that_never_waits_for_more_than_two_is_like_two() {
    let capped = |drawn: &Drawn<'_>| LeaderAnswer::after(drawn.sorted_us[drawn.quorum.min(2) - 1] + 1_500);
    let runs = runs(|_| {}, capped);
    assert_eq!(faults(&runs), [LeaderDefect::FewerThanW]);
    let diagnosis = &found(&runs)[0];
    assert!(diagnosis.sentence.contains("about that of 2 acknowledgements"), "{}", diagnosis.sentence);
    assert!(diagnosis.readings.iter().all(|reading| reading.quorum > 2));
}

#[test]
fn a_pool_that_carries_twenty_writes_a_second_shows_at_low_w() {
    // Ten writers share it: none is answered before half a second has passed on average.
    let pooled = |drawn: &Drawn<'_>| {
        let missing_us = 500_000 - 1_000_000 * drawn.quorum.min(3) as u64 / 6;
        LeaderAnswer::after(drawn.sorted_us[drawn.quorum - 1] + missing_us)
    };
    let runs = runs(|_| {}, pooled);
    assert_eq!(faults(&runs), [LeaderDefect::SaturatedPool]);
    assert!(found(&runs)[0].sentence.contains("at low W only (W = 1"), "{}", found(&runs)[0].sentence);
}

#[test]
fn percentiles_of_unsorted_latencies_give_themselves_away() {
    let runs = runs(|_| {}, right_leader);
    let mut evidence = evidence(&runs);
    evidence[3].p99_ms = Some(431.0);
    let found = diagnose(&runs[0].manifest.config, &evidence);
    assert_eq!(found.iter().map(|diagnosis| diagnosis.fault).collect::<Vec<_>>(), [LeaderDefect::UnsortedPercentiles]);
    assert!(found[0].sentence.starts_with("At W = 4 p99 (431.0 ms)"), "{}", found[0].sentence);
}

/// Reaches only those followers whose copies arrive before the quorum's last.
fn cancelling(drawn: &Drawn<'_>) -> LeaderAnswer {
    let latency_us = drawn.sorted_us[drawn.quorum - 1];
    let late = (0..drawn.delays_us.len()).filter(|follower| drawn.delays_us[*follower] > latency_us);
    LeaderAnswer { latency_us: latency_us + 1_500, cancelled: late.collect() }
}

#[test]
fn cancelling_at_the_quorum_leaves_out_n_less_w_of_n() {
    let runs = runs(|_| {}, cancelling);
    assert_eq!(faults(&runs), [LeaderDefect::CancelsAtQuorum]);
    let readings = &found(&runs)[0].readings;
    let shares: Vec<f64> = readings.iter().map(|reading| (reading.measured * 10.0).round() / 10.0).collect();
    assert_eq!(shares, [0.8, 0.6, 0.4, 0.2, 0.0]);
}

#[test]
fn cancelling_shows_in_missing_keys_where_there_is_no_trace() {
    let once_a_key = |config: &mut Experiment| {
        config.workload.keys = 400.try_into().unwrap();
        config.workload.writes = 400.try_into().unwrap();
    };
    let mut runs = runs(once_a_key, cancelling);
    for run in &mut runs {
        run.replication.clear();
        run.arrivals.clear();
    }
    assert_eq!(faults(&runs), [LeaderDefect::CancelsAtQuorum]);
}

#[test]
fn losses_that_do_not_depend_on_w_are_not_cancellation() {
    let lossy = |drawn: &Drawn<'_>| LeaderAnswer { cancelled: vec![4], ..right_leader(drawn) };
    assert_eq!(faults(&runs(|_| {}, lossy)), []);
}

#[test]
fn without_an_injected_delay_or_a_latency_there_is_nothing_to_say() {
    let constant = |config: &mut Experiment| config.network.delay = uniform_ms(0, 0).unwrap();
    assert_eq!(faults(&runs(constant, |_| LeaderAnswer::after(700))), []);
    let mut failed = runs(|_| {}, right_leader);
    for write in failed.iter_mut().flat_map(|run| &mut run.writes) {
        write.outcome = crate::data::WriteOutcome::Failed;
    }
    assert_eq!(faults(&failed), []);
    assert_eq!(diagnose(&Experiment::default(), &[]), []);
}

#[test]
fn a_single_quorum_is_enough_for_what_does_not_compare() {
    let run = RunBuilder::new(3).load(|_| LeaderAnswer::after(2_000)).build();
    assert_eq!(faults(&[run]), [LeaderDefect::WaitsForNone]);
    let run = RunBuilder::new(2).load(cancelling).build();
    assert_eq!(faults(&[run]), [LeaderDefect::CancelsAtQuorum]);
}

#[test]
fn writes_that_met_a_fault_do_not_speak_of_the_leader() {
    use crate::data::{FaultEvent, FaultRow};
    use crate::model::NodeId;
    // At W = 1 every write that meets the fault takes two seconds; at W = 5 none does.
    let pinned = |run: &mut RunData| {
        let (begun_us, ended_us) = (1_000_000, 2_000_000);
        run.faults = [(FaultEvent::Pause, begun_us), (FaultEvent::Resume, ended_us)]
            .map(|(kind, at)| FaultRow {
                begun_us: Micros::new(at),
                ended_us: Micros::new(at),
                node: NodeId::Follower(4),
                kind,
                detail: None,
            })
            .into();
        let slow: Vec<bool> = {
            let is_undisturbed = undisturbed(run);
            run.writes.iter().map(|row| run.manifest.quorum.get() == 1 && !is_undisturbed(row)).collect()
        };
        run.writes
            .iter_mut()
            .zip(slow)
            .filter(|(_, slow)| *slow)
            .for_each(|(row, _)| row.latency_us += TimeSpan::new(2_000_000));
    };
    let mut runs = runs(|_| {}, right_leader);
    let without = evidence(&runs);
    runs.iter_mut().for_each(pinned);
    assert_eq!(found(&runs), []);
    assert!(runs[0].writes.iter().any(|row| row.latency_us > TimeSpan::new(2_000_000)));
    assert!(evidence(&runs)[0].mean.unwrap().n < without[0].mean.unwrap().n);
}
