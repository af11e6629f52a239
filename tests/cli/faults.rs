//! Faults as part of an experiment, on local processes: they happen when and to whom the
//! experiment says, and the run's files and the report tell what they did.

use crate::broken::{self, Row};
use crate::lab::{Ended, Lab};

/// Sixty writes with delays of up to 100 ms, and these faults.
fn lab(quorums: &str, faults: &[&str]) -> Lab {
    let faults: String = faults.iter().map(|fault| format!("[[experiment.broken.fault]]\n{fault}\n")).collect();
    Lab::new(&broken::config("process", quorums, 60, 1.0, &faults))
}

/// A CSV file's rows by column.
fn rows(lab: &Lab, file: &str) -> Vec<Row> {
    broken::rows(&lab.read(file))
}

/// How many rows there are with these values.
fn count(rows: &[Row], values: &[(&str, &str)]) -> usize {
    rows.iter().filter(|row| values.iter().all(|(column, value)| row[*column] == *value)).count()
}

/// What was done, as `kind node`.
fn done(lab: &Lab, run: &str) -> Vec<String> {
    broken::done(&rows(lab, &format!("{run}/faults.csv")))
}

/// The report has to be there and to make sense.
fn check_report(lab: &Lab) {
    for file in ["report/report.md", "report/report.html", "report/summary.csv", "report/summary.json"] {
        let text = lab.read(file);
        assert!(!text.contains("NaN") && !text.contains("inf,"), "{file}");
    }
    lab.ok(&["report", "--report", "again"]);
    assert_eq!(lab.read("report/report.md"), lab.read("again/report.md"));
}

#[test]
fn a_follower_that_dies_and_comes_back_empty() {
    let lab = lab("[1, 3]", &["at = 20\nnode = \"f3\"\nkind = \"kill\"\nuntil = 40"]);
    lab.ok(&["run", "all"]);
    assert_eq!(done(&lab, "data/W3"), ["kill f3", "restart f3"]);
    let times = rows(&lab, "data/W3/faults.csv");
    let at = |row: usize, column: &str| times[row][column].parse::<i64>().unwrap();
    let write = |number: usize| rows(&lab, "data/W3/writes.csv")[number]["start_us"].parse::<i64>().unwrap();
    assert!(write(20) <= at(0, "begun_us") && at(0, "begun_us") <= at(0, "ended_us"));
    assert!(at(0, "ended_us") <= at(1, "begun_us") && write(40) <= at(1, "begun_us"));

    // The write quorum of three is out of reach while one of three is dead, and that is certain
    // at once; whatever else happens, nothing waits for the replication timeout.
    let writes = rows(&lab, "data/W3/writes.csv");
    let failed = count(&writes, &[("outcome", "failed"), ("http_status", "503")]);
    assert!((10..=25).contains(&failed), "{failed} failed");
    assert_eq!(count(&writes, &[("outcome", "ok")]) + failed, 60);
    for write in writes.iter().filter(|write| write["outcome"] == "failed") {
        assert!(write["latency_us"].parse::<u64>().unwrap() < 450_000, "{write:?}");
    }
    // A quorum of one did not notice.
    assert_eq!(count(&rows(&lab, "data/W1/writes.csv"), &[("outcome", "ok")]), 60);
    let copies = rows(&lab, "data/W1/replication.csv");
    assert!(count(&copies, &[("follower", "f3"), ("outcome", "failed")]) > 0);
    assert_eq!(count(&copies, &[("follower", "f1"), ("outcome", "acked")]), 60);
    // Its first life's arrivals died with it.
    assert!(count(&rows(&lab, "data/W1/arrivals.csv"), &[("follower", "f3")]) < 45);
    let log = lab.read("data/W1/logs/f3.log");
    assert_eq!(log.matches("listens on").count(), 2, "{log}");
    check_report(&lab);
}

#[test]
fn a_leader_that_dies_leaves_writes_without_an_answer_and_no_verdict() {
    let lab = lab("[2]", &["at = 30\nnode = \"leader\"\nkind = \"kill\""]);
    let printed = lab.ok(&["run", "all"]);
    let writes = rows(&lab, "data/W2/writes.csv");
    assert_eq!(count(&writes, &[("outcome", "failed")]), 0, "{printed}");
    let unknown = count(&writes, &[("outcome", "unknown"), ("http_status", "")]);
    assert!((30..=35).contains(&unknown), "{unknown} without an answer");
    let manifest: serde_json::Value = serde_json::from_str(&lab.read("data/W2/manifest.json")).unwrap();
    assert_eq!(manifest["absent_nodes"], serde_json::json!(["leader"]));
    assert_eq!(manifest["settled"], false);
    assert!(!lab.path("data/W2/leader.json").exists() && lab.path("data/W2/f3.json").exists());
    // Its trace died with it, the followers' did not.
    assert_eq!(rows(&lab, "data/W2/replication.csv").len(), 0);
    assert!(rows(&lab, "data/W2/arrivals.csv").len() > 60);
    let checked = lab.run(&["check-consistency"]);
    assert_eq!(checked.code, Some(0), "{}", checked.stderr);
    assert!(checked.stdout.contains("unknown"), "{}", checked.stdout);
    check_report(&lab);
}

