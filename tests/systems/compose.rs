//! Redis in containers, from an image that is made of this machine's program.

use std::process::Command;

use crate::lab::Lab;
use crate::redis::{CONFIG, column, held, is_installed, json};
use crate::require::missing;

const IMAGE: &str = "labctl-test-redis";

/// Whether there are an engine and a server for the image; the image, if so.
fn has_image() -> bool {
    if !is_installed() {
        return false;
    }
    let engine = Command::new("docker").arg("info").output().is_ok_and(|output| output.status.success());
    if !engine {
        missing("docker", "no Docker engine answers");
        return false;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/image-from-binary");
    let built = Command::new(script).args([IMAGE, "redis-server"]).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    true
}

fn lab(image: &str, more: &str) -> Lab {
    let config = CONFIG.replace("\"process\"", "\"compose\"");
    Lab::new(&format!("{config}{more}[system.redis]\nimage = \"{image}\"\n"))
}

#[test]
fn containers_are_delayed_as_processes_are_and_a_replica_that_was_killed_comes_back() {
    if !has_image() {
        return;
    }
    let calm = lab(IMAGE, "");
    calm.ok(&["run", "all"]);
    for (quorum, delay_ms) in [(1, 10), (3, 30)] {
        let writes = calm.read(&format!("data/W{quorum}/writes.csv"));
        assert_eq!(column(&writes, "outcome"), vec!["ok"; 30]);
        assert!(column(&writes, "latency_us").iter().all(|us| us.parse::<u64>().unwrap() >= delay_ms * 1_000));
        let info = calm.read(&format!("data/W{quorum}/logs/leader-info.log"));
        assert!(info.contains("ip=f2,") && info.contains("redis_version:"), "{info}");
    }
    let killed = lab(
        IMAGE,
        "[experiment.redis.network]\nglobal_request_timeout_s = 2\n[[experiment.redis.fault]]\nkind = \"kill\"\nnode = \"f1\"\nat = 8\nuntil = 20\n",
    );
    // Writes wait for the replica that is down, so that its return is due during the load.
    killed.edit("experiments.toml", |text| text.replace("quorums = [1, 3]", "quorums = [3]"));
    killed.ok(&["run", "all"]);
    let faults = killed.read("data/W3/faults.csv");
    assert_eq!(column(&faults, "kind"), ["kill", "restart"]);
    assert_eq!(json(&killed, "data/W3/manifest.json")["settled"], true);
    assert_eq!(held(&killed, 3, "f1"), held(&killed, 3, "leader"));
    assert!(killed.ok(&["check-consistency"]).contains("W=3  consistent: all 12 copies match"));
}

#[test]
fn an_image_that_is_missing_is_told_in_a_line() {
    if !has_image() {
        return;
    }
    let ended = lab("127.0.0.1:1/labctl/none:1", "").run(&["run", "1"]);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    let line = ended.stderr.lines().last().unwrap();
    assert!(line.contains("the image 127.0.0.1:1/labctl/none:1 is not on this machine and cannot be pulled"), "{line}");
    assert!(line.contains("[system.redis] image"), "{line}");
}
