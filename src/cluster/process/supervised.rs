//! A foreign program under supervision: see [`supervisor`](super::supervisor).

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{self, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Pid;

use super::child::Child;
use super::listener;
use super::log::BoundedLog;
use super::orphans::{self, FOLDER, NODE, OWNER};
use super::program::Program;
use super::protocol::{COMMAND, NodeOrder, Notice};
use crate::cluster::Owner;
use crate::cluster::error::status_text;

/// How long a supervisor may take to start the program, to carry an order out, and to end. Longer
/// than it gives the processes of its node.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);
/// How often a supervisor that is to end is looked at.
const POLL: Duration = Duration::from_millis(1);

/// A program and its supervisor.
#[derive(Debug)]
pub(super) struct Supervised {
    supervisor: process::Child,
    orders: Option<ChildStdin>,
    notices: mpsc::Receiver<Notice>,
    /// How the program ended, once it has.
    ended: Option<String>,
    /// Processes that could not be killed.
    left: Option<String>,
    /// The node's own folder, by which what a killed supervisor leaves behind is found.
    folder: PathBuf,
    log: BoundedLog,
    /// How much of the log has been looked at.
    seen: u64,
    /// The beginning of a line whose end has not been printed yet.
    begun: Vec<u8>,
}

impl Supervised {
    /// Starts a supervisor, `labctl supervise`, and the program.
    ///
    /// # Errors
    /// When one of them cannot be started.
    pub(super) fn spawn(name: &str, labctl: &Path, program: &Program, log: &File) -> io::Result<Self> {
        let mut command = Command::new(labctl);
        command.arg(COMMAND).args(program.supervision.arguments()).arg("--");
        command.arg(&program.path).args(&program.arguments);
        let own = program.folder.as_deref().ok_or_else(|| io::Error::other("it has no folder"))?;
        command.current_dir(program.start_in.as_deref().unwrap_or(own));
        let mut supervisor = command
            .env_clear()
            .envs(&program.variables)
            .env(OWNER, Owner::this().to_string())
            .env(NODE, name)
            .env(FOLDER, own)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log.try_clone()?)
            // A Ctrl-C on the terminal is labctl's to handle.
            .process_group(0)
            .spawn()?;
        let (orders, stdout) = (supervisor.stdin.take(), supervisor.stdout.take());
        let (sender, notices) = mpsc::channel();
        thread::spawn(move || {
            let lines = stdout.into_iter().flat_map(|stdout| BufReader::new(stdout).lines()).map_while(Result::ok);
            for notice in lines.filter_map(|line| line.parse().ok()) {
                if sender.send(notice).is_err() {
                    break;
                }
            }
        });
        let log = BoundedLog::new(log.try_clone()?);
        let (_, seen) = log.since(0)?;
        let mut started = Self {
            supervisor,
            orders,
            notices,
            ended: None,
            left: None,
            folder: own.to_owned(),
            log,
            seen,
            begun: Vec::new(),
        };
        started.await_answer(&Notice::Started)?;
        Ok(started)
    }

    fn ends_by(&mut self, deadline: Instant) -> io::Result<bool> {
        while self.supervisor.try_wait()?.is_none() {
            if Instant::now() > deadline {
                return Ok(false);
            }
            thread::sleep(POLL);
        }
        Ok(true)
    }

    /// Gives an order and waits until it is carried out.
    fn order(&mut self, order: NodeOrder) -> io::Result<()> {
        self.give(order)?;
        self.await_answer(&Notice::Done)
    }

    fn give(&mut self, order: NodeOrder) -> io::Result<()> {
        let orders = self.orders.as_mut().ok_or_else(|| io::Error::other("it is ending"))?;
        writeln!(orders, "{order}")
    }

    /// Waits until the supervisor says this.
    fn await_answer(&mut self, wanted: &Notice) -> io::Result<()> {
        let deadline = Instant::now() + ANSWER_LIMIT;
        loop {
            match self.notices.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(notice) if notice == *wanted => return Ok(()),
                Ok(Notice::Unstartable(reason) | Notice::Refused(reason)) => return Err(io::Error::other(reason)),
                Ok(notice) => self.note(notice),
                Err(RecvTimeoutError::Timeout) => return Err(io::Error::other("its supervisor does not answer")),
                Err(RecvTimeoutError::Disconnected) => {
                    let ended = self.ended()?.unwrap_or_default();
                    return Err(io::Error::other(format!("it has ended ({ended})")));
                }
            }
        }
    }

    fn note(&mut self, notice: Notice) {
        match notice {
            Notice::Ended(how) => self.ended = Some(how),
            Notice::Left(pids) => self.left = Some(pids),
            Notice::Started | Notice::Unstartable(_) | Notice::Done | Notice::Refused(_) => {}
        }
    }
}

