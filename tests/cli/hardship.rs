//! A disk that is full, nodes that die, and runs that do not belong together.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, prlimit};

use crate::interruption::{slow, started};
use crate::lab::{Ended, Lab, SMALL, files};

/// Runs `labctl` with a limit on the size of files, in blocks. As on a full disk, the write that
/// does not fit fails.
fn with_files_of(lab: &Lab, blocks: u32, args: &str) -> Ended {
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec {} {args}", env!("CARGO_BIN_EXE_labctl"));
    Command::new("sh").args(["-c", &script]).current_dir(lab.path(".")).output().unwrap().into()
}

#[test]
fn a_full_disk_leaves_the_earlier_run_whole() {
    let lab = Lab::new(SMALL);
    lab.ok(&["run", "1", "--backend", "sim"]);
    let (data, report) = (files(&lab.path("data/W1")), files(&lab.path("report")));

    let ended = with_files_of(&lab, 1, "run 1 --backend sim --seed 7");
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    assert!(ended.stderr.lines().last().unwrap().contains("cannot write: File too large"), "{}", ended.stderr);
    assert_eq!(files(&lab.path("data/W1")), data);
    assert!(!fs::read_dir(lab.path("data")).unwrap().any(|entry| entry.unwrap().path().ends_with(".W1-")));

    // Some files of a report of both quorums would fit, and none of it is put in place.
    lab.ok(&["run", "3", "--backend", "sim", "--report", "elsewhere"]);
    let ended = with_files_of(&lab, 40, "report");
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    assert!(ended.stderr.contains("File too large"), "{}", ended.stderr);
    assert_eq!(files(&lab.path("report")), report);
}

#[test]
fn resume_refuses_runs_of_another_configuration_binary_or_backend() {
    let lab = Lab::new(SMALL);
    lab.ok(&["run", "1"]);
    let before = files(&lab.path("data/W1"));
    let refused = |args: &[&str], what: &str| {
        let ended = lab.run(args);
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        assert!(ended.stderr.contains(what), "{what}: {}", ended.stderr);
        assert!(ended.stderr.contains("run without --resume"), "{}", ended.stderr);
        assert!(!lab.path("data/W3").exists());
    };
    refused(&["run", "all", "--resume", "--backend", "sim"], "another backend");
    lab.edit("experiments.toml", |text| text.replacen("writes = 20", "writes = 30", 1));
    refused(&["run", "all", "--resume"], "made with another configuration");
    lab.edit("experiments.toml", |text| text.replacen("writes = 30", "writes = 20", 1));
    assert_eq!(files(&lab.path("data/W1")), before);
    lab.edit("data/W1/manifest.json", |text| {
        let manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
        text.replace(manifest["node_sha256"].as_str().unwrap(), &"0".repeat(64))
    });
    refused(&["run", "all", "--resume"], "made with another node binary");
}

/// `labctl` under a limit of open files, `-S` for the soft one or `-SH` for both.
fn with_open_files(lab: &Lab, limit: &str, args: &str) -> Ended {
    let script = format!("ulimit {limit}; exec {} {args}", env!("CARGO_BIN_EXE_labctl"));
    Command::new("bash").args(["-c", &script]).current_dir(lab.path(".")).output().unwrap().into()
}

#[test]
fn too_few_descriptors_are_told_before_anything_runs_and_a_soft_limit_is_raised() {
    let lab = Lab::new(&SMALL.replace("writes = 20\nconcurrency = 5", "writes = 400\nconcurrency = 64"));
    let ended = with_open_files(&lab, "-SHn 128", "run 1");
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    assert!(ended.stderr.contains("the leader may need 232 open files, and the hard limit is 128"), "{}", ended.stderr);
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    assert!(!lab.path("data/W1").exists());
    let ended = with_open_files(&lab, "-Sn 64", "run 1");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(!lab.read("data/W1/replication.csv").contains(",failed"));
}

