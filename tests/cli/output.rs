//! Output that cannot be written, and what labctl shares with it: stdout, stderr and the disk.

use std::fs::{File, OpenOptions};
use std::process::{Command, Stdio};

use crate::lab::{Ended, Lab, SMALL};

/// A device that takes nothing, as a full disk does.
fn full() -> File {
    OpenOptions::new().write(true).open("/dev/full").unwrap()
}

/// A folder with finished runs.
fn finished() -> Lab {
    let lab = Lab::new(SMALL);
    lab.ok(&["run", "all", "--backend", "sim"]);
    lab
}

/// Everything that prints a result.
const COMMANDS: &[&[&str]] = &[
    &["--help"],
    &["--version"],
    &["run", "--help"],
    &["validate"],
    &["doctor"],
    &["completions", "bash"],
    &["check-consistency"],
    &["check-consistency", "--format", "json"],
    &["staleness"],
    &["staleness", "--format", "json"],
    &["report"],
    &["report", "--format", "json"],
    &["compare", "data", "data"],
    &["compare", "data", "data", "--format", "json"],
    &["run", "all", "--dry-run"],
    &["run", "1", "--backend", "sim"],
    &["run", "1", "--backend", "sim", "--format", "json"],
    &["explore", "--seeds", "2", "--quorums", "1"],
];

#[test]
fn a_result_that_cannot_be_printed_is_told_once_and_exits_with_five() {
    let lab = finished();
    for args in COMMANDS {
        let ended: Ended = lab.command(args).stdout(full()).output().unwrap().into();
        assert_eq!(ended.code, Some(5), "{args:?}: {}", ended.stderr);
        let told = ended.stderr.lines().filter(|line| line.contains("cannot print: No space left on device"));
        assert_eq!(told.count(), 1, "{args:?}: {}", ended.stderr);
        assert!(!ended.stderr.contains("panicked"), "{args:?}: {}", ended.stderr);
    }
    assert!(lab.path("data/W1/manifest.json").is_file(), "the run was saved all the same");
}

#[test]
fn a_reader_that_has_gone_has_read_enough() {
    let lab = finished();
    for args in COMMANDS {
        let mut child = lab.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let ended: Ended = child.wait_with_output().unwrap().into();
        assert_eq!(ended.code, Some(0), "{args:?}: {}", ended.stderr);
        assert!(!ended.stderr.contains("cannot print"), "{args:?}: {}", ended.stderr);
    }
}

#[test]
fn nothing_depends_on_stderr() {
    let lab = finished();
    let mut commands = COMMANDS.to_vec();
    // What has something to say on stderr: warnings, points kept from before, nodes that end.
    commands.extend([&["run", "4", "--backend", "sim"][..], &["run", "1"], COMMANDS[COMMANDS.len() - 1]]);
    for args in commands {
        let output = lab.command(args).stderr(full()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}");
    }
    // The codes of errors do not depend on it either.
    for (args, code) in
        [(&["run", "x"][..], 2), (&["validate", "--config", "no.toml"], 2), (&["compare", "no", "no"], 4)]
    {
        let output = lab.command(args).stderr(full()).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}");
    }
}

#[test]
fn json_is_whole_whatever_is_warned_of() {
    let lab = Lab::new(&SMALL.replacen("max_delay_ms = 20", "min_delay_ms = 2500\nmax_delay_ms = 2500", 1));
    let ended = lab.run(&["run", "1,4", "--backend", "sim", "--format", "json"]);
    assert!(ended.stderr.contains("warning: experiments.toml:"), "{}", ended.stderr);
    let printed: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(printed[0]["runs"].as_array().unwrap().len(), 2);
}

#[test]
fn too_few_descriptors_are_this_machines_trouble() {
    let lab = finished();
    let script = format!("ulimit -n 3; exec {} check-consistency", env!("CARGO_BIN_EXE_labctl"));
    let ended: Ended = Command::new("sh").args(["-c", &script]).current_dir(lab.path(".")).output().unwrap().into();
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    assert!(ended.stderr.contains("Too many open files"), "{}", ended.stderr);
}
