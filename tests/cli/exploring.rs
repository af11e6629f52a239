//! `labctl explore`.

use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::lab::{Ended, Lab, SMALL, files};

const GRID: [&str; 9] = ["explore", "--followers", "2,3", "--order", "arrival,version", "--seeds", "5", "--seed", "7"];

/// Explores the grid into a folder, with this many threads.
fn explore(lab: &Lab, out: &str, threads: &str) -> Ended {
    let args: Vec<&str> = GRID.into_iter().chain(["--out", out, "--threads", threads]).collect();
    let ended = lab.run(&args);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    ended
}

/// The results and their report; the lock names its process.
fn results(lab: &Lab, out: &str) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    files(&lab.path(out)).into_iter().filter(|(path, _)| !path.ends_with(".lock")).collect()
}

#[test]
fn an_experiment_with_faults_is_refused_with_what_to_do() {
    let lab = Lab::new(&format!("{SMALL}\n[[experiment.small.fault]]\nat = 5\nnode = \"f2\"\nkind = \"kill\"\n"));
    let ended = lab.run(&["explore", "--seeds", "1"]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("experiment small: explore simulates no faults"), "{}", ended.stderr);
}

#[test]
fn results_depend_neither_on_threads_nor_on_the_folder_and_are_not_made_twice() {
    let lab = Lab::new(SMALL);
    explore(&lab, "here", "1");
    explore(&lab, "over/there", "3");
    let first = results(&lab, "here");
    assert_eq!(first, results(&lab, "over/there"));
    assert_eq!(lab.read("here/points.csv").lines().count(), 1 + 2 * (2 + 3));

    let again = explore(&lab, "here", "2");
    assert!(again.stderr.contains("10 of 10 points are in here/points.csv already"), "{}", again.stderr);
    assert_eq!(first, results(&lab, "here"));
}

#[test]
fn an_interrupted_exploration_keeps_its_points() {
    let lab = Lab::new(SMALL);
    let args = ["explore", "--quorums", "1", "--writes", "5,300000", "--seeds", "3"];
    let child = lab.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    let points = || std::fs::read_to_string(lab.path("explore/points.csv")).unwrap_or_default().lines().count();
    while points() < 2 {
        assert!(begun.elapsed() < Duration::from_secs(60), "no point comes");
        thread::sleep(Duration::from_millis(5));
    }
    kill_process(Pid::from_raw(child.id().try_into().unwrap()).unwrap(), Signal::INT).unwrap();
    let ended: Ended = child.wait_with_output().unwrap().into();
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    assert!(ended.stderr.contains("1 of 2 points are in explore/points.csv"), "{}", ended.stderr);

    let rest = lab.run(&["explore", "--quorums", "1", "--writes", "5", "--seeds", "3"]);
    assert_eq!(rest.code, Some(0), "{}", rest.stderr);
    assert!(rest.stderr.contains("1 of 1 points are in explore/points.csv already"), "{}", rest.stderr);
}

#[test]
fn a_grid_without_points_and_a_foreign_folder_are_refused() {
    let lab = Lab::new(SMALL);
    let none = lab.run(&["explore", "--followers", "2", "--quorums", "3"]);
    assert_eq!(none.code, Some(2));
    assert!(none.stderr.contains("the grid is empty"), "{}", none.stderr);
    let delays = lab.run(&["explore", "--min-delay-ms", "30", "--max-delay-ms", "20"]);
    assert_eq!(delays.code, Some(2));
    assert!(delays.stderr.contains("min_delay_ms (30) must not exceed max_delay_ms (20)"), "{}", delays.stderr);

    lab.edit("experiments.toml", |text| {
        format!("{text}\n[experiment.large]\n[experiment.large.workload]\nvalue_bytes = 60000\n")
    });
    let large = lab.run(&["explore", "--experiment", "large", "--writes", "10,20000"]);
    assert_eq!(large.code, Some(2));
    let limit =
        "experiment large: the values of 20000 writes must be at most 53687 bytes long (1 GiB in all), not 60000";
    assert!(large.stderr.contains(limit), "{}", large.stderr);

    std::fs::create_dir(lab.path("explore")).unwrap();
    std::fs::write(lab.path("explore/points.csv"), "a,b\n1,2\n").unwrap();
    let foreign = lab.run(&["explore", "--seeds", "1"]);
    assert_eq!(foreign.code, Some(2));
    assert!(foreign.stderr.contains("explore/points.csv:1: these are not results"), "{}", foreign.stderr);
}

#[test]
fn distributions_are_an_axis() {
    let lab = Lab::new(SMALL);
    let delays = ["--delay", "lognormal(5,0.5)", "--delay", "uniform(0,20)", "--ack-delay", "constant(2)"];
    let args = [&["explore", "--quorums", "1", "--seeds", "3"][..], &delays].concat();
    let first = lab.run(&args);
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    let points = lab.read("explore/points.csv");
    assert!(points.contains("\nsmall,3,1,,,\"lognormal(5,0.5)\",constant(2),arrival,"), "{points}");
    assert!(points.contains("\nsmall,3,1,0,20,\"uniform(0,20)\",constant(2),arrival,"), "{points}");
    let report = lab.read("explore/report.md");
    assert!(
        report.contains("--delay 'lognormal(5,0.5)' --delay 'uniform(0,20)' --ack-delay 'constant(2)'"),
        "{report}"
    );
    let again = lab.run(&args);
    assert!(again.stderr.contains("2 of 2 points are in explore/points.csv already"), "{}", again.stderr);

    let wrong = lab.run(&["explore", "--delay", "lognorm(5,0.5)"]);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("a distribution must be constant, uniform, exponential"), "{}", wrong.stderr);
    let both = lab.run(&["explore", "--delay", "constant(5)", "--max-delay-ms", "20"]);
    assert_eq!(both.code, Some(2));
}