#[test]
fn a_node_that_runs_out_of_descriptors_is_no_loss_of_the_network() {
    // The leader connects to its followers a second after the load's start.
    let lab = Lab::new(&SMALL.replace("max_delay_ms = 20", "min_delay_ms = 1000\nmax_delay_ms = 1500"));
    let (child, nodes) = started(&lab);
    let leader = node(&nodes, "leader");
    thread::sleep(Duration::from_millis(500));
    prlimit(Some(leader), Resource::Nofile, Rlimit { current: Some(3), ..getrlimit(Resource::Nofile) }).unwrap();
    let ended: Ended = child.wait_with_output().unwrap().into();
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    let said = ended.stderr.lines().last().unwrap();
    assert!(said.contains("leader: ") && said.contains("this process has no file descriptor left (EMFILE)"), "{said}");
    assert!(!lab.path("data/W3").exists());
}

#[test]
fn a_labctl_that_stood_still_says_so_and_marks_what_it_measured() {
    let lab = Lab::new(&SMALL.replace("max_delay_ms = 20", "max_delay_ms = 400"));
    let (child, _) = started(&lab);
    thread::sleep(Duration::from_millis(600));
    let labctl = Pid::from_raw(child.id().try_into().unwrap()).unwrap();
    kill_process(labctl, Signal::STOP).unwrap();
    thread::sleep(Duration::from_millis(900));
    kill_process(labctl, Signal::CONT).unwrap();
    let ended: Ended = child.wait_with_output().unwrap().into();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("W = 3: labctl or this machine stood still"), "{}", ended.stderr);
    let manifest: serde_json::Value = serde_json::from_str(&lab.read("data/W3/manifest.json")).unwrap();
    let gaps = manifest["gaps"].as_array().unwrap();
    assert!(gaps.iter().any(|gap| gap["length_us"].as_u64().unwrap() >= 800_000), "{gaps:?}");
    assert!(lab.read("report/report.md").contains("At W = 3 labctl stood still "));
    let summary = lab.read("report/summary.csv");
    assert!(summary.lines().nth(1).unwrap().rsplit(',').next().unwrap().parse::<u64>().unwrap() >= 1, "{summary}");
}

/// The process that runs this node. A process has the node's environment only once it runs the
/// node's program, so it may have to be looked for more than once.
fn node(pids: &[Pid], name: &str) -> Pid {
    let runs = |pid: &&Pid| {
        let environment = fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero())).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == format!("NODE_NAME={name}").as_bytes())
    };
    let found = (0..500).find_map(|_| {
        let found = pids.iter().find(runs);
        if found.is_none() {
            thread::sleep(Duration::from_millis(10));
        }
        found
    });
    *found.unwrap()
}

#[test]
fn a_node_that_dies_in_mid_run_is_named_with_its_log() {
    for name in ["f2", "leader"] {
        let lab = slow();
        let (child, nodes) = started(&lab);
        // Once it listens its log is not empty, and labctl is past waiting for it.
        thread::sleep(Duration::from_millis(500));
        kill_process(node(&nodes, name), Signal::KILL).unwrap();
        let ended: Ended = child.wait_with_output().unwrap().into();
        assert_eq!(ended.code, Some(3), "{}", ended.stderr);
        assert!(ended.stderr.contains(&format!("{name}: its process ended (killed by signal 9)")), "{}", ended.stderr);
        assert!(ended.stderr.contains("listens on 127.0.0.1"), "{}", ended.stderr);
        assert!(!lab.path("data/W3").exists());
    }
}

/// Each write would wait for the follower, and labctl would tell of its end once a million writes had failed.
#[test]
fn a_long_load_ends_with_the_node_that_its_writes_wait_for() {
    let lab = Lab::new(&SMALL.replace("writes = 20", "writes = 1000000"));
    let (child, nodes) = started(&lab);
    thread::sleep(Duration::from_millis(500));
    kill_process(node(&nodes, "f2"), Signal::KILL).unwrap();
    let ended: Ended = child.wait_with_output().unwrap().into();
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert!(ended.stderr.contains("f2: its process ended (killed by signal 9)"), "{}", ended.stderr);
}
