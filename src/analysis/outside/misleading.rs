//! Followers that mislead readers: what is seen of them is found out, or bounded, and no figure is wrong.

use super::acceptance::{compare, simulated};
use super::*;
use crate::data::WriteRow;
use crate::model::{NodeId, TimeSpan};

const F2: NodeId = NodeId::Follower(1);
const F5: NodeId = NodeId::Follower(4);

fn simulated_at(name: &str, quorum: i64) -> RunData {
    simulated(name, 7, quorum.try_into().unwrap())
}

/// The run with answers of one follower that are of what its leader held when it was asked.
fn answered_by_the_leader(mut run: RunData, follower: NodeId) -> RunData {
    let mut writes: Vec<&WriteRow> = run.writes.iter().collect();
    writes.sort_by_key(|row| (row.start_us, row.write));
    for row in run.reads.iter_mut().filter(|row| row.node == follower) {
        let newest = writes.iter().rfind(|write| write.key == row.key && write.start_us <= row.start_us);
        row.write = newest.map(|write| write.write);
        row.version = newest.and_then(|write| write.version);
        row.outcome = if newest.is_some() { ReadOutcome::Found } else { ReadOutcome::Absent };
    }
    run
}

#[test]
fn a_follower_that_answers_from_its_leader_is_found_and_what_it_showed_is_in_no_figure() {
    // At W = 1 a run over links that jitter is too short: its writes meet a handful of different delays.
    let runs = [("lab-ordered", F5, &[1, 3][..]), ("lab-ordered-jitter", F2, &[3]), ("quorum", F2, &[1, 3])];
    for (name, follower, quorums) in runs {
        for quorum in quorums.iter().copied() {
            let run = simulated_at(name, quorum);
            let which = format!("{name}, W = {quorum}");
            assert_eq!(EarlyFollower::all(&run), [], "{which}");
            let run = answered_by_the_leader(run, follower);
            let outside = Outside::of(&run).unwrap();
            let found: Vec<NodeId> = outside.early.iter().map(|early| early.follower).collect();
            assert_eq!(found, [follower], "{which}: {:?}", outside.early);
            assert!(outside.early[0].shown_after_ms < outside.early[0].link_ms / 2.0, "{which}: {:?}", outside.early);
            // A fifth of the copies is seen no more.
            assert!(outside.resolved <= outside.copies * 4 / 5, "{which}: {outside:?}");
            compare(&run, &which);
        }
    }
}

#[test]
fn a_follower_whose_links_may_be_that_fast_is_not_accused() {
    let mut run = simulated_at("lab-ordered", 1);
    let own = run.manifest.config.network.follower.get_mut(&F5).unwrap();
    own.delay = Some("uniform(0,1)".parse().unwrap());
    assert_eq!(EarlyFollower::all(&answered_by_the_leader(run, F5)), []);
}

#[test]
fn a_follower_that_answers_late_widens_what_is_known_of_it_and_moves_no_figure() {
    const LATE_US: TimeSpan = TimeSpan::new(150_000);
    for name in ["quorum", "lab-ordered"] {
        let mut run = simulated_at(name, 2);
        let width = Outside::of(&run).unwrap().median_width_ms.unwrap();
        // A reader asks for a key anew once it has its answer.
        let mut next_us: HashMap<String, Micros> = HashMap::new();
        run.reads.retain_mut(|row| {
            let next_us = next_us.entry(row.key.to_string()).or_insert(Micros::MIN);
            if row.node != F2 {
                return true;
            }
            let is_asked = row.start_us >= *next_us;
            row.latency_us += LATE_US;
            *next_us = if is_asked { row.end() } else { *next_us };
            is_asked
        });
        compare(&run, name);
        run.reads.retain(|row| row.node == F2);
        let late = Outside::of(&run).unwrap();
        assert!(late.median_width_ms.unwrap() >= LATE_US.as_ms() && late.median_width_ms.unwrap() > width, "{name}");
    }
}

#[test]
fn a_follower_whose_reads_fail_leaves_figures_between_bounds() {
    let mut run = simulated_at("quorum", 1);
    let whole = Outside::of(&run).unwrap();
    for row in run.reads.iter_mut().filter(|row| row.node == F2) {
        (row.outcome, row.write, row.version) = (ReadOutcome::Failed, None, None);
        row.error = Some("refused".to_owned());
    }
    let outside = Outside::of(&run).unwrap();
    assert_eq!(
        (whole.failed_reads, outside.failed_reads),
        (0, run.reads.iter().filter(|row| row.node == F2).count() as u64)
    );
    assert!(outside.resolved < whole.resolved);
    // Nobody knows whether the last follower ever had a write.
    let lag = &outside.figures.as_ref().unwrap().lag;
    assert_eq!((lag.never_everywhere.lower, lag.never_everywhere.upper), (0, 100), "{lag:?}");
    assert_eq!(outside.lag_estimates[0].bounds_ms.upper, None);
    compare(&run, "reads of f2 fail");
}
