//! Redis in containers, from an image that is made of this machine's program.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::faults::{assert_caught_up, assert_counted, checked, done, fault, only_all, over_a_slow_link, wiped};
use crate::lab::Lab;
use crate::redis::{CONFIG, column, held, is_installed, json};
use crate::require::missing;

/// An image of a program of this machine, which goes with the test.
pub(crate) struct Image(pub(crate) String);

impl Image {
    /// `None` if there is no engine or no server.
    pub(crate) fn build() -> Option<Self> {
        is_installed().then(|| Self::of("redis-server")).flatten()
    }

    /// The image of a program that is installed. `None` if there is no engine.
    pub(crate) fn of(program: &str) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        if !has_engine() {
            return None;
        }
        let name = format!("labctl-test-{program}-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/image-from-binary");
        let _one = one_at_a_time();
        let built = Command::new(script).args([&name, program]).output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        Some(Self(name))
    }
}

/// Whether a Docker engine answers.
pub(crate) fn has_engine() -> bool {
    let answers = Command::new("docker").arg("info").output().is_ok_and(|output| output.status.success());
    if !answers {
        missing("docker", "no Docker engine answers");
    }
    answers
}

impl Drop for Image {
    fn drop(&mut self) {
        let _one = one_at_a_time();
        // The engine keeps an image that something else uses, and says so.
        let _ = Command::new("docker").args(["image", "rm", &self.0]).output();
    }
}

/// All images of these tests have the same layers: none is removed while another is built from them.
fn one_at_a_time() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

fn lab(image: &str, more: &str) -> Lab {
    let config = CONFIG.replace("\"process\"", "\"compose\"");
    Lab::new(&format!("{config}{more}[system.redis]\nimage = \"{image}\"\n"))
}

/// W = 3 alone, with a fault.
fn broken(image: &Image, what: &str) -> Lab {
    let lab = lab(&image.0, &fault(what));
    only_all(&lab);
    lab
}

#[test]
fn containers_are_delayed_as_processes_are() {
    let Some(image) = Image::build() else { return };
    let lab = lab(&image.0, "");
    lab.ok(&["run", "all"]);
    for (quorum, delay_ms) in [(1, 10), (3, 30)] {
        let writes = lab.read(&format!("data/W{quorum}/writes.csv"));
        assert_eq!(column(&writes, "outcome"), vec!["ok"; 30]);
        assert!(column(&writes, "latency_us").iter().all(|us| us.parse::<u64>().unwrap() >= delay_ms * 1_000));
        let info = lab.read(&format!("data/W{quorum}/logs/leader-info.log"));
        assert!(info.contains("ip=f2,") && info.contains("redis_version:"), "{info}");
    }
}

#[test]
fn a_replica_in_a_container_that_was_gone_or_cut_off_holds_in_the_end_what_its_leader_holds() {
    let Some(image) = Image::build() else { return };
    for (what, expected) in [
        ("kind = \"kill\"", ["f3 kill SIGKILL", "f3 restart empty"]),
        ("kind = \"stop\"", ["f3 stop SIGTERM", "f3 restart empty"]),
        ("kind = \"pause\"", ["f3 pause ", "f3 resume "]),
        ("kind = \"partition\"\nfrom = \"leader\"", ["f3 partition from leader", "f3 heal from leader"]),
        ("kind = \"partition\"\nfrom = \"all\"", ["f3 partition from all", "f3 heal from all"]),
    ] {
        // Writes wait for the replica that is gone, so that its return is due during the load. They take long enough for
        // the engine, which needs a second or so, to break something amid them.
        let lab = broken(&image, &format!("{what}\nnode = \"f3\"\nat = 8\nuntil = 20"));
        over_a_slow_link(&lab);
        let said = checked(&lab);
        assert_eq!(done(&lab, 3), expected);
        assert_counted(&lab);
        assert_caught_up(&lab, &said);
    }
    let lab = broken(&image, "kind = \"slow\"\ndelay_ms = 200\nnode = \"f3\"\nat = 0");
    checked(&lab);
    let latencies = column(&lab.read("data/W3/writes.csv"), "latency_us");
    assert!(latencies.iter().skip(5).all(|us| us.parse::<u64>().unwrap() >= 230_000), "{latencies:?}");
}

#[test]
fn a_leader_in_a_container_that_comes_back_empty_wipes_its_replicas() {
    let Some(image) = Image::build() else { return };
    for kind in ["kill", "stop"] {
        let lab = broken(&image, &format!("kind = \"{kind}\"\nnode = \"leader\"\nat = 12\nuntil = 24"));
        over_a_slow_link(&lab);
        wiped(&lab, &format!("leader {kind}"));
    }
}

#[test]
fn a_leader_in_a_container_that_was_frozen_or_cut_off_goes_on_where_it_was() {
    let Some(image) = Image::build() else { return };
    for (what, expected) in [
        ("kind = \"pause\"", ["leader pause ", "leader resume "]),
        ("kind = \"partition\"\nfrom = \"all\"", ["leader partition from all", "leader heal from all"]),
    ] {
        let lab = broken(&image, &format!("{what}\nnode = \"leader\"\nat = 12\nuntil = 24"));
        over_a_slow_link(&lab);
        let said = checked(&lab);
        assert_eq!(done(&lab, 3), expected);
        let writes = lab.read("data/W3/writes.csv");
        let outcomes = column(&writes, "outcome");
        assert!(outcomes.iter().all(|outcome| outcome == "ok" || outcome == "unknown"), "{outcomes:?}");
        assert!(column(&writes, "error").iter().any(|error| error == "no answer within 3 s"), "{writes}");
        assert_eq!(json(&lab, "data/W3/manifest.json")["settled"], true);
        for follower in ["f1", "f2", "f3"] {
            assert_eq!(held(&lab, 3, follower), held(&lab, 3, "leader"), "{follower}");
        }
        assert!(said.contains("W=3  consistent: all 12 copies match"), "{said}");
    }
}

#[test]
fn an_image_that_is_missing_is_told_in_a_line_and_auto_takes_the_program() {
    let Some(_image) = Image::build() else { return };
    let none = "127.0.0.1:1/labctl/none:1";
    let missing = format!("the image {none} is not on this machine and cannot be pulled");
    let ended = lab(none, "").run(&["run", "1"]);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    let line = ended.stderr.lines().last().unwrap();
    assert!(line.contains(&missing) && line.contains("[system.redis] image"), "{line}");

    let auto = lab(none, "");
    let ended = auto.run(&["run", "1", "--backend", "auto"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains(&format!("experiment redis, backend process: {missing}: ")), "{}", ended.stderr);
    let backend = &json(&auto, "data/W1/manifest.json")["backend"];
    assert_eq!(backend["name"], "process");
    assert!(backend["reason"].as_str().unwrap().starts_with(&missing), "{backend}");

    auto.edit("experiments.toml", |text| format!("{text}program = \"no-such-server\"\n"));
    let ended = auto.run(&["run", "1", "--backend", "auto"]);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    let line = ended.stderr.lines().last().unwrap();
    assert!(line.contains(&missing), "{line}");
    assert!(line.contains("; and as local processes: there is no program `no-such-server` on the path"), "{line}");
}
