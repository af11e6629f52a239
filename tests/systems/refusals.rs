//! Redis where its servers cannot be had or do not work together: one line, exit 3, nothing left.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use crate::lab::{Ended, Lab};
use crate::redis::{CONFIG, is_installed, left_in};

/// How a run ends whose servers are a script with these lines.
fn run_with(script: &str) -> Ended {
    run_of(CONFIG, "redis", script)
}

/// The same of a system with this configuration.
pub(crate) fn run_of(config: &str, system: &str, script: &str) -> Ended {
    let lab = Lab::new(config);
    let program = lab.path("server");
    lab.edit("experiments.toml", |text| format!("{text}[system.{system}]\nprogram = {program:?}\n"));
    fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    ended(&lab, &["run", "1"])
}

/// How a command ends that has to leave nothing.
fn ended(lab: &Lab, args: &[&str]) -> Ended {
    let temporary = lab.path("tmp");
    fs::create_dir_all(&temporary).unwrap();
    let ended: Ended = lab.command(args).env("TMPDIR", &temporary).output().unwrap().into();
    assert_eq!(left_in(&temporary), Vec::<String>::new());
    ended
}

/// The line that tells an error, and the log below it.
pub(crate) fn told(ended: &Ended) -> (String, String) {
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    let lines: Vec<&str> = ended.stderr.lines().filter(|line| !line.ends_with("backend process")).collect();
    let (first, log) = lines.split_first().unwrap();
    assert!(log.iter().all(|line| line.starts_with("    ")), "{}", ended.stderr);
    ((*first).to_owned(), log.join("\n"))
}

#[test]
fn a_server_that_is_not_there_or_too_old_is_told_before_anything_starts() {
    let lab = Lab::new(&format!("{CONFIG}[system.redis]\nprogram = \"no-such-server\"\n"));
    let advice = ": install redis-server or valkey-server, or say in [system.redis] program where it is";
    for args in [["run", "1"], ["up", "1"]] {
        let (line, log) = told(&ended(&lab, &args));
        assert!(line.contains("no-such-server cannot be started: No such file") && line.ends_with(advice), "{line}");
        assert_eq!(log, "");
    }
    let (line, log) = told(&run_with("echo 'Redis server v=4.0.9 sha=0'"));
    assert!(line.contains(" is version 4.0.9, and 5 is the oldest that works") && line.ends_with(advice), "{line}");
    assert_eq!(log, "");
    let (line, log) = told(&run_with("echo hello"));
    assert!(line.contains("is no Redis server: --version says \"hello\"") && line.ends_with(advice), "{line}");
    assert_eq!(log, "");
}

#[test]
fn a_server_that_dies_at_its_start_is_told_with_the_end_of_its_log() {
    if !is_installed() {
        return;
    }
    let (line, log) = told(&run_with("exec redis-server \"$@\" --no-such-setting 1"));
    assert!(line.ends_with("W = 1: leader: it ended before it listened (exit status 1)"), "{line}");
    assert!(log.contains("no-such-setting"), "{log}");
}

#[test]
fn a_replica_that_refuses_to_start_is_told() {
    if !is_installed() {
        return;
    }
    let replica = "case \"$*\" in *--replicaof*) echo I am no replica; exit 4;; esac\nexec redis-server \"$@\"";
    let (line, log) = told(&run_with(replica));
    assert!(line.ends_with("W = 1: f1: it ended before it listened (exit status 4)"), "{line}");
    assert_eq!(log, "    I am no replica");
}

#[test]
fn a_replica_that_never_comes_online_is_told() {
    if !is_installed() {
        return;
    }
    let elsewhere = "case \"$*\" in *--replicaof*) exec redis-server \"$@\" --replicaof 127.0.0.1 1;; esac\nexec redis-server \"$@\"";
    let (line, log) = told(&run_with(elsewhere));
    assert!(line.contains("W = 1: f1: INFO replication: it does not come online"), "{line}");
    assert!(log.contains("Connection refused"), "{log}");
}

#[test]
fn a_password_that_is_wanted_is_told() {
    if !is_installed() {
        return;
    }
    let begun = Instant::now();
    let (line, _) = told(&run_with("exec redis-server \"$@\" --requirepass x"));
    // Not after the time that a server has to get ready.
    assert!(begun.elapsed() < Duration::from_secs(25), "{:?}", begun.elapsed());
    assert!(line.contains("W = 1: leader: PING: the server wants a password"), "{line}");
    assert!(line.ends_with("use an image or a program that sets none"), "{line}");
}

#[test]
fn a_program_that_never_says_its_version_is_ended_and_told() {
    let (line, _) = told(&run_with("sleep 600"));
    assert!(line.contains(" --version has not ended within 10 s: install redis-server"), "{line}");
}

#[test]
fn a_port_that_is_taken_is_told() {
    if !is_installed() {
        return;
    }
    // Of `labctl up`, which has fixed ports; a run takes others. Somebody else may have the port already.
    let _taken = TcpListener::bind("127.0.0.1:8080");
    let (line, _) = told(&ended(&Lab::new(CONFIG), &["up", "1"]));
    assert!(line.contains("a port is taken; `labctl down` stops an earlier cluster"), "{line}");
}
