//! `labctl run --backend sim`, end to end: two processes, the same bytes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::lab::files;

type Files = BTreeMap<PathBuf, Vec<u8>>;

/// What one experiment wrote to its `data/` and `report/`, after a second process in another
/// folder and time zone has written the same.
fn written_twice(experiment: &str) -> [Files; 2] {
    let folder = tempfile::tempdir().unwrap();
    let run = |place: &str, zone: &str| -> [Files; 2] {
        let place = folder.path().join(place);
        let mut command = Command::new(env!("CARGO_BIN_EXE_labctl"));
        command
            .current_dir(folder.path())
            .env("TZ", zone)
            .args(["run", "all", "--backend", "sim", "--experiment", experiment, "--config"])
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/experiments.toml"))
            .arg("--data")
            .arg(place.join("data"))
            .arg("--report")
            .arg(place.join("report"));
        let ended = command.output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        ["data", "report"].map(|folder| files(&place.join(folder)).into_iter().collect())
    };
    let (here, there) = (run("here", "UTC"), run("over/there", "Asia/Tokyo"));
    assert!(here == there, "{experiment}: the two differ");
    here
}

#[test]
fn two_processes_in_two_folders_write_the_same_bytes() {
    let [data, report] = written_twice("quorum");
    assert_eq!(data.len(), 5 * 22);
    assert!(report.contains_key(Path::new("report.html")));
    let manifest = String::from_utf8(data[Path::new("W3/manifest.json")].clone()).unwrap();
    assert!(manifest.contains("\"name\": \"sim\""), "{manifest}");
}

#[test]
fn so_they_do_when_something_breaks() {
    let [data, _] = written_twice("partition");
    let faults = String::from_utf8(data[Path::new("partition/W3/faults.csv")].clone()).unwrap();
    assert!(faults.contains(",f2,partition,from leader") && faults.contains(",f2,heal,"), "{faults}");
}
