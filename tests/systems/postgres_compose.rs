//! PostgreSQL in containers, from an image that is made of this machine's programs.

use std::process::Command;

use crate::compose::has_engine;
use crate::faults::{checked, done};
use crate::lab::Lab;
use crate::postgres::{CONFIG, assert_nothing_lost, programs, slow_with_fault};
use crate::redis::column;

/// An image of this machine's programs, which goes with the test.
pub(crate) struct PostgresImage(String);

impl PostgresImage {
    /// `None` if there is no engine or no server.
    pub(crate) fn build(name: &str) -> Option<Self> {
        programs()?;
        if !has_engine() {
            return None;
        }
        let name = format!("labctl-test-postgres-{name}-{}", std::process::id());
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/image-from-postgres");
        let built = Command::new(script).arg(&name).output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        Some(Self(name))
    }

    /// The same experiment in containers.
    pub(crate) fn in_containers(&self, lab: Lab) -> Lab {
        let image = format!("[system.postgres]\nimage = \"{}\"\n", self.0);
        lab.edit("experiments.toml", |text| text.replace("\"process\"", "\"compose\"") + &image);
        lab
    }
}

impl Drop for PostgresImage {
    fn drop(&mut self) {
        // The engine keeps an image that something else uses, and says so.
        let _ = Command::new("docker").args(["image", "rm", &self.0]).output();
    }
}

/// The volumes of labctl's projects on the engine that have this in their name.
fn volumes(part: &str) -> String {
    let listed = Command::new("docker").args(["volume", "ls", "--quiet", "--filter", &format!("name={part}")]).output();
    String::from_utf8(listed.unwrap().stdout).unwrap()
}

#[test]
fn containers_are_delayed_as_processes_are_and_leave_no_volume() {
    let Some(image) = PostgresImage::build("delays") else { return };
    let lab = image.in_containers(Lab::new(&CONFIG.replace("experiment.postgres", "experiment.pg-volumes")));
    lab.edit("experiments.toml", |text| text.replace("default = \"postgres\"", "default = \"pg-volumes\""));
    lab.ok(&["run", "all"]);
    for (quorum, delay_ms) in [(1, 10), (3, 30)] {
        let writes = lab.read(&format!("data/W{quorum}/writes.csv"));
        assert_eq!(column(&writes, "outcome"), vec!["ok"; 23]);
        assert!(column(&writes, "latency_us").iter().all(|us| us.parse::<u64>().unwrap() >= delay_ms * 1_000));
    }
    assert!(lab.ok(&["check-consistency"]).contains("W=3  consistent: all 69 copies match"));
    assert_eq!(volumes("pg-volumes"), "");
}

#[test]
fn what_broke_in_containers_holds_in_the_end_what_its_leader_holds() {
    let Some(image) = PostgresImage::build("faults") else { return };
    for (node, kind, expected) in [
        ("f3", "kill", ["f3 kill SIGKILL", "f3 restart with its data"]),
        ("f3", "pause", ["f3 pause ", "f3 resume "]),
        ("leader", "kill", ["leader kill SIGKILL", "leader restart with its data"]),
        ("leader", "stop", ["leader stop SIGINT", "leader restart with its data"]),
    ] {
        let fault = format!("kind = \"{kind}\"\nnode = \"{node}\"\nat = 8\nuntil = 18");
        let lab = image.in_containers(slow_with_fault(&fault));
        let said = checked(&lab);
        assert_eq!(done(&lab, 3), expected);
        assert_nothing_lost(&lab, &said);
    }
}
