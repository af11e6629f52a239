//! Systems of kind `http`: the lab's own node as a program that knows nothing of labctl, a node in Python with other
//! mappings, and one that misbehaves in every way that could be thought of.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use crate::lab::{Ended, Lab};
use crate::redis::{column, held, json, left_in};
use crate::require::missing;

pub(crate) const NODE: &str = include_str!("node.py");

/// One follower, no delays, and each key written once, so that no copy can overtake another of its key.
const CONFIG: &str = r#"
schema = 1
default = "mine"
[experiment.mine]
system = "mine"
quorums = [1]
followers = 1
backend = "process"
[experiment.mine.network]
delay = { kind = "constant", ms = 0 }
global_request_timeout_s = 0.5
[experiment.mine.workload]
writes = 100
concurrency = 10
keys = 100
[system.mine]
kind = "http"
settle_quiet_s = 0.2
"#;

/// A filter that doubles a text until it fills a terabyte.
const DOUBLES: &str = r#"reduce range(40) as $i ("x"; . + .) | . == """#;

/// The lab's interface, and the command.
const LAB: &str =
    "preset = \"lab\"\nstart = { command = [\"python3\", \"node.py\", \"{port}\"], start_limit_s = 20 }\n";

fn is_installed() -> bool {
    let found = Command::new("python3").arg("--version").output().is_ok();
    if !found {
        missing("python3", "python3 is not on the path");
    }
    found
}

/// A folder with the node in Python and a mapping.
fn with(mapping: &str) -> Lab {
    let lab = Lab::new(&format!("{CONFIG}{mapping}"));
    fs::write(lab.path("node.py"), NODE).unwrap();
    fs::create_dir(lab.path("tmp")).unwrap();
    lab
}

/// How a run ends, which has to leave nothing.
fn ended(lab: &Lab, quorums: &str) -> Ended {
    let temporary = lab.path("tmp");
    let ended: Ended = lab.command(&["run", quorums]).env("TMPDIR", &temporary).output().unwrap().into();
    assert_eq!(left_in(&temporary), Vec::<String>::new(), "{}", ended.stderr);
    ended
}

/// How a run ends whose nodes misbehave like this.
fn bad(how: &str) -> (Lab, Ended) {
    let lab = with(&format!("{LAB}[system.mine.environment]\nBAD = \"{how}\"\n"));
    let ended = ended(&lab, "1");
    (lab, ended)
}

/// A run that ends with one line, the node's log below it, and exit 3.
fn refused(how: &str, expected: &[&str]) {
    let (_, ended) = bad(how);
    assert_eq!(ended.code, Some(3), "{how}: {}", ended.stderr);
    let lines = ended.stderr.lines().filter(|line| !line.ends_with("backend process") && !line.starts_with("    "));
    let lines: Vec<&str> = lines.collect();
    assert_eq!(lines.len(), 1, "{how}: {}", ended.stderr);
    for part in expected {
        assert!(lines[0].contains(part), "{how}: {part}: {}", ended.stderr);
    }
}

/// The pairs of follower and key of which the value is not the leader's, with the value.
fn diverged(lab: &Lab, experiment: &str, quorum: u32, followers: u32) -> BTreeSet<(u32, String, Option<String>)> {
    let store = |node: String| -> BTreeMap<String, String> {
        let folder = if experiment.is_empty() { "data".to_owned() } else { format!("data/{experiment}") };
        serde_json::from_value(json(lab, &format!("{folder}/W{quorum}/{node}.json"))["store"].clone()).unwrap()
    };
    let leader = store("leader".to_owned());
    let of = |follower: u32| {
        let own = store(format!("f{follower}"));
        let differing = leader.iter().filter(|(key, value)| own.get(*key) != Some(value));
        differing.map(|(key, _)| (follower, key.clone(), own.get(key).cloned())).collect::<Vec<_>>()
    };
    (1..=followers).flat_map(of).collect()
}

#[test]
fn the_labs_own_node_diverges_alike_with_its_trace_and_as_a_program_of_which_nothing_is_known() {
    let config = format!(
        "schema = 1\ndefault = \"foreign\"\n{}{}[system.mine]\nkind = \"http\"\npreset = \"lab\"\n[system.mine.start]\ncommand = [{:?}, \"node\"]\n",
        experiment("foreign", "system = \"mine\"\n"),
        experiment("own", ""),
        env!("CARGO_BIN_EXE_labctl"),
    );
    let lab = Lab::new(&config);
    lab.ok(&["run", "1", "--experiment", "all"]);
    let (foreign, own) = (diverged(&lab, "", 1, 3), diverged(&lab, "own", 1, 3));
    assert!(!own.is_empty());
    assert_eq!(foreign, own);
    let manifest = json(&lab, "data/W1/manifest.json");
    let capabilities = &manifest["system"]["capabilities"];
    let told = ["trace", "versions", "own_delays"].map(|name| capabilities[name].as_bool().unwrap());
    assert_eq!((told, capabilities["settles"].as_str()), ([false, false, true], Some("quiet")));
    assert_eq!(
        (&manifest["settled"], manifest["config"]["network"]["link"].as_str()),
        (&true.into(), Some("independent"))
    );
}

