//! What a run stores, and data of an older labctl.

use std::fs;
use std::path::Path;

use crate::lab::{Lab, SMALL};

/// Copies the committed runs of schema 1 into a lab's data folder: of `small` W = 1 and 3, of
/// `broken`, where f3 dies, W = 1.
fn older_data() -> Lab {
    let lab = Lab::new(SMALL);
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/schema-1");
    copy(&golden, &lab.path("data"));
    lab
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn a_run_of_a_system_that_this_labctl_does_not_know_is_checked_and_reported() {
    let lab = Lab::new(SMALL);
    lab.ok(&["run", "all", "--backend", "sim"]);
    for run in ["W1", "W3"] {
        lab.edit(&format!("data/{run}/manifest.json"), |text| {
            let mut manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
            manifest["system"]["name"] = "mine".into();
            manifest["config"]["system"] =
                serde_json::json!({ "name": "mine", "kind": "hydra", "settings": { "heads": 9 } });
            manifest.to_string()
        });
    }
    lab.ok(&["check-consistency"]);
    lab.ok(&["report"]);
    let report = lab.read("report/report.md");
    assert!(report.contains("[system.mine]\nkind = \"hydra\"\nheads = 9\n"), "{report}");
    let ended = lab.run(&["compare", "data", "--sim"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("these runs measured `mine`, and only `labnode` can be simulated"));
}

#[test]
fn a_run_of_schema_1_is_read_checked_and_reported() {
    let lab = older_data();
    let checked = lab.ok(&["check-consistency"]);
    assert!(checked.contains("inconsistent: 2 of 12 copies diverged"), "{checked}");
    assert!(checked.contains("consistent: all 12 copies match"), "{checked}");
    let broken = lab.ok(&["check-consistency", "-e", "broken"]);
    assert!(broken.contains("f3"), "{broken}");
    lab.ok(&["report", "-e", "all"]);
    let lacks = "W = 1, 3: saved by an older labctl (schema 1), which stored neither the version of what was measured \
                 nor what the simulation foresaw.";
    let report = lab.read("report/report.md");
    assert!(report.contains(lacks), "{report}");
    assert!(!report.contains("foresaw the latency"), "{report}");
    assert!(lab.read("report/broken/report.md").contains("W = 1: saved by an older labctl (schema 1)"));
}

#[test]
fn a_run_of_real_nodes_stores_what_the_simulation_foresaw() {
    let lab = Lab::new(SMALL);
    lab.ok(&["run", "all"]);
    let forecast = lab.read("data/W1/forecast.csv");
    assert!(forecast.starts_with("write,node,key,at_us,latency_us,outcome,delay_us,kept\n"), "{forecast}");
    // Of each write a line for the leader and each of three followers.
    assert_eq!(forecast.lines().count(), 1 + 20 * 4);
    let foreseen = |text: &str| text.contains("foresaw the latency of ");
    assert!(foreseen(&lab.read("report/report.md")));
    // The report says what is stored, and simulates nothing itself.
    lab.edit("data/W1/forecast.csv", |text| {
        let other = |line: &str| {
            let mut fields: Vec<&str> = line.split(',').collect();
            fields[4] = if fields[1] == "leader" { "9000000" } else { fields[4] };
            fields.join(",") + "\n"
        };
        let (header, rows) = text.split_once('\n').unwrap();
        format!("{header}\n{}", rows.lines().map(other).collect::<String>())
    });
    let before = lab.read("report/report.md");
    lab.ok(&["report"]);
    assert!(foreseen(&lab.read("report/report.md")));
    assert_ne!(lab.read("report/report.md"), before);
    fs::remove_file(lab.path("data/W1/forecast.csv")).unwrap();
    lab.ok(&["report"]);
    assert!(!foreseen(&lab.read("report/report.md")));
    // What is simulated to compare is not stored.
    lab.ok(&["compare", "data", "--sim"]);
    assert!(!lab.path("data/W1/forecast.csv").exists());
}
