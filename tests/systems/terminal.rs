//! A program on a terminal of its own, whose questions are answered one by one.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// Longer than any program takes to ask or to end.
const LIMIT: Duration = Duration::from_secs(60);

pub(crate) struct Terminal {
    child: Child,
    keyboard: File,
    screen: Receiver<Vec<u8>>,
    shown: String,
}

impl Terminal {
    /// Starts a command whose standard streams are a new terminal.
    pub(crate) fn start(mut command: Command) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap();
        let name = Path::new(std::ffi::OsStr::from_bytes(name.to_bytes()));
        let theirs = || OpenOptions::new().read(true).write(true).open(name).unwrap();
        let child = command.stdin(theirs()).stdout(theirs()).stderr(theirs()).spawn().unwrap();
        // Its own copies would keep the terminal open.
        drop(command);
        let keyboard = File::from(ours);
        let mut output = keyboard.try_clone().unwrap();
        let (send, screen) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 4_096];
            // The end of a terminal is an error.
            while let Ok(count @ 1..) = output.read(&mut buffer) {
                if send.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, keyboard, screen, shown: String::new() }
    }

    /// Waits until the program asks this, and types a line.
    pub(crate) fn answer(&mut self, question: &str, line: &str) {
        let deadline = Instant::now() + LIMIT;
        while !self.shown.ends_with(question) {
            let left = deadline.saturating_duration_since(Instant::now());
            let piece = self.screen.recv_timeout(left);
            assert!(piece.is_ok(), "it does not ask {question:?}:\n{}", self.shown);
            let piece = piece.unwrap();
            self.shown.push_str(&String::from_utf8_lossy(&piece));
        }
        self.shown.clear();
        writeln!(self.keyboard, "{line}").unwrap();
    }

    /// How the program ends, and what it shows after the last answer.
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        while let Ok(piece) = self.screen.recv_timeout(LIMIT) {
            self.shown.push_str(&String::from_utf8_lossy(&piece));
        }
        (self.child.wait().unwrap(), self.shown)
    }
}
