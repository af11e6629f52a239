//! etcd: `etcd` as local processes, and in containers from an image that is made of this machine's program.

use std::process::Command;

use crate::compose::Image;
use crate::faults::{checked, done};
use crate::lab::Lab;
use crate::redis::{column, held, json};
use crate::refusals::{run_of, told};
use crate::require::missing;

/// Two and four followers behind links of 30 ms.
const CONFIG: &str = r#"
schema = 1
default = "etcd"
[experiment.etcd]
system = "etcd"
quorums = [1, 2]
backend = "process"
[experiment.etcd.network]
delay = { kind = "constant", ms = 30 }
global_request_timeout_s = 30
[experiment.etcd.workload]
writes = 20
concurrency = 5
keys = 4
"#;

pub(crate) fn is_installed() -> bool {
    let found = Command::new("etcd").arg("--version").output().is_ok();
    if !found {
        missing("etcd", "etcd is not on the path");
    }
    found
}

/// Three members whose links are so slow that the load lasts until the fault has ended; each write has a key of its own.
fn with_fault(what: &str) -> Lab {
    let lab = Lab::new(&format!("{CONFIG}[[experiment.etcd.fault]]\n{what}\n"));
    lab.edit("experiments.toml", |text| {
        text.replace("[1, 2]", "[1]").replace("ms = 30 ", "ms = 200 ").replace("keys = 4", "keys = 20")
    });
    lab
}

/// Asserts what every run behind links of 30 ms shows.
fn assert_delayed(lab: &Lab) {
    for (quorum, followers) in [(1, vec!["f1", "f2"]), (2, vec!["f1", "f2", "f3", "f4"])] {
        let writes = lab.read(&format!("data/W{quorum}/writes.csv"));
        assert_eq!(column(&writes, "outcome"), vec!["ok"; 20]);
        for latency_us in column(&writes, "latency_us") {
            assert!(latency_us.parse::<u64>().unwrap() >= 30_000, "W = {quorum}: {latency_us}");
        }
        let manifest = json(lab, &format!("data/W{quorum}/manifest.json"));
        assert_eq!(manifest["config"]["followers"], 2 * quorum);
        assert!(manifest["system"]["version"].as_str().unwrap().starts_with("etcd 3."), "{manifest}");
        assert_eq!((&manifest["settled"], &manifest["leader_changes"]), (&true.into(), &serde_json::Value::Null));
        let leader = held(lab, quorum, "leader");
        assert_eq!(leader.len(), 4);
        for follower in followers {
            assert_eq!(held(lab, quorum, follower), leader, "W = {quorum}, {follower}");
        }
        // The number of a key's last write in the dump is that of its acknowledgement.
        let versions = json(lab, &format!("data/W{quorum}/f1.json"))["versions"].clone();
        let last = versions.as_object().unwrap().values().filter_map(serde_json::Value::as_u64).max();
        let acknowledged = column(&writes, "version").iter().map(|version| version.parse::<u64>().unwrap()).max();
        assert_eq!(last, acknowledged);
    }
    assert!(lab.ok(&["check-consistency"]).contains("W=2  consistent: all 16 copies match"));
    let report = lab.read("report/report.md");
    assert!(report.contains("one leader, 2 to 4 followers (2 W at each W)"), "{report}");
    assert!(report.contains("a follower of `etcd` acknowledges a write before it shows it"), "{report}");
    assert!(!report.contains("had reached fewer than W"), "{report}");
}

#[test]
fn a_write_waits_for_the_majority_behind_links_of_one_delay() {
    if !is_installed() {
        return;
    }
    let lab = Lab::new(CONFIG);
    lab.ok(&["run", "all"]);
    assert_delayed(&lab);
    let members = lab.read("data/W2/logs/members.log");
    assert_eq!(members.lines().count(), 5, "{members}");
}

#[test]
fn members_in_containers_are_delayed_as_processes_are_and_keep_their_data() {
    if !is_installed() {
        return;
    }
    let Some(image) = Image::of("etcd") else { return };
    let in_containers = |lab: &Lab| {
        let table = format!("[system.etcd]\nimage = \"{}\"\n", image.0);
        lab.edit("experiments.toml", |text| text.replace("\"process\"", "\"compose\"") + &table);
    };
    let lab = Lab::new(CONFIG);
    in_containers(&lab);
    lab.ok(&["run", "all"]);
    assert_delayed(&lab);
    let lab = with_fault("kind = \"kill\"\nnode = \"f2\"\nat = 4\nuntil = 10");
    in_containers(&lab);
    let said = checked(&lab);
    assert_eq!(done(&lab, 1), ["f2 kill SIGKILL", "f2 restart with its data"]);
    assert!(said.contains("W=1  consistent: all 40 copies match"), "{said}");
}

