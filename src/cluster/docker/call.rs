//! One call of an outside program: captured, bounded in time, and stopped on request.
//!
//! This is the only place that uses duct.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio_util::sync::CancellationToken;

use crate::cluster::ClusterError;
use crate::cluster::error::status_text;

/// How often a running program is looked at.
const POLL: Duration = Duration::from_millis(20);

/// How long a program may take to end after SIGTERM, before SIGKILL.
const GRACE: Duration = Duration::from_secs(2);

/// After how long it is told that a program still runs, and then how often.
const FIRST_WORD: Duration = Duration::from_secs(1);
const NEXT_WORD: Duration = Duration::from_secs(30);

/// How many lines of what a program printed an error message repeats.
const TAIL_LINES: usize = 12;

/// A program to run, with all that it depends on.
#[derive(Debug, Clone)]
pub(in crate::cluster) struct Call {
    program: OsString,
    args: Vec<OsString>,
    /// Its whole environment.
    env: BTreeMap<OsString, OsString>,
    dir: Option<PathBuf>,
    limit: Duration,
    merged: bool,
}

/// How a program ended and what it printed.
#[derive(Debug)]
struct Ended {
    status: ExitStatus,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

/// Why a program was not left to end by itself.
enum Stopped {
    Cancelled,
    Late,
}

impl Call {
    /// A call in labctl's own environment that may take at most `limit`.
    pub(in crate::cluster) fn new(program: impl Into<OsString>, limit: Duration) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: std::env::vars_os().collect(),
            dir: None,
            limit,
            merged: false,
        }
    }

    /// Adds arguments.
    pub(in crate::cluster) fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets one variable of the program's environment.
    pub(in crate::cluster) fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// Keeps every other variable of labctl's own environment from the program.
    pub(in crate::cluster) fn keep_env(mut self, passes: impl Fn(&OsString) -> bool) -> Self {
        self.env.retain(|name, _| passes(name));
        self
    }

    /// Runs the program in this folder.
    pub(in crate::cluster) fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// Takes what goes to standard output as standard error, in the order in which it was
    /// printed: for programs whose complaints are found on either.
    pub(in crate::cluster) fn merged(mut self) -> Self {
        self.merged = true;
        self
    }

    /// Runs the program and returns its standard output; anything but success is an error.
    ///
    /// # Errors
    /// `Spawn`, `Temporary`, `Failed`, `Deadline` and `Interrupted` of [`ClusterError`].
    pub(in crate::cluster) fn read(&self, cancel: &CancellationToken) -> Result<String, ClusterError> {
        self.read_telling(&|_| {}, cancel)
    }

    /// As [`Self::read`], for what may take long: tells how long the program has been running,
    /// first after [`FIRST_WORD`] and then every [`NEXT_WORD`].
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(in crate::cluster) fn read_telling(
        &self,
        tell: &dyn Fn(Duration),
        cancel: &CancellationToken,
    ) -> Result<String, ClusterError> {
        let ended = self.succeed(tell, cancel)?;
        Ok(String::from_utf8_lossy(&ended.stdout).trim_end().to_owned())
    }

    /// Runs the program and returns its standard error; anything but success is an error.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(in crate::cluster) fn printed(&self, cancel: &CancellationToken) -> Result<Vec<u8>, ClusterError> {
        self.succeed(&|_| {}, cancel).map(|ended| ended.stderr)
    }

    fn succeed(&self, tell: &dyn Fn(Duration), cancel: &CancellationToken) -> Result<Ended, ClusterError> {
        let ended = self.run(tell, cancel)?;
        if ended.status.success() {
            return Ok(ended);
        }
        Err(ClusterError::Failed {
            command: self.line(),
            status: status_text(ended.status),
            stderr: tail(&ended.stderr),
        })
    }

    /// Runs the program to its end, whatever that is.
    fn run(&self, tell: &dyn Fn(Duration), cancel: &CancellationToken) -> Result<Ended, ClusterError> {
        if cancel.is_cancelled() {
            return Err(ClusterError::Interrupted);
        }
        let spawn_error = |source| ClusterError::Spawn { command: self.line(), source };
        // Files rather than pipes: a grandchild that outlives a killed program would hold a
        // pipe open, and reading it to its end would wait for that grandchild.
        let mut stdout = tempfile::tempfile().map_err(ClusterError::temporary)?;
        let mut stderr = tempfile::tempfile().map_err(ClusterError::temporary)?;
        let handle = self.expression(&stdout, &stderr).map_err(spawn_error)?.start().map_err(spawn_error)?;
        match self.watch(&handle, tell, cancel).map_err(spawn_error)? {
            Ok(status) => Ok(Ended {
                status,
                stdout: contents(&mut stdout).map_err(spawn_error)?,
                stderr: contents(&mut stderr).map_err(spawn_error)?,
            }),
            Err(Stopped::Cancelled) => Err(ClusterError::Interrupted),
            Err(Stopped::Late) => Err(ClusterError::Deadline {
                command: self.line(),
                limit: self.limit,
                stderr: tail(&contents(&mut stderr).map_err(spawn_error)?),
            }),
        }
    }

    fn expression(&self, stdout: &File, stderr: &File) -> io::Result<duct::Expression> {
        let out = if self.merged { stderr } else { stdout };
        let expression = duct::cmd(&self.program, &self.args)
            .stdout_file(out.try_clone()?)
            .stderr_file(stderr.try_clone()?)
            .stdin_null()
            .full_env(&self.env)
            .unchecked()
            // A second Ctrl-C of the terminal must not end the clean-up.
            .before_spawn(|command| {
                command.process_group(0);
                Ok(())
            });
        Ok(match &self.dir {
            Some(dir) => expression.dir(dir),
            None => expression,
        })
    }

    /// Waits for the program's end, or ends it.
    fn watch(
        &self,
        handle: &duct::Handle,
        tell: &dyn Fn(Duration),
        cancel: &CancellationToken,
    ) -> io::Result<Result<ExitStatus, Stopped>> {
        let started = Instant::now();
        let mut next_word = FIRST_WORD;
        let mut pause = Duration::from_millis(1);
        loop {
            if let Some(output) = handle.try_wait()? {
                return Ok(Ok(output.status));
            }
            if started.elapsed() >= next_word {
                tell(started.elapsed());
                next_word += NEXT_WORD;
            }
            let stopped = if cancel.is_cancelled() {
                Stopped::Cancelled
            } else if started.elapsed() >= self.limit {
                Stopped::Late
            } else {
                thread::sleep(pause);
                pause = POLL.min(pause * 2);
                continue;
            };
            end(handle)?;
            return Ok(Err(stopped));
        }
    }

    /// The command line, as one would type it.
    fn line(&self) -> String {
        let words = std::iter::once(&self.program).chain(&self.args);
        let quoted: Vec<String> = words.map(|word| quoted(&word.to_string_lossy())).collect();
        quoted.join(" ")
    }
}

