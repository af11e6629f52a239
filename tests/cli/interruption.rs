//! Ctrl-C, SIGKILL and a second labctl.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::lab::{Ended, Lab, SMALL, files};

/// A run that takes long enough to be interrupted.
pub(crate) fn slow() -> Lab {
    let lab = Lab::new(&SMALL.replace("max_delay_ms = 20", "max_delay_ms = 2000"));
    lab.ok(&["run", "1", "-e", "versioned", "--seed", "3"]);
    lab
}

/// labctl on its way through W = 3 of `small`, W = 1 being done; and its nodes' process ids.
pub(crate) fn started(lab: &Lab) -> (Child, Vec<Pid>) {
    started_with(lab, &["run", "3"], 4)
}

/// labctl with these arguments, once `count` of its nodes run.
fn started_with(lab: &Lab, args: &[&str], count: usize) -> (Child, Vec<Pid>) {
    let mut command = lab.command(args);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    let mut nodes = Vec::new();
    while nodes.len() < count {
        assert!(begun.elapsed() < Duration::from_secs(60), "the nodes do not start");
        thread::sleep(Duration::from_millis(5));
        nodes = children(child.id());
    }
    (child, nodes)
}

/// The processes whose parent is this one.
fn children(parent: u32) -> Vec<Pid> {
    let tasks = format!("/proc/{parent}/task");
    let lists = fs::read_dir(tasks).into_iter().flatten().flatten();
    let pids = lists.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    pids.flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .filter_map(|pid| pid.parse().ok().and_then(Pid::from_raw))
        .collect()
}

/// Whether a process has gone, or gone but for its parent's asking.
fn gone(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    stat.rsplit(')').next().is_none_or(|rest| rest.trim().is_empty() || rest.trim().starts_with('Z'))
}

fn await_gone(nodes: &[Pid]) {
    let begun = Instant::now();
    while !nodes.iter().all(|pid| gone(*pid)) {
        assert!(begun.elapsed() < Duration::from_secs(60), "nodes are left");
        thread::sleep(Duration::from_millis(5));
    }
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id().try_into().unwrap()).unwrap()
}

#[test]
fn an_interrupted_run_ends_with_130_and_leaves_nothing_but_earlier_data() {
    let lab = slow();
    let before = lab.read("data/versioned/W1/writes.csv");
    let (child, nodes) = started(&lab);
    kill_process(pid(&child), Signal::INT).unwrap();
    kill_process(pid(&child), Signal::INT).unwrap();
    let ended: Ended = child.wait_with_output().unwrap().into();
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    assert!(ended.stderr.contains("interrupted; stopping the nodes"), "{}", ended.stderr);
    await_gone(&nodes);
    assert_eq!(lab.read("data/versioned/W1/writes.csv"), before);
    let left: Vec<_> = fs::read_dir(lab.path("data")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("W3")), "{left:?}");
}

#[test]
fn an_interruption_of_runs_side_by_side_ends_the_nodes_of_all() {
    let lab = slow();
    let (child, nodes) = started_with(&lab, &["run", "all", "--jobs", "2"], 8);
    kill_process(pid(&child), Signal::INT).unwrap();
    let ended: Ended = child.wait_with_output().unwrap().into();
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    assert!(
        ended.stderr.ends_with("interrupted; stopping the nodes\nlabctl: experiment small: W = 1: interrupted\n"),
        "{}",
        ended.stderr
    );
    await_gone(&nodes);
    assert!(!lab.path("data/W1").exists() && !lab.path("data/W3").exists());
}

#[test]
fn an_interruption_during_the_report_finishes_it_and_says_so() {
    let lab = Lab::new(&SMALL.replace("writes = 20", "writes = 2000"));
    let mut command = lab.command(&["run", "1", "--backend", "sim"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The line of the last quorum is printed once its run is saved.
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("W=1"), "{line}");
    thread::sleep(Duration::from_millis(50));
    kill_process(pid(&child), Signal::INT).unwrap();
    thread::sleep(Duration::from_millis(100));
    kill_process(pid(&child), Signal::INT).unwrap();
    let ended: Ended = child.wait_with_output().unwrap().into();
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    assert!(ended.stderr.contains("interrupted; finishing the report"), "{}", ended.stderr);
    assert!(ended.stderr.contains("still finishing the report"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("nodes"), "{}", ended.stderr);
    let interrupted = files(&lab.path("report"));
    // W = 3 is missing, which the code tells.
    assert_eq!(lab.run(&["report"]).code, Some(4));
    assert_eq!(files(&lab.path("report")), interrupted, "the report is whole");
}

#[test]
fn nodes_die_with_a_labctl_that_is_killed_and_the_next_run_works() {
    let lab = slow();
    let (mut child, nodes) = started(&lab);
    // A frozen node notices nothing by itself. The kernel wakes and ends it if no process of the
    // session is left to do so; otherwise the next labctl does.
    kill_process(nodes[0], Signal::STOP).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    await_gone(&nodes[1..]);
    lab.ok(&["run", "1", "-e", "versioned"]);
    await_gone(&nodes);
}

#[test]
fn a_second_labctl_in_a_folder_names_the_first() {
    let lab = slow();
    let (child, nodes) = started(&lab);
    let second = lab.run(&["run", "1"]);
    assert_eq!(second.code, Some(2), "{}", second.stderr);
    assert!(second.stderr.contains(&format!("process {}", child.id())), "{}", second.stderr);
    kill_process(pid(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    await_gone(&nodes);
}