#[test]
fn a_frozen_follower_costs_the_timeout_and_wakes_with_what_it_held() {
    let lab = lab("[3]", &["at = 20\nnode = \"f1\"\nkind = \"pause\"\nuntil = \"2.5s\""]);
    lab.ok(&["run", "all"]);
    assert_eq!(done(&lab, "data/W3"), ["pause f1", "resume f1"]);
    // Whether it lives cannot be known, so that a write that needs it waits for the timeout.
    let writes = rows(&lab, "data/W3/writes.csv");
    let slow = writes.iter().filter(|write| write["outcome"] == "failed");
    let latencies: Vec<u64> = slow.map(|write| write["latency_us"].parse().unwrap()).collect();
    assert!(!latencies.is_empty() && latencies.iter().all(|latency| *latency > 450_000), "{latencies:?}");
    assert!(count(&rows(&lab, "data/W3/replication.csv"), &[("follower", "f1"), ("outcome", "timeout")]) > 0);
    assert_eq!(lab.read("data/W3/logs/f1.log").matches("listens on").count(), 1);
    check_report(&lab);
}

#[test]
fn a_follower_cut_off_from_its_leader_is_still_read() {
    let lab = lab("[1]", &["at = 20\nnode = \"f2\"\nkind = \"partition\""]);
    lab.ok(&["run", "all"]);
    assert_eq!(done(&lab, "data/W1"), ["partition f2"]);
    let copies = rows(&lab, "data/W1/replication.csv");
    let f2: Vec<_> = copies.into_iter().filter(|row| row["follower"] == "f2").collect();
    // Silence, not a refusal; and what was sent into it never arrives.
    let lost: Vec<&String> = f2.iter().filter(|row| row["outcome"] != "acked").map(|row| &row["version"]).collect();
    assert_eq!(count(&f2, &[("outcome", "timeout")]), lost.len());
    assert!((30..=50).contains(&lost.len()), "{lost:?}");
    // But for what the cut met with only its acknowledgement still on the way.
    let cut_us: i64 = rows(&lab, "data/W1/faults.csv")[0]["ended_us"].parse().unwrap();
    let arrivals = rows(&lab, "data/W1/arrivals.csv");
    let late = |row: &&Row| row["at_us"].parse::<i64>().unwrap() > cut_us;
    let got = arrivals.iter().filter(late).filter(|row| row["follower"] == "f2" && lost.contains(&&row["version"]));
    assert_eq!(got.count(), 0);
    assert!(lab.path("data/W1/f2.json").exists());
    assert!(lab.path("data/W1/logs/link-f2.log").exists());
    check_report(&lab);
}

#[test]
fn a_mute_follower_has_every_write_and_the_leader_does_not_know() {
    let lab = lab("[3]", &["at = 20\nnode = \"f2\"\nkind = \"mute\"\nuntil = 50"]);
    for backend in ["process", "sim"] {
        lab.ok(&["run", "all", "--backend", backend]);
        assert_eq!(done(&lab, "data/W3"), ["mute f2", "heal f2"]);
        // What it stored but could not confirm fails its write, and is there all the same.
        let copies = rows(&lab, "data/W3/replication.csv");
        let given_up = count(&copies, &[("follower", "f2"), ("outcome", "timeout")]);
        assert!((15..=45).contains(&given_up), "{given_up}");
        assert_eq!(count(&rows(&lab, "data/W3/arrivals.csv"), &[("follower", "f2")]), 60);
        let writes = rows(&lab, "data/W3/writes.csv");
        let failed = count(&writes, &[("outcome", "failed")]);
        assert_eq!((failed, count(&writes, &[("outcome", "ok")])), (given_up, 60 - given_up));
        check_report(&lab);
    }
}

#[test]
fn a_cut_that_ends_before_the_timeout_loses_nothing() {
    let lab = lab("[1]", &["at = 20\nnode = \"f2\"\nkind = \"partition\"\nuntil = 24"]);
    lab.ok(&["run", "all"]);
    assert_eq!(done(&lab, "data/W1"), ["partition f2", "heal f2"]);
    assert_eq!(count(&rows(&lab, "data/W1/replication.csv"), &[("outcome", "acked")]), 180);
}

