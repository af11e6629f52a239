//! What a labctl leaves that is killed amid a run of Redis.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use crate::lab::Lab;
use crate::redis::{CONFIG, is_installed, left_in};

#[test]
fn nothing_is_left_of_a_labctl_that_was_killed_amid_a_run_once_the_next_has_run() {
    if !is_installed() {
        return;
    }
    let lab = Lab::new(CONFIG);
    let temporary = lab.path("tmp");
    fs::create_dir(&temporary).unwrap();
    assert_nothing_left(&lab, &temporary, &[3, 60, 250, 800, 1_700]);
}

/// Kills a labctl amid a run at each of these moments, and asserts that the next one leaves nothing of it in its folder for
/// temporary files.
pub(crate) fn assert_nothing_left(lab: &Lab, temporary: &Path, moments_ms: &[u64]) {
    for moment_ms in moments_ms {
        let mut command = lab.command(&["run", "all"]);
        command.env("TMPDIR", temporary).stdout(Stdio::null()).stderr(Stdio::null());
        let mut labctl = command.spawn().unwrap();
        thread::sleep(Duration::from_millis(*moment_ms));
        labctl.kill().unwrap();
        labctl.wait().unwrap();
        let next = lab.command(&["down"]).env("TMPDIR", temporary).output().unwrap();
        assert!(next.status.success(), "{}", String::from_utf8_lossy(&next.stderr));
        assert_eq!(left_in(temporary), Vec::<String>::new(), "after {moment_ms} ms");
    }
}
