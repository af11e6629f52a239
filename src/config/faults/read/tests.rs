#![expect(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::config::parse;

const HEAD: &str = "default = \"a\"\n[experiment.a]\n";

fn faults(text: &str) -> Vec<Fault> {
    parse(&format!("{HEAD}{text}"), &|_| Err(std::io::ErrorKind::NotFound.into()), &crate::system::KINDS)
        .unwrap()
        .experiments
        .into_values()
        .next()
        .unwrap()
        .faults
}

/// Problems as (line after the head, column, message).
fn problems(text: &str) -> Vec<(usize, usize, String)> {
    let found = parse(&format!("{HEAD}{text}"), &|_| Err(std::io::ErrorKind::NotFound.into()), &crate::system::KINDS)
        .unwrap_err();
    found.into_iter().map(|problem| (problem.line - 2, problem.column, problem.message)).collect()
}

/// The fault that these lines describe.
fn fault(lines: &str) -> String {
    format!("[[experiment.a.fault]]\n{lines}\n")
}

#[test]
fn every_kind_is_read() {
    let read = faults(
        &[
            "at = 30\nnode = \"f5\"\nkind = \"kill\"\nuntil = 70",
            "at = \"3.5s\"\nnode = \"f1\"\nkind = \"pause\"",
            "at = 0\nnode = \"f3\"\nkind = \"slow\"\ndelay_ms = 1500",
            "at = 1\nnode = \"f2\"\nkind = \"partition\"\nuntil = \"9s\"",
            "at = 50\nnode = \"leader\"\nkind = \"stop\"",
            "at = 5\nnode = \"f4\"\nkind = \"mute\"\nuntil = 9",
        ]
        .map(fault)
        .concat(),
    );
    let shown: Vec<String> = read.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "kill f5 at write 30 until write 70",
            "pause f1 at 3.5s",
            "slow f3 by 1500 ms at write 0",
            "partition f2 from leader at write 1 until 9s",
            "stop leader at write 50",
            "mute f4 at write 5 until write 9",
        ]
    );
}

#[test]
fn every_problem_is_found_in_one_go_with_its_place() {
    let found = problems(
        &[
            "at = 100\nnode = \"f6\"\nkind = \"explode\"",
            "node = \"f1\"\nkind = \"kill\"\nwhen = 3",
            "at = 70\nnode = \"f2\"\nkind = \"pause\"\nuntil = 30",
            "at = 1\nnode = \"f3\"\nkind = \"slow\"",
            "at = 1\nnode = \"f4\"\nkind = \"kill\"\nfrom = \"all\"\ndelay_ms = 4",
            "at = true\nnode = 5\nkind = \"slow\"\ndelay_ms = 0",
            "at = \"soon\"\nnode = \"f5\"\nkind = \"partition\"\nfrom = \"f1\"",
        ]
        .map(fault)
        .concat(),
    );
    let expected = [
        (2, 6, "at must be the number of a write from 0 to 99, or a time up to an hour"),
        (3, 8, "node must be \"leader\" or a follower, \"f1\" to \"f5\", not \"f6\""),
        (4, 8, "kind must be one of \"kill\", \"stop\", "),
        (5, 1, "experiment.a.fault.at is missing"),
        (8, 1, "unknown key `experiment.a.fault.when`"),
        (13, 9, "until must be later than at (write 70), not write 30"),
        (17, 8, "needs delay_ms"),
        (22, 8, "from is for kind = \"partition\" alone"),
        (23, 12, "delay_ms is for kind = \"slow\" alone"),
        (25, 6, "\"3.5s\" or \"250ms\", not true"),
        (26, 8, "node must be \"leader\" or a follower, \"f1\" to \"f5\", not 5"),
        (28, 12, "delay_ms must be a whole number from 1 to 3600000, not 0"),
        (30, 6, "not \"soon\""),
        (33, 8, "from must be \"leader\" or \"all\", not \"f1\""),
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for ((line, column, message), (at, in_line, part)) in found.iter().zip(expected) {
        assert_eq!((*line, *column), (at, in_line), "{message}");
        assert!(message.contains(part), "{message} has no {part}");
    }
}

#[test]
fn a_leader_neither_comes_back_nor_is_slowed() {
    for (lines, part) in [
        ("kind = \"kill\"\nuntil = 9", "cannot come back"),
        ("kind = \"stop\"\nuntil = \"9s\"", "cannot come back"),
        ("kind = \"partition\"", "set from = \"all\""),
        ("kind = \"slow\"\ndelay_ms = 5", "node must be a follower"),
        ("kind = \"mute\"", "node must be a follower: what it sends to the leader is held back"),
    ] {
        let found = problems(&fault(&format!("at = 1\nnode = \"leader\"\n{lines}")));
        assert!(found.len() == 1 && found[0].2.contains(part), "{found:?}");
    }
}

#[test]
fn faults_that_meet_in_a_node_have_an_order() {
    let of = |node: &str, kind: &str, at: &str, until: &str| {
        let until = if until.is_empty() { String::new() } else { format!("\nuntil = {until}") };
        fault(&format!("at = {at}\nnode = \"{node}\"\nkind = \"{kind}\"{until}"))
    };
    let kill = of("f1", "kill", "10", "20");
    for fine in [
        of("f1", "pause", "20", "30"),
        of("f1", "pause", "5", "10"),
        of("f2", "kill", "15", ""),
        // The way to a node, and the node.
        of("f1", "partition", "15", "\"2s\""),
    ] {
        assert_eq!(faults(&format!("{kill}{fine}")).len(), 2, "{fine}");
    }
    for bad in [
        of("f1", "pause", "19", "30"),
        of("f1", "pause", "5", ""),
        of("f1", "pause", "\"60s\"", ""),
        of("f1", "partition\"\nfrom = \"all", "15", "25"),
    ] {
        let found = problems(&format!("{kill}{bad}"));
        assert!(found.len() == 1 && found[0].2.contains("may overlap `kill f1 at write 10"), "{found:?}");
    }
    let slow =
        |at, ms| fault(&format!("at = {at}\nnode = \"f1\"\nkind = \"slow\"\ndelay_ms = {ms}\nuntil = {}", at + 1));
    assert_eq!(faults(&(slow(1, 5) + &slow(2, 5))).len(), 2);
    assert!(
        problems(&(slow(1, 5) + &slow(2, 6)))[0].2.contains("delay_ms must be the same (5) in every slow fault of f1")
    );
}

#[test]
fn a_list_of_faults_is_an_array_of_tables() {
    assert!(problems("fault = 3\n")[0].2.contains("must be a list of tables, [[experiment.a.fault]]"));
    assert!(problems("fault = [3]\n")[0].2.contains("experiment.a.fault must be a table"));
    assert_eq!(faults("fault = []\n"), []);
}