#[test]
fn a_node_cut_off_from_all_is_not_asked() {
    let lab = lab(
        "[1]",
        &[
            "at = 10\nnode = \"f2\"\nkind = \"partition\"\nfrom = \"all\"",
            "at = 20\nnode = \"f1\"\nkind = \"partition\"\nfrom = \"all\"\nuntil = 40",
        ],
    );
    lab.ok(&["run", "all"]);
    assert_eq!(done(&lab, "data/W1"), ["partition f2", "partition f1", "heal f1"]);
    assert!(lab.path("data/W1/at-last-ack/f1.json").exists());
    assert!(!lab.path("data/W1/f2.json").exists() && !lab.path("data/W1/at-last-ack/f2.json").exists());
    check_report(&lab);
}

#[test]
fn a_leader_cut_off_from_all_is_silent_until_it_heals() {
    let lab = lab("[1]", &["at = 30\nnode = \"leader\"\nkind = \"partition\"\nfrom = \"all\"\nuntil = \"1.5s\""]);
    lab.ok(&["run", "all"]);
    let times = rows(&lab, "data/W1/faults.csv");
    let (cut, healed): (u64, u64) = (times[0]["ended_us"].parse().unwrap(), times[1]["begun_us"].parse().unwrap());
    let writes = rows(&lab, "data/W1/writes.csv");
    let answered = writes.iter().map(|row| {
        let (start, latency): (u64, u64) = (row["start_us"].parse().unwrap(), row["latency_us"].parse().unwrap());
        start + latency
    });
    // An answer may have been on its way when the cut began.
    let meanwhile = answered.filter(|at| (cut + 5_000..healed).contains(at)).count();
    assert_eq!((meanwhile, writes.len()), (0, 60));
    assert!(lab.path("data/W1/leader.json").exists());
    check_report(&lab);
}

#[test]
fn a_slow_follower_loses_what_comes_too_late() {
    let lab = lab("[1]", &["at = 0\nnode = \"f3\"\nkind = \"slow\"\ndelay_ms = 450"]);
    lab.ok(&["run", "all"]);
    let times = rows(&lab, "data/W1/faults.csv");
    assert!(times[0]["begun_us"].parse::<i64>().unwrap() < 0, "before the first write: {times:?}");
    let copies: Vec<_> =
        rows(&lab, "data/W1/replication.csv").into_iter().filter(|row| row["follower"] == "f3").collect();
    for copy in &copies {
        let delay_us: u64 = copy["delay_us"].parse().unwrap();
        // 500 ms is the limit. What is near it may go either way.
        if delay_us > 55_000 {
            assert_eq!(copy["outcome"], "timeout", "{copy:?}");
        }
        if copy["outcome"] == "acked" {
            let time = |column: &str| copy[column].parse::<i64>().unwrap();
            assert!(time("acked_us") - time("sent_us") >= 450_000, "{copy:?}");
        }
    }
    assert!(count(&copies, &[("outcome", "acked")]) > 0, "{copies:?}");
    check_report(&lab);
}

#[test]
fn what_does_not_come_up_is_said_and_left_out() {
    let lab = lab("[1]", &["at = \"60s\"\nnode = \"f1\"\nkind = \"kill\""]);
    for backend in ["process", "sim"] {
        let ended: Ended = lab.run(&["run", "all", "--backend", backend]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(ended.stderr.contains("the load was over before `kill f1 at 60s`"), "{}", ended.stderr);
        assert!(!lab.path("data/W1/faults.csv").exists());
        let report = lab.read("report/report.md");
        assert!(report.contains("Planned faults: kill f1 at 60s; none came up before the load was over."), "{report}");
        assert!(report.contains("At W = 1 the load was over before `kill f1 at 60s`"), "{report}");
    }
}

#[test]
fn virtual_time_breaks_the_same_and_a_dry_run_says_what() {
    let lab = lab("[1]", &["at = 5\nnode = \"f1\"\nkind = \"kill\""]);
    assert!(lab.ok(&["run", "all", "--dry-run"]).contains("kill f1 at write 5"));
    lab.ok(&["run", "all", "--backend", "sim"]);
    assert_eq!(done(&lab, "data/W1"), ["kill f1"]);
    assert!(count(&rows(&lab, "data/W1/replication.csv"), &[("follower", "f1"), ("outcome", "failed")]) >= 50);
    check_report(&lab);
}
