//! A child of labctl that ends by itself once labctl is gone: labctl itself, as a node or a proxy.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{self, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

use super::child::Child;
use super::listener;
use super::orphans::{NODE, OWNER};
use super::program::Program;
use crate::cluster::Owner;
use crate::cluster::error::status_text;

/// One process, without children.
#[derive(Debug)]
pub(super) struct Direct {
    child: process::Child,
    /// Lines of its standard output.
    lines: mpsc::Receiver<String>,
}

impl Direct {
    /// Starts it; its standard error goes to `log`.
    pub(super) fn spawn(name: &str, program: &Program, log: &File) -> io::Result<Self> {
        let mut child = Command::new(&program.path)
            .args(&program.arguments)
            .env_clear()
            .envs(&program.variables)
            .env(OWNER, Owner::this().to_string())
            .env(NODE, name)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log.try_clone()?)
            // A Ctrl-C on the terminal is labctl's to handle. A group of its own also has the
            // kernel wake and end a frozen process once labctl is gone, mostly: see `Self::pause`.
            .process_group(0)
            .spawn()?;
        let stdout = child.stdout.take();
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in stdout.into_iter().flat_map(|stdout| BufReader::new(stdout).lines()).map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Self { child, lines })
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(kill_process(Pid::from_child(&self.child), signal)?)
    }

    /// Waits until the kernel has frozen or thawed it, or it has ended, which `ended` will tell.
    fn await_change(&self, change: WaitIdOptions) -> io::Result<()> {
        // Its end is left for `Child` to see.
        let options = change | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        waitid(WaitId::Pid(Pid::from_child(&self.child)), options)?;
        Ok(())
    }

    /// Polls it until it has ended or the deadline passes.
    fn ends_by(&mut self, deadline: Instant) -> bool {
        loop {
            match self.child.try_wait() {
                Ok(Some(_)) => return true,
                Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(2)),
                Ok(None) | Err(_) => return false,
            }
        }
    }
}

impl Child for Direct {
    fn is_anothers(&self, port: u16) -> bool {
        listener::is_anothers(port, Pid::from_child(&self.child))
    }

    fn own_ports(&self) -> BTreeSet<u16> {
        listener::ports_of(Pid::from_child(&self.child))
    }

    /// The lines that it has printed since the last call.
    fn new_lines(&mut self) -> Vec<String> {
        self.lines.try_iter().collect()
    }

    /// How it ended. `None` while it runs.
    fn ended(&mut self) -> io::Result<Option<String>> {
        Ok(self.child.try_wait()?.map(status_text))
    }

    /// SIGKILL, and its end.
    fn kill(&mut self) -> io::Result<()> {
        self.child.kill().and_then(|()| self.child.wait().map(drop))
    }

    /// SIGTERM; true once it has ended, false if it has not by `deadline`.
    fn stop(&mut self, deadline: Instant) -> io::Result<bool> {
        self.signal(Signal::TERM)?;
        Ok(self.ends_by(deadline))
    }

    /// SIGSTOP. A frozen process cannot see that labctl is gone, but it is in a process group
    /// that it shares with no other node, and POSIX has the kernel send SIGHUP and SIGCONT to the stopped members of
    /// a group that is orphaned (`_exit`, "Consequences of Process Termination"). It is not
    /// orphaned where labctl's heir is of the same session, as in some containers; then the
    /// next labctl finds it: see `orphans`.
    fn pause(&mut self) -> io::Result<()> {
        self.signal(Signal::STOP)?;
        self.await_change(WaitIdOptions::STOPPED)
    }

    /// SIGCONT.
    fn resume(&mut self) -> io::Result<()> {
        self.signal(Signal::CONT)?;
        self.await_change(WaitIdOptions::CONTINUED)
    }

    /// Sends SIGTERM; frozen, it has to wake up to take notice.
    fn ask_to_end(&mut self) {
        // It may have ended already.
        let _ = self.signal(Signal::TERM);
        let _ = self.signal(Signal::CONT);
    }

    /// Waits for its end until `deadline`, and kills it then.
    fn end(&mut self, deadline: Instant) -> io::Result<()> {
        if self.ends_by(deadline) { Ok(()) } else { self.kill() }
    }
}