/// Writes that overtake each other on some link, whatever the machine does meanwhile.
fn experiment(name: &str, system: &str) -> String {
    format!(
        "[experiment.{name}]\n{system}quorums = [1]\nfollowers = 3\nbackend = \"process\"\n[experiment.{name}.network]\n\
         max_delay_ms = 600\n[experiment.{name}.workload]\nwrites = 12\nconcurrency = 4\nkeys = 2\n"
    )
}

#[test]
fn a_mapping_of_its_own_sets_a_quorum_by_request_reads_versions_and_dumps_key_by_key() {
    if !is_installed() {
        return;
    }
    let lab = with(
        r#"
quorum = "by_request"
counts_leader = true
start = { command = ["python3", "node.py", "{port}"] }
[system.mine.environment]
ROLE = "{role}"
FOLLOWERS = "{followers}"
[system.mine.set_quorum]
request = "POST /config"
json = { quorum = "{quorum_number}" }
[system.mine.reset]
request = "POST /reset"
json = {}
[system.mine.write]
request = "PUT /kv/{key}"
json = { value = "{value}" }
ok = '.status == "success"'
[system.mine.read]
request = "GET /kv/{key}"
value = ".value"
[system.mine.dump]
by = "reads"
"#,
    );
    let ran = ended(&lab, "1,2");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let outcomes = |quorum: u32| column(&lab.read(&format!("data/W{quorum}/writes.csv")), "outcome");
    // One follower never acknowledges twice: the node answers 200 all the same, and the filter tells.
    assert_eq!((outcomes(1), outcomes(2)), (vec!["ok".to_owned(); 100], vec!["failed".to_owned(); 100]));
    assert_eq!((held(&lab, 1, "leader").len(), held(&lab, 1, "f1")), (100, held(&lab, 1, "leader")));
    let manifest = json(&lab, "data/W1/manifest.json");
    assert_eq!(manifest["system"]["capabilities"]["quorum"], "by_request");
    assert_eq!(manifest["settled"], true);
}

#[test]
fn an_append_log_is_compared_place_by_place() {
    if !is_installed() {
        return;
    }
    let lab = with(
        r#"
quorum = "per_write"
counts_leader = true
state = "log"
start = { command = ["python3", "node.py", "{port}"] }
[system.mine.environment]
ROLE = "{role}"
FOLLOWERS = "{followers}"
[system.mine.write]
request = "POST /messages"
json = { message = "{value}", w = "{quorum_number}" }
[system.mine.dump]
request = "GET /messages"
entries = ".[]"
"#,
    );
    let ran = ended(&lab, "1");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let leader = held(&lab, 1, "leader");
    assert_eq!((leader.len(), leader.keys().next().map(String::as_str)), (100, Some("#0001")));
    let told: serde_json::Value =
        serde_json::from_str(&lab.run(&["check-consistency", "--format", "json"]).stdout).unwrap();
    assert!(!told.to_string().contains("foreign\":1"), "{told}");
}

#[test]
fn what_cannot_be_dumped_is_never_called_consistent() {
    if !is_installed() {
        return;
    }
    let lab = with(
        r#"
start = { command = ["python3", "node.py", "{port}"] }
[system.mine.environment]
ROLE = "{role}"
FOLLOWERS = "{followers}"
WRITE_QUORUM = "{quorum}"
[system.mine.write]
request = "PUT /kv/{key}"
json = { value = "{value}" }
"#,
    );
    let ran = ended(&lab, "1");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(json(&lab, "data/W1/manifest.json")["settled"], false);
    assert!(lab.read("report/summary.json").contains("\"verdict\": \"unknown\""));
}

#[test]
fn a_leader_that_crashes_hangs_or_breaks_connections_is_told_in_one_line() {
    if !is_installed() {
        return;
    }
    refused("crash", &["leader: its process ended (exit status 7)"]);
    refused("hang", &["leader: it runs, but none of the last "]);
    refused("broken", &["leader: it runs, but none of the last "]);
}