impl Child for Supervised {
    fn is_anothers(&self, port: u16) -> bool {
        listener::is_anothers(port, Pid::from_child(&self.supervisor))
    }

    fn own_ports(&self) -> BTreeSet<u16> {
        listener::ports_of(Pid::from_child(&self.supervisor))
    }

    /// The whole lines that it has printed since the last call.
    fn new_lines(&mut self) -> Vec<String> {
        let Ok((new, seen)) = self.log.since(self.seen) else { return Vec::new() };
        self.seen = seen;
        self.begun.extend(new);
        let whole = self.begun.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let rest = self.begun.split_off(whole);
        let lines = std::mem::replace(&mut self.begun, rest);
        String::from_utf8_lossy(&lines).lines().map(str::to_owned).collect()
    }

    /// How the program ended. `None` while it runs.
    fn ended(&mut self) -> io::Result<Option<String>> {
        self.notices.try_iter().collect::<Vec<_>>().into_iter().for_each(|notice| self.note(notice));
        if self.ended.is_none()
            && let Some(status) = self.supervisor.try_wait()?
        {
            // Its last words may have come since.
            self.notices.iter().collect::<Vec<_>>().into_iter().for_each(|notice| self.note(notice));
            if self.ended.is_none() {
                orphans::kill_node(&self.folder);
                self.ended = Some(format!("its supervisor ended: {}", status_text(status)));
            }
        }
        Ok(self.ended.clone())
    }

    /// SIGKILL to all its processes, and their end.
    fn kill(&mut self) -> io::Result<()> {
        // An order that cannot be given finds a supervisor that ends already.
        let _ = self.give(NodeOrder::Kill);
        self.orders = None;
        if !self.ends_by(Instant::now() + ANSWER_LIMIT)? {
            self.supervisor.kill()?;
        }
        if !self.supervisor.wait()?.success() {
            // It was killed, and could not end its node.
            orphans::kill_node(&self.folder);
        }
        self.notices.try_iter().collect::<Vec<_>>().into_iter().for_each(|notice| self.note(notice));
        self.left.take().map_or(Ok(()), |pids| Err(io::Error::other(format!("these processes stay: {pids}"))))
    }

    /// The program's stop signal; true once all its processes have ended, false if it has not by `deadline`.
    /// What it leaves behind is killed.
    fn stop(&mut self, deadline: Instant) -> io::Result<bool> {
        self.order(NodeOrder::Stop)?;
        self.ends_by(deadline)
    }

    /// SIGSTOP to all its processes.
    fn pause(&mut self) -> io::Result<()> {
        self.order(NodeOrder::Pause)
    }

    /// SIGCONT to all its processes.
    fn resume(&mut self) -> io::Result<()> {
        self.order(NodeOrder::Resume)
    }

    fn ask_to_end(&mut self) {
        // It may have ended already. Frozen, it has to wake up to take notice.
        let _ = self.give(NodeOrder::Stop).and_then(|()| self.give(NodeOrder::Resume));
    }

    /// Waits for its end until `deadline`, and kills it then.
    fn end(&mut self, deadline: Instant) -> io::Result<()> {
        self.ends_by(deadline)?;
        self.kill()
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        // Its orders end with this value, and then it ends its node. Waiting leaves no zombie behind.
        self.orders = None;
        let deadline = Instant::now() + ANSWER_LIMIT;
        while matches!(self.supervisor.try_wait(), Ok(None)) && Instant::now() < deadline {
            thread::sleep(POLL);
        }
    }
}