#[test]
fn a_follower_that_was_killed_stopped_or_frozen_catches_up() {
    if !is_installed() {
        return;
    }
    for (kind, expected) in [
        ("kill", ["f2 kill SIGKILL", "f2 restart with its data"]),
        ("stop", ["f2 stop SIGTERM", "f2 restart with its data"]),
        ("pause", ["f2 pause ", "f2 resume "]),
    ] {
        let lab = with_fault(&format!("kind = \"{kind}\"\nnode = \"f2\"\nat = 4\nuntil = 10"));
        let said = checked(&lab);
        assert_eq!(done(&lab, 1), expected);
        assert_eq!(column(&lab.read("data/W1/writes.csv"), "outcome"), vec!["ok"; 20], "a majority is left");
        assert_eq!(json(&lab, "data/W1/manifest.json")["settled"], true);
        assert!(said.contains("W=1  consistent: all 40 copies match"), "{said}");
    }
}

#[test]
fn where_the_leader_dies_another_is_elected_and_the_report_says_so() {
    if !is_installed() {
        return;
    }
    let lab = with_fault("kind = \"kill\"\nnode = \"leader\"\nat = 5\nuntil = 15");
    let said = checked(&lab);
    assert_eq!(done(&lab, 1), ["leader kill SIGKILL", "leader restart with its data"]);
    let manifest = json(&lab, "data/W1/manifest.json");
    let elected = manifest["leader_changes"][0]["leader"].as_str().unwrap();
    assert!(elected == "f1" || elected == "f2", "{manifest}");
    // Writes that were under way have no answer; those that follow go to the next leader.
    let outcomes = column(&lab.read("data/W1/writes.csv"), "outcome");
    assert!(outcomes.iter().all(|outcome| outcome == "ok" || outcome == "unknown"), "{outcomes:?}");
    assert!(outcomes.iter().skip(10).all(|outcome| outcome == "ok"), "{outcomes:?}");
    // A write without an answer may be on no member.
    assert!(said.contains("W=1  consistent: all "), "{said}");
    let report = lab.read("report/report.md");
    assert!(report.contains(&format!("ms on {elected} was the leader")), "{report}");
}

#[test]
fn what_etcd_cannot_do_is_told_with_line_and_column() {
    let problems = |change: &dyn Fn(&str) -> String| {
        let lab = Lab::new(&change(CONFIG));
        let ended = lab.run(&["validate"]);
        assert_eq!(ended.code, Some(2), "{}", ended.stdout);
        ended.stderr
    };
    let three = problems(&|text| text.replace("[1, 2]\n", "[1, 2]\nfollowers = 3\n"));
    assert!(
        three.contains("7:13: experiment.etcd.followers: 4 members bear the loss of no more members than 3 do"),
        "{three}"
    );
    let four = problems(&|text| text.replace("[1, 2]\n", "[1, 2]\nfollowers = 4\n"));
    assert!(four.contains("6:12: experiment.etcd.quorums: etcd waits for a majority"), "{four}");
    let none = problems(&|text| text.replace("[1, 2]", "[0]"));
    assert!(none.contains("each value must be from 1 to 49, not 0"), "{none}");
    let jitter =
        problems(&|text| text.replace("kind = \"constant\", ms = 30", "kind = \"uniform\", min_ms = 0, max_ms = 9"));
    assert!(jitter.contains("all links have one delay that never changes"), "{jitter}");
    let far = problems(&|text| text.replace("ms = 30", "ms = 2001"));
    assert!(far.contains("the delay must be at most 2000 ms, not 2001"), "{far}");
    let fault = |node: &str, kind: &str| {
        let fault = format!("[[experiment.etcd.fault]]\nat = 1\nnode = \"{node}\"\nkind = \"{kind}\"\n");
        problems(&|text| format!("{text}{fault}"))
    };
    assert!(fault("f1", "mute").contains("kind must be kill, stop or pause"));
    let absent = fault("f3", "kill");
    assert!(absent.contains("the smallest cluster of the experiment has 2 followers, and no f3"), "{absent}");
    let tmpfs = problems(&|text| text.replace("\"process\"", "\"compose\"") + "[system.etcd]\nstorage = \"tmpfs\"\n");
    assert!(tmpfs.contains("system.etcd.storage: in a container nothing in memory outlives"), "{tmpfs}");
}

#[test]
fn a_program_that_is_missing_or_no_etcd_is_told_before_anything_starts() {
    for (program, expected) in
        [("no-such-etcd", "no-such-etcd cannot be started"), ("true", "true is no etcd: --version says")]
    {
        let lab = Lab::new(&format!("{CONFIG}[system.etcd]\nprogram = \"{program}\"\n"));
        let ended = lab.run(&["run", "1"]);
        assert_eq!(ended.code, Some(3), "{}", ended.stderr);
        assert!(ended.stderr.contains(expected) && ended.stderr.contains("install etcd-server"), "{}", ended.stderr);
    }
}

#[test]
fn a_member_that_is_too_old_or_refuses_to_start_is_told() {
    if !is_installed() {
        return;
    }
    let (line, log) = told(&run_of(CONFIG, "etcd", "echo 'etcd Version: 3.3.27'"));
    assert!(line.contains(" is version 3.3.27, and 3.4 is the oldest that works: install etcd-server"), "{line}");
    assert_eq!(log, "");
    let refuses = "case \"$*\" in --version) exec etcd --version;; esac\necho no room\nexit 4";
    let (line, log) = told(&run_of(CONFIG, "etcd", refuses));
    assert!(line.ends_with("W = 1: leader: it ended before it listened (exit status 4)"), "{line}");
    assert_eq!(log, "    no room");
}