#[test]
fn an_answer_that_fits_no_rule_is_told_with_the_rule() {
    if !is_installed() {
        return;
    }
    let entries = "GET /debug/store: status 200: entries = `.store | to_entries[]`: cannot ";
    refused("html", &[entries, "cannot index", "the answer was: <!DOCTYPE html>"]);
    refused("everything", &[entries, "the answer was: {\"status\": \"ok\"}"]);
    refused("redirect", &["writes was answered", "redirects to /elsewhere, which labctl does not follow"]);
}

#[test]
fn a_read_that_never_finds_a_value_is_told_with_its_rule_although_null_is_an_answer() {
    if !is_installed() {
        return;
    }
    let lab = with(&format!("{LAB}[system.mine.read]\nvalue = \".vlaue\"\n"));
    let ended = ended(&lab, "1");
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    let told = " and acknowledged, and no read shows it: read.status = `200` gave 200; experiments.toml:22:9: read.value = \
                `.vlaue` gave null: it does not have the key; the answer was: {\"value\": \"v";
    assert!(ended.stderr.contains("leader: GET /kv/k") && ended.stderr.contains(told), "{}", ended.stderr);
}

#[test]
fn a_node_that_was_started_again_is_told_the_quorum_again() {
    if !is_installed() {
        return;
    }
    let fault = "[[experiment.mine.fault]]\nkind = \"kill\"\nnode = \"f1\"\nat = 5\nuntil = 6\n";
    let lab = with(&format!(
        "{LAB}quorum = \"by_request\"\n[system.mine.environment]\nWRITE_QUORUM = \"\"\nBAD = \"gate\"\n\
         [system.mine.set_quorum]\nrequest = \"POST /config\"\njson = {{ quorum = \"{{quorum_number}}\" }}\nto = \"all\"\n{fault}"
    ));
    lab.edit("experiments.toml", |text| {
        text.replace("global_request_timeout_s = 0.5", "global_request_timeout_s = 60")
    });
    let ran = ended(&lab, "1");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(column(&lab.read("data/W1/faults.csv"), "kind"), ["kill", "restart"]);
    // A node writes down each number that it is told.
    assert_eq!((lab.read("told-leader").as_str(), lab.read("told-follower").as_str()), ("1\n", "1\n1\n"));
}

#[test]
fn an_answer_without_an_end_is_given_up() {
    if !is_installed() {
        return;
    }
    refused("stream", &["writes was answered", "the answer is longer than 1 MiB"]);
    refused("drip", &["writes was answered", "the answer did not end within 2.5 s"]);
    refused("large", &["GET /debug/store: the answer is longer than 32 MiB"]);
}

#[test]
fn a_node_that_is_slow_loud_stubborn_or_forks_is_measured_and_leaves_nothing() {
    if !is_installed() {
        return;
    }
    for how in ["slow", "noisy", "stubborn", "forks"] {
        let (lab, ended) = bad(how);
        assert_eq!(ended.code, Some(0), "{how}: {}", ended.stderr);
        assert_eq!(column(&lab.read("data/W1/writes.csv"), "outcome"), vec!["ok"; 100], "{how}");
    }
}

#[test]
fn a_node_that_listens_elsewhere_is_told() {
    if !is_installed() {
        return;
    }
    let lab = with(&LAB.replace("20 }", "1 }"));
    lab.edit("node.py", |text| format!("import os\nos.environ['BAD'] = 'elsewhere'\n{text}"));
    let ended = ended(&lab, "1");
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert!(ended.stderr.contains("f1: "), "{}", ended.stderr);
}

#[test]
fn a_filter_that_never_ends_or_eats_memory_ends_the_run_and_not_labctl() {
    if !is_installed() {
        return;
    }
    for (filter, expected) in [
        ("def f: f; f", "the filter did not end within 5 s: `def f: f; f`"),
        (DOUBLES, &format!("the filter needed more than 1024 MiB of memory: `{DOUBLES}`")),
        ("def f: 1 + f; f", "the filter nests too deeply: `def f: 1 + f; f`"),
    ] {
        let lab = with(&format!("{LAB}[system.mine.write]\nok = '{filter}'\n"));
        let ended = ended(&lab, "1");
        assert_eq!(ended.code, Some(3), "{filter}: {}", ended.stderr);
        assert!(ended.stderr.contains(expected), "{filter}: {}", ended.stderr);
    }
}

#[test]
fn a_wrong_mapping_is_told_with_its_place_before_anything_starts() {
    let lab = Lab::new(&format!("{CONFIG}{LAB}[system.mine.write]\nok = '.status == '\n"));
    let ended = lab.run(&["validate"]);
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.stderr.contains("experiments.toml:22:18: system.mine.write.ok: expected term, found the end"),
        "{}",
        ended.stderr
    );
}
