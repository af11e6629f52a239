//! PostgreSQL as local processes.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::faults::{checked, done};
use crate::kills::assert_nothing_left;
use crate::lab::{Ended, Lab};
use crate::redis::{assert_all_delayed, column, held, json, left_in};
use crate::refusals::told;
use crate::require::missing;

/// Three standbys behind links of 10, 20 and 30 ms. A fault at write 8 meets those from write 4 on at the earliest, and these
/// are fewer than the 20 without an answer that end a run: however long a server takes to come back.
pub(crate) const CONFIG: &str = r#"
schema = 1
default = "postgres"
[experiment.postgres]
system = "postgres"
quorums = [1, 3]
followers = 3
backend = "process"
[experiment.postgres.network]
global_request_timeout_s = 2
[experiment.postgres.network.follower]
f1 = { delay = { kind = "constant", ms = 10 } }
f2 = { delay = { kind = "constant", ms = 20 } }
f3 = { delay = { kind = "constant", ms = 30 } }
[experiment.postgres.workload]
writes = 23
concurrency = 5
keys = 23
"#;

/// The folder of the programs that labctl takes, or one of them.
pub(crate) fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let found = versions.map(|version| version.path().join("bin")).filter(|bin| bin.join("initdb").is_file()).max();
    if found.is_none() {
        missing("postgres", "there is no PostgreSQL in /usr/lib/postgresql");
    }
    found
}

/// A folder with the configuration and a fault.
pub(crate) fn slow_with_fault(what: &str) -> Lab {
    let lab = Lab::new(&format!("{CONFIG}[[experiment.postgres.fault]]\n{what}\n"));
    // W = 3 alone, over a link so slow that the load lasts until the fault is in force.
    lab.edit("experiments.toml", |text| text.replace("[1, 3]", "[3]").replace("ms = 30", "ms = 200"));
    lab
}

/// How a command ends that has to leave nothing, whoever runs the servers.
pub(crate) fn ended(lab: &Lab, args: &[&str]) -> Ended {
    let temporary = temporary(lab);
    let ended: Ended = lab.command(args).env("TMPDIR", &temporary).output().unwrap().into();
    assert_eq!(left_in(&temporary), Vec::<String>::new());
    ended
}

/// A folder for temporary files that every user may enter.
fn temporary(lab: &Lab) -> PathBuf {
    let temporary = lab.path("tmp");
    fs::create_dir_all(&temporary).unwrap();
    for folder in [&lab.path(""), &temporary] {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    }
    temporary
}

fn outcomes(lab: &Lab, quorum: u32) -> Vec<String> {
    column(&lab.read(&format!("data/W{quorum}/writes.csv")), "outcome")
}

/// Asserts that every node holds the same in the end, and the leader every acknowledged write.
pub(crate) fn assert_nothing_lost(lab: &Lab, said: &str) {
    assert_eq!(json(lab, "data/W3/manifest.json")["settled"], true);
    let leader = held(lab, 3, "leader");
    for follower in ["f1", "f2", "f3"] {
        assert_eq!(held(lab, 3, follower), leader, "{follower}");
    }
    // Writes that never reached a leader that was gone are nowhere.
    let consistent = format!("W=3  consistent: all {} copies match in this run", 3 * leader.len());
    assert!(said.contains(&consistent), "{said}");
    let writes = lab.read("data/W3/writes.csv");
    let [keys, values] = ["key", "value"].map(|name| column(&writes, name));
    for ((key, value), outcome) in keys.iter().zip(&values).zip(outcomes(lab, 3)) {
        assert!(outcome != "ok" || leader.get(key) == Some(value), "{key}: {value} is lost");
    }
}

