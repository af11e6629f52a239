//! What a server's program says of its version.

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// How much of what a program prints is read.
const MAX_READ_BYTES: u64 = 64 * 1024;
/// How often a program is looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// What became of `PROGRAM --version`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum VersionAnswer {
    /// It ended.
    Ended {
        /// Whether with status 0.
        is_success: bool,
        /// What it printed.
        said: String,
    },
    /// It did not end in time, and was killed.
    Silent,
}

/// Asks a program for its version. One that has not ended within `limit` is killed with its process group.
///
/// # Errors
/// When it cannot be started.
pub(crate) fn ask_version(program: &str, limit: Duration) -> io::Result<VersionAnswer> {
    let deadline = Instant::now() + limit;
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
    let mut child = command.spawn()?;
    let said = read_aside(&mut child);
    let status = loop {
        match child.try_wait()? {
            Some(status) => break Some(status),
            None if Instant::now() >= deadline => break None,
            None => thread::sleep(POLL_INTERVAL),
        }
    };
    let answer = match status {
        // What it has left behind may hold its output open.
        Some(status) => said
            .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            .map_or(VersionAnswer::Silent, |said| VersionAnswer::Ended { is_success: status.success(), said }),
        None => VersionAnswer::Silent,
    };
    if answer == VersionAnswer::Silent {
        if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            // It fails if all of them have ended meanwhile.
            let _ = kill_process_group(group, Signal::KILL);
        }
        child.wait()?;
    }
    Ok(answer)
}

/// Reads what a child prints on a thread of its own, which ends with the output.
fn read_aside(child: &mut Child) -> Receiver<String> {
    let (tell, said) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            // What was read before an error is all there is.
            let _ = stdout.take(MAX_READ_BYTES).read_to_end(&mut bytes);
            // Nobody listens any more if it took too long.
            let _ = tell.send(String::from_utf8_lossy(&bytes).into_owned());
        });
    }
    said
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use tempfile::TempDir;

    use super::*;

    /// A folder with a script `server` of these lines, and what that answers within a time.
    fn answer_of(script: &str, limit: Duration) -> (TempDir, VersionAnswer) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("server");
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o755)).unwrap();
        let answer = ask_version(file.to_str().unwrap(), limit).unwrap();
        (folder, answer)
    }

    #[test]
    fn a_program_says_its_version_and_its_status() {
        let said = "v=7\n".to_owned();
        let minute = Duration::from_mins(1);
        assert_eq!(answer_of("echo v=7", minute).1, VersionAnswer::Ended { is_success: true, said: said.clone() });
        assert_eq!(answer_of("echo v=7; exit 1", minute).1, VersionAnswer::Ended { is_success: false, said });
    }

    #[test]
    fn a_program_that_never_ends_is_killed_with_its_children() {
        // Its child holds the output open, also where the program itself has ended.
        for script in ["sleep 600 & echo $! >\"$0.child\"; wait", "sleep 600 & echo $! >\"$0.child\""] {
            let (folder, answer) = answer_of(script, Duration::from_secs(1));
            assert_eq!(answer, VersionAnswer::Silent);
            let child = fs::read_to_string(folder.path().join("server.child")).unwrap();
            let state = || fs::read_to_string(format!("/proc/{}/stat", child.trim())).unwrap_or_default();
            let begun = Instant::now();
            // Gone, or dead and not yet reaped by whoever inherited it.
            while !(state().is_empty() || state().contains(") Z ")) {
                assert!(begun.elapsed() < Duration::from_mins(1), "{}", state());
                thread::sleep(POLL_INTERVAL);
            }
        }
    }

    #[test]
    fn only_the_beginning_of_an_endless_answer_is_read() {
        let said = match answer_of("exec yes", Duration::from_mins(1)).1 {
            VersionAnswer::Ended { said, .. } => said,
            VersionAnswer::Silent => String::new(),
        };
        assert_eq!(said.len() as u64, MAX_READ_BYTES);
    }
}
