//! What readers see of followers in Python: of some that mislead them, and of a list of messages.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::adapter::is_installed;
use crate::http::NODE;
use crate::lab::Lab;
use crate::redis::{column, json};
use crate::shapes::measured;

/// Three followers behind links of 60 ms, and each key written once.
const CONFIG: &str = r#"
schema = 1
default = "mine"
[experiment.mine]
system = "mine"
quorums = [1]
followers = 3
backend = "process"
[experiment.mine.network]
delay = { kind = "constant", ms = 60 }
[experiment.mine.workload]
writes = 30
concurrency = 3
keys = 30
[experiment.mine.reads]
probe_ms = 10
[system.mine]
kind = "http"
preset = "lab"
delays = "proxies"
settle_quiet_s = 1
start = { command = ["python3", "node.py", "{port}"] }
[system.mine.environment]
NAME = "{name}"
"#;

/// What the followers do to a question for a key: f1 refuses it, f2 answers it from the leader, f3 takes 200 ms.
const MISLEADS: &str = r#"
        name = os.environ["NAME"]
        if name == "f1":
            return self.answer(500, {"error": "no"})
        if name == "f2":
            leader = "http://127.0.0.1:" + open("leader.port").read() + self.path
            try:
                return self.answer(200, json.load(urllib.request.urlopen(leader, timeout=5)))
            except urllib.error.HTTPError as error:
                return self.answer(error.code, {"error": "no such key"})
        key = self.path.removeprefix("/kv/")
        found = (200, {"value": store[key]}) if key in store else (404, {"error": "no such key"})
        if name == "f3":
            time.sleep(0.2)
        return self.answer(*found)
"#;

#[test]
fn followers_that_mislead_readers_are_found_or_leave_bounds() {
    if !is_installed() {
        return;
    }
    let lab = Lab::new(CONFIG);
    let question = "        key = self.path.removeprefix(\"/kv/\")\n";
    let leader = "if role == \"leader\":\n    open(\"leader.port\", \"w\").write(str(port))\n";
    let node = NODE.replacen(question, MISLEADS, 1).replacen(
        "if bad == \"slow\":",
        &format!("{leader}if bad == \"slow\":"),
        1,
    );
    fs::write(lab.path("node.py"), node).unwrap();
    let ended = lab.run(&["run", "1"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let summary: Value = json(&lab, "report/summary.json");
    let outside = &summary["runs"][0]["outside"];
    let early: Vec<&str> =
        outside["early"].as_array().unwrap().iter().map(|of| of["follower"].as_str().unwrap()).collect();
    assert_eq!(early, ["f2"], "{outside}");
    assert!(outside["early"][0]["shown_after_ms"].as_f64().unwrap() < 59.0, "{outside}");
    assert_eq!(outside["early"][0]["link_ms"], 60.0);
    assert!(outside["failed_reads"].as_u64().unwrap() > 0);
    // Only f3 is believed, whose answers take 200 ms.
    assert_eq!((&outside["copies"], &outside["resolved"], &outside["hidden"]), (&90.into(), &30.into(), &0.into()));
    assert!(outside["median_width_ms"].as_f64().unwrap() >= 200.0, "{outside}");
    let lag = &summary["runs"][0]["lag"];
    assert_eq!(lag["never_everywhere"], serde_json::json!({ "lower": 0, "upper": 30 }), "{lag}");
    let report = lab.read("report/report.md");
    let warning = "At W = 1 f2 showed writes sooner than its link lets them arrive: it may answer from its leader.";
    assert!(report.contains(warning), "{report}");
}

#[test]
fn every_message_of_a_list_is_seen_on_every_follower() {
    let Some(shape) = measured("12-append-log") else { return };
    for quorum in 1..=3 {
        let reads = shape.read(&format!("data/W{quorum}/reads.csv"));
        let (nodes, writes) = (column(&reads, "node"), column(&reads, "write"));
        for follower in ["f1", "f2", "f3"] {
            let of_node = nodes.iter().zip(&writes).filter(|(node, write)| *node == follower && !write.is_empty());
            let seen: BTreeSet<&String> = of_node.map(|(_, write)| write).collect();
            assert_eq!(seen.len(), 20, "W = {quorum}, {follower}");
        }
    }
    let summary: Value = serde_json::from_str(&shape.read("report/summary.json")).unwrap();
    for run in summary["runs"].as_array().unwrap() {
        let outside = &run["outside"];
        assert_eq!((&outside["resolved"], &outside["copies"]), (&60.into(), &60.into()), "{outside}");
        assert_eq!(run["durability"]["overwritten_copies"], 0);
    }
}