/// Ends a program and its process group: asks first, so that `docker` can tell its plug-ins.
fn end(handle: &duct::Handle) -> io::Result<()> {
    // A group that has just ended cannot be signalled, and need not be.
    let signal = |signal| {
        for pid in handle.pids().into_iter().filter_map(|pid| Pid::from_raw(pid.cast_signed())) {
            let _ = kill_process_group(pid, signal);
        }
    };
    signal(Signal::TERM);
    let asked = Instant::now();
    while handle.try_wait()?.is_none() {
        if asked.elapsed() >= GRACE {
            signal(Signal::KILL);
            handle.wait()?;
            break;
        }
        thread::sleep(POLL);
    }
    Ok(())
}

fn contents(file: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The last lines of what a program printed, without Compose's progress (` Container x  Started`).
pub(in crate::cluster) fn tail(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> =
        text.lines().map(str::trim_end).filter(|line| !line.is_empty() && !is_progress(line)).collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

fn is_progress(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    line.starts_with(' ')
        && matches!(words.as_slice(), ["Container" | "Network" | "Volume" | "Image", _, state]
            if state.ends_with("ing") || state.ends_with("ed"))
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn sh(script: &str, limit: Duration) -> Call {
        Call::new("sh", limit).args(["-c", script])
    }

    #[test]
    fn failure_repeats_command_status_and_stderr() {
        let error =
            sh("echo out; echo ' Container a-f1-1  Started' >&2; echo boom >&2; exit 3", Duration::from_secs(60))
                .read(&CancellationToken::new())
                .unwrap_err();
        let text = error.to_string();
        assert!(text.contains("(exit status 3)"), "{text}");
        assert!(text.ends_with("\n    boom"), "{text}");
        assert!(text.starts_with("`sh -c 'echo out;"), "{text}");
    }

    #[test]
    fn merged_output_keeps_its_order() {
        let ended =
            sh("echo 1; echo 2 >&2; echo 3", Duration::from_secs(60)).merged().printed(&CancellationToken::new());
        assert_eq!(ended.unwrap(), b"1\n2\n3\n");
    }

    #[test]
    fn deadline_ends_the_whole_group() {
        // Were the grandchild alive or its output awaited, this would take a minute.
        let started = Instant::now();
        let error = sh("echo busy >&2; sleep 60 & wait", Duration::from_millis(200))
            .read(&CancellationToken::new())
            .unwrap_err();
        assert!(matches!(&error, ClusterError::Deadline { stderr, .. } if stderr == "busy"), "{error}");
        assert!(started.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_program_that_ignores_the_request_is_killed() {
        let started = Instant::now();
        let error = sh("trap '' TERM; while :; do sleep 60; done", Duration::from_millis(200))
            .read(&CancellationToken::new())
            .unwrap_err();
        assert!(matches!(error, ClusterError::Deadline { .. }), "{error}");
        assert!(started.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = Call::new("no-such-program", POLL).read(&CancellationToken::new()).unwrap_err();
        assert!(error.to_string().starts_with("cannot run `no-such-program`: "), "{error}");
    }

    #[test]
    fn a_program_gets_what_passes_and_nothing_else() {
        let seen = Call::new("env", Duration::from_secs(60))
            .keep_env(|name| name == "PATH")
            .env("ONE", "1")
            .read(&CancellationToken::new())
            .unwrap();
        let mut names: Vec<_> = seen.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
        names.sort_unstable();
        assert_eq!(names, ["ONE", "PATH"]);
    }

    #[test]
    fn a_program_that_takes_long_is_told_of() {
        let told = std::cell::RefCell::new(Vec::new());
        let tell = |elapsed: Duration| told.borrow_mut().push(elapsed.as_secs());
        sh("sleep 1.5", Duration::from_secs(60)).read_telling(&tell, &CancellationToken::new()).unwrap();
        assert_eq!(*told.borrow(), [1]);
        sh("exit 0", Duration::from_secs(60)).read_telling(&tell, &CancellationToken::new()).unwrap();
        assert_eq!(told.borrow().len(), 1);
    }

    #[test]
    fn tail_keeps_the_last_lines() {
        let printed: String = (0..100).map(|line| format!("line {line}\n\n")).collect();
        let kept = tail(printed.as_bytes());
        assert_eq!(kept.lines().count(), TAIL_LINES);
        assert!(kept.starts_with("line 88\n") && kept.ends_with("line 99"), "{kept}");
    }
}
