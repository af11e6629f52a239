#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;

use tokio_util::sync::CancellationToken;

use super::*;
use crate::config::Experiment;
use crate::explore::{Grid, Work, explore};
use crate::model::{ReplicationOrder, uniform_ms};
use crate::sim::SimError;

/// Two orders at three and five followers, a few runs each.
fn points() -> Vec<PointRow> {
    let base = Experiment::default();
    let grid = Grid {
        name: "quorum".parse().unwrap(),
        quorums: Vec::new(),
        followers: vec![3.try_into().unwrap(), 5.try_into().unwrap()],
        delays: vec![uniform_ms(0, 100).unwrap()],
        ack_delays: vec![None],
        concurrencies: vec![base.workload.concurrency],
        keys: vec![base.workload.keys],
        writes: vec![30.try_into().unwrap()],
        orders: vec![ReplicationOrder::Arrival, ReplicationOrder::Version],
        links: vec![base.link_order()],
        pacings: vec![base.workload.pacing],
        seeds: 4,
        base,
    };
    let (points, cancel) = (grid.points(), CancellationToken::new());
    let mut rows = Vec::new();
    let work = Work { points: &points, threads: 2, cancel: &cancel, run_done: &|_| {} };
    explore(&work, |point, runs| {
        rows.push(PointRow::of(point, &runs).unwrap());
        Ok::<_, SimError>(())
    })
    .unwrap();
    rows
}

#[test]
fn the_same_points_give_the_same_files_and_say_what_was_found() {
    let (points, folder) = (points(), tempfile::tempdir().unwrap());
    let write = || {
        let written = write_exploration(&points, folder.path()).unwrap();
        written.iter().map(|path| fs::read(path).unwrap()).collect::<Vec<_>>()
    };
    let files = write();
    assert_eq!(files, write());
    assert_eq!(files.len(), 8);
    let markdown = String::from_utf8(files[1].clone()).unwrap();
    for expected in [
        "64 simulated runs of 16 points.",
        "3 and 5 followers; 0 to 100 ms; arrival order and version order; independent links; 30 writes; 10 keys; 10 at once",
        "Mean latency rises from",
        "The chance of a stale read from one follower falls from 80 % at W = 1 to 0 % at W = 5",
        "0 % throughout in 2 of 4 conditions",
        "The time until 99 % of reads see a write falls from",
        "labctl explore -e quorum --quorums 1,2,3,4,5 --followers 3,5 --min-delay-ms 0 --max-delay-ms 100 \
         --order arrival,version --link independent --writes 30 --keys 10 --concurrency 10 --pacing window --seed 42 --seeds 4",
    ] {
        assert!(markdown.contains(expected), "{expected}\n{markdown}");
    }
}

#[test]
fn panels_are_told_apart_by_what_varies_alone() {
    let points = points();
    let panels = conditions::condition_groups(&points);
    let titles: Vec<&str> = panels.iter().map(|panel| panel.title.as_str()).collect();
    assert_eq!(titles, ["arrival order", "version order"]);
    let followers: Vec<u32> = panels[0].by_followers.iter().map(|(followers, _)| *followers).collect();
    assert_eq!(followers, [3, 5]);
    let one = conditions::condition_groups(&points[..3]);
    assert_eq!(one.iter().map(|panel| panel.title.as_str()).collect::<Vec<_>>(), [""]);
}
