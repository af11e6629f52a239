//! `labctl staleness`.

use serde_json::Value;

use crate::lab::{Lab, SMALL};

#[test]
fn other_reads_are_told_of_the_saved_runs() {
    let lab = Lab::new(SMALL);
    lab.ok(&["run", "all", "--backend", "sim"]);
    let ended = lab.run(&["staleness", "--replicas", "3,4"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
    assert!(ended.stderr.contains("--replicas 4: a read can ask at most the 3 followers of "), "{}", ended.stderr);
    let text = lab.ok(&["staleness", "--replicas", "1,3", "--at-ms", "5,20.5"]);
    assert!(text.contains("20.5 ms") && text.contains("66.7 % (66.7 %)"), "{text}");

    let json = lab.ok(&["staleness", "--replicas", "1,3", "--at-ms", "5,20.5", "--format", "json"]);
    let runs: Value = serde_json::from_str(&json).unwrap();
    let reads = runs[0]["reads"].as_array().unwrap();
    assert_eq!(reads.iter().map(|read| &read["replicas"]).collect::<Vec<_>>(), [1, 3]);
    // One of all three followers has it.
    assert_eq!(reads[1]["from_trace"]["stale_at_ack"]["value"], 0.0);
    // Past the longest delay every follower does.
    assert_eq!(reads[0]["at"][1]["from_trace"]["value"], 1.0);
    assert_eq!(reads[0]["at"][1]["predicted"]["value"], 1.0);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let lab = Lab::new(SMALL);
    for (args, said) in [
        (["staleness", "--replicas", "0"], "a read quorum must be a whole number from 1 to 99, not 0"),
        (
            ["staleness", "--at-ms", "soon"],
            "'soon' for '--at-ms <MS[,MS...]>': must be a number of milliseconds from 0 to 3600000",
        ),
        (["staleness", "--at-ms", "-1"], "unexpected argument"),
    ] {
        let ended = lab.run(&args);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
    }
    assert_eq!(lab.run(&["staleness"]).code, Some(4));
}