#[test]
fn a_write_takes_as_long_as_the_link_of_the_standby_it_waits_for() {
    if programs().is_none() {
        return;
    }
    let lab = Lab::new(CONFIG);
    let run = ended(&lab, &["run", "all"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    for (quorum, delay_ms) in [(1, 10), (3, 30)] {
        let manifest = assert_all_delayed(&lab, quorum, delay_ms, 23, 23);
        let version = manifest["system"]["version"].as_str().unwrap();
        assert!(version.starts_with("PostgreSQL "), "{version}");
        let info = lab.read(&format!("data/W{quorum}/logs/leader-info.log"));
        assert!(info.contains(&format!("ANY {quorum} (f1, f2, f3)")), "{info}");
        assert!(info.contains("application_name=f2 state=streaming sync_state=quorum"), "{info}");
    }
    assert!(lab.ok(&["check-consistency"]).contains("W=3  consistent: all 69 copies match"));
    let report = lab.read("report/report.md");
    assert!(report.contains("With `synchronous_commit = on` a follower acknowledges a write that"), "{report}");
}

#[test]
fn a_commit_that_waits_for_no_standby_is_said_to_be_one() {
    if programs().is_none() {
        return;
    }
    let lab = Lab::new(&format!("{CONFIG}[system.postgres]\nsynchronous_commit = \"off\"\nstorage = \"tmpfs\"\n"));
    // The nearest standby is so far away that no write can have waited for it.
    lab.edit("experiments.toml", |text| text.replace("[1, 3]", "[3]").replace("= 10 }", "= 1500 }"));
    lab.edit("experiments.toml", |text| text.replace("ms = 20", "ms = 1500").replace("ms = 30", "ms = 1500"));
    let run = ended(&lab, &["run", "all"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let latencies = column(&lab.read("data/W3/writes.csv"), "latency_us");
    assert!(latencies.iter().all(|us| us.parse::<u64>().unwrap() < 1_500_000), "{latencies:?}");
    assert_nothing_lost(&lab, &lab.ok(&["check-consistency"]));
    let report = lab.read("report/report.md");
    assert!(report.contains("W does not hold") && report.contains("Databases lie in memory"), "{report}");
}

#[test]
fn a_standby_that_was_away_for_a_time_has_everything_in_the_end() {
    if programs().is_none() {
        return;
    }
    for (fault, expected) in [
        ("kind = \"kill\"", ["f3 kill SIGKILL", "f3 restart with its data"]),
        ("kind = \"stop\"", ["f3 stop SIGINT", "f3 restart with its data"]),
        ("kind = \"pause\"", ["f3 pause ", "f3 resume "]),
        ("kind = \"partition\"\nfrom = \"leader\"", ["f3 partition from leader", "f3 heal from leader"]),
    ] {
        let lab = slow_with_fault(&format!("{fault}\nnode = \"f3\"\nat = 8\nuntil = 18"));
        let said = checked(&lab);
        assert_eq!(done(&lab, 3), expected);
        let writes = lab.read("data/W3/writes.csv");
        let errors: Vec<String> = column(&writes, "error").into_iter().filter(|error| !error.is_empty()).collect();
        // Those that needed it: a commit without its quorum has no answer.
        assert!(!errors.is_empty() && errors.iter().all(|error| error == "no answer within 2 s"), "{errors:?}");
        assert!(outcomes(&lab, 3).iter().all(|outcome| outcome == "ok" || outcome == "unknown"));
        assert_nothing_lost(&lab, &said);
    }
}

#[test]
fn a_leader_that_comes_back_has_every_acknowledged_write() {
    if programs().is_none() {
        return;
    }
    for (kind, signal) in [("kill", "SIGKILL"), ("stop", "SIGINT")] {
        let lab = slow_with_fault(&format!("kind = \"{kind}\"\nnode = \"leader\"\nat = 12\nuntil = 20"));
        let said = checked(&lab);
        assert_eq!(done(&lab, 3), [format!("leader {kind} {signal}"), "leader restart with its data".to_owned()]);
        let outcomes = outcomes(&lab, 3);
        assert!(outcomes.iter().any(|outcome| outcome == "ok"), "{outcomes:?}");
        assert!(outcomes.iter().all(|outcome| outcome == "ok" || outcome == "unknown"), "{outcomes:?}");
        assert_nothing_lost(&lab, &said);
    }
}

#[test]
fn a_leader_that_is_killed_for_good_leaves_every_acknowledged_write_on_a_standby() {
    if programs().is_none() {
        return;
    }
    let lab = slow_with_fault("kind = \"kill\"\nnode = \"leader\"\nat = 12");
    let said = checked(&lab);
    assert_eq!(json(&lab, "data/W3/manifest.json")["absent_nodes"][0], "leader");
    assert!(said.contains("W=3  unknown"), "{said}");
    let outcomes = outcomes(&lab, 3);
    assert!(["ok", "unknown"].iter().all(|kind| outcomes.iter().any(|outcome| outcome == kind)), "{outcomes:?}");
    let writes = lab.read("data/W3/writes.csv");
    let [keys, values] = ["key", "value"].map(|name| column(&writes, name));
    for follower in ["f1", "f2", "f3"] {
        let held = held(&lab, 3, follower);
        for ((key, value), outcome) in keys.iter().zip(&values).zip(&outcomes) {
            assert!(outcome != "ok" || held.get(key) == Some(value), "{follower} lacks {key}");
        }
    }
}

#[test]
fn a_standby_that_is_cut_off_for_good_is_not_waited_for() {
    if programs().is_none() {
        return;
    }
    let lab = slow_with_fault("kind = \"partition\"\nfrom = \"leader\"\nnode = \"f3\"\nat = 15");
    let said = checked(&lab);
    assert_eq!(json(&lab, "data/W3/manifest.json")["settled"], true);
    assert_ne!(held(&lab, 3, "f3"), held(&lab, 3, "f1"));
    assert!(said.contains("W=3  inconsistent"), "{said}");
}

#[test]
fn nothing_is_left_of_a_labctl_that_was_killed_once_the_next_has_run() {
    if programs().is_none() {
        return;
    }
    let lab = Lab::new(CONFIG);
    let temporary = temporary(&lab);
    assert_nothing_left(&lab, &temporary, &[300, 1_200, 2_500, 4_000]);
}

/// A folder of programs: links to the real ones, and scripts of these lines in the place of some.
fn replaced(lab: &Lab, scripts: &[(&str, &str)]) -> PathBuf {
    let folder = lab.path("programs");
    fs::create_dir_all(&folder).unwrap();
    let real = programs().unwrap_or_else(|| Path::new("/no/such").to_owned());
    for program in ["postgres", "initdb", "pg_basebackup", "pg_isready"] {
        let path = folder.join(program);
        match scripts.iter().find(|(name, _)| *name == program) {
            Some((_, script)) => {
                let script = script.replace("REAL", real.join(program).to_str().unwrap());
                fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
                fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            }
            None => std::os::unix::fs::symlink(real.join(program), path).unwrap(),
        }
    }
    folder
}

/// The first line of the error of a run with these programs, and the log below it.
fn refused(scripts: &[(&str, &str)]) -> (String, String) {
    let lab = Lab::new(CONFIG);
    let folder = replaced(&lab, scripts);
    lab.edit("experiments.toml", |text| format!("{text}[system.postgres]\nprograms = {folder:?}\n"));
    told(&ended(&lab, &["run", "1"]))
}

#[test]
fn programs_that_are_missing_or_too_old_are_told_before_anything_starts() {
    let advice =
        "or say in [system.postgres] programs in which folder postgres, initdb, pg_basebackup and pg_isready are";
    let lab = Lab::new(&format!("{CONFIG}[system.postgres]\nprograms = \"/no/such\"\n"));
    let (line, log) = told(&ended(&lab, &["run", "1"]));
    assert!(line.contains("there is no /no/such/postgres: install PostgreSQL") && line.ends_with(advice), "{line}");
    assert_eq!(log, "");
    if programs().is_none() {
        return;
    }
    let (line, _) = refused(&[("postgres", "echo 'postgres (PostgreSQL) 12.22'")]);
    assert!(line.contains("postgres is PostgreSQL 12.22, and 13 is the oldest that works: install"), "{line}");
    let (line, _) = refused(&[("postgres", "echo hello")]);
    assert!(line.contains("postgres is no PostgreSQL server: --version says \"hello\": install"), "{line}");
}

#[test]
fn a_server_that_refuses_to_start_is_told_with_the_end_of_its_log() {
    if programs().is_none() {
        return;
    }
    let refuses = "case \"$1\" in --single|--version) exec REAL \"$@\";; esac\nexec REAL \"$@\" -c no_such_setting=1";
    let (line, log) = refused(&[("postgres", refuses)]);
    assert!(line.ends_with("W = 1: leader: it ended before it listened (exit status 1)"), "{line}");
    assert!(log.contains("unrecognized configuration parameter \"no_such_setting\""), "{log}");
    let (line, log) = refused(&[("initdb", "echo no room >&2; exit 1")]);
    assert!(line.ends_with("W = 1: leader: it ended before it listened (exit status 1)"), "{line}");
    assert_eq!(log, "    no room");
}

#[test]
fn a_password_that_is_wanted_is_told() {
    if programs().is_none() {
        return;
    }
    let wants = "case \"$1\" in --single|--version) exec REAL \"$@\";; esac\n\
        echo 'host all all all password' >hba\necho 'host replication all all password' >>hba\n\
        exec REAL \"$@\" -c hba_file=\"$PWD/hba\"";
    let (line, log) = refused(&[("postgres", wants)]);
    assert!(line.ends_with("W = 1: f1: it ended before it listened (exit status 1)"), "{line}");
    assert!(log.contains("no password supplied"), "{log}");
}

#[test]
fn a_user_whom_this_machine_does_not_have_is_told() {
    if programs().is_none() {
        return;
    }
    let lab = Lab::new(&format!("{CONFIG}[system.postgres]\nrun_as = \"no-such-user\"\n"));
    let (line, log) = told(&ended(&lab, &["run", "1"]));
    assert!(line.contains("the nodes do not run as root, and /etc/passwd lists no user no-such-user"), "{line}");
    assert_eq!(log, "");
}
