//! One call of an outside program: captured, bounded in time, and stopped on request.
//!
//! This is the only place that uses duct.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::ExitStatus;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio_util::sync::CancellationToken;

use crate::cluster::ClusterError;

/// How often a running program is looked at.
const POLL: Duration = Duration::from_millis(20);

/// How long a program may take to end after SIGTERM, before SIGKILL.
const GRACE: Duration = Duration::from_secs(2);

/// How many lines of what a program printed an error message repeats.
const TAIL_LINES: usize = 12;

/// A program to run, with all that it depends on.
#[derive(Debug, Clone)]
pub(in crate::cluster) struct Call {
    program: OsString,
    args: Vec<OsString>,
    /// What differs from labctl's own environment; `None` removes a variable.
    env: BTreeMap<OsString, Option<OsString>>,
    dir: Option<PathBuf>,
    limit: Duration,
    merged: bool,
    /// What it reads on standard input.
    input: Option<String>,
}

/// How a program ended and what it printed.
#[derive(Debug)]
pub(in crate::cluster) struct Ended {
    pub(in crate::cluster) status: ExitStatus,
    pub(in crate::cluster) stdout: Vec<u8>,
    pub(in crate::cluster) stderr: Vec<u8>,
}

/// Why a program was not left to end by itself.
enum Stopped {
    Cancelled,
    Late,
}

impl Call {
    /// A call that may take at most `limit`.
    pub(in crate::cluster) fn new(program: impl Into<OsString>, limit: Duration) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: BTreeMap::new(),
            dir: None,
            limit,
            merged: false,
            input: None,
        }
    }

    /// Adds arguments.
    pub(in crate::cluster) fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets one variable of the program's environment.
    pub(in crate::cluster) fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.insert(name.into(), Some(value.into()));
        self
    }

    /// Keeps a variable of labctl's own environment from the program.
    pub(in crate::cluster) fn env_remove(mut self, name: impl Into<OsString>) -> Self {
        self.env.insert(name.into(), None);
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

    /// Gives the program this to read on its standard input.
    pub(in crate::cluster) fn input(mut self, text: impl Into<String>) -> Self {
        self.input = Some(text.into());
        self
    }

    /// Runs the program and returns its standard output; anything but success is an error.
    ///
    /// # Errors
    /// As [`Self::finish`], and [`ClusterError::Failed`].
    pub(in crate::cluster) fn read(&self, cancel: &CancellationToken) -> Result<String, ClusterError> {
        let ended = self.finish(cancel)?;
        if ended.status.success() {
            return Ok(String::from_utf8_lossy(&ended.stdout).trim_end().to_owned());
        }
        Err(ClusterError::Failed {
            command: self.line(),
            status: status_text(ended.status),
            stderr: tail(&ended.stderr),
        })
    }

    /// Runs the program to its end, whatever that is.
    ///
    /// # Errors
    /// `Spawn`, `Deadline` and `Interrupted` of [`ClusterError`].
    pub(in crate::cluster) fn finish(&self, cancel: &CancellationToken) -> Result<Ended, ClusterError> {
        if cancel.is_cancelled() {
            return Err(ClusterError::Interrupted);
        }
        let spawn_error = |source| ClusterError::Spawn { command: self.line(), source };
        // Files rather than pipes: a grandchild that outlives a killed program would hold a
        // pipe open, and reading it to its end would wait for that grandchild.
        let mut stdout = tempfile::tempfile().map_err(spawn_error)?;
        let mut stderr = tempfile::tempfile().map_err(spawn_error)?;
        let handle = self.expression(&stdout, &stderr).map_err(spawn_error)?.start().map_err(spawn_error)?;
        match self.watch(&handle, cancel).map_err(spawn_error)? {
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
        let mut expression = duct::cmd(&self.program, &self.args)
            .stdout_file(out.try_clone()?)
            .stderr_file(stderr.try_clone()?)
            .unchecked()
            // A second Ctrl-C of the terminal must not end the clean-up.
            .before_spawn(|command| {
                command.process_group(0);
                Ok(())
            });
        expression = match &self.input {
            Some(text) => expression.stdin_bytes(text.as_bytes()),
            None => expression.stdin_null(),
        };
        for (name, value) in &self.env {
            expression = match value {
                Some(value) => expression.env(name, value),
                None => expression.env_remove(name),
            };
        }
        Ok(match &self.dir {
            Some(dir) => expression.dir(dir),
            None => expression,
        })
    }

    /// Waits for the program's end, or ends it.
    fn watch(&self, handle: &duct::Handle, cancel: &CancellationToken) -> io::Result<Result<ExitStatus, Stopped>> {
        let started = Instant::now();
        let mut pause = Duration::from_millis(1);
        loop {
            if let Some(output) = handle.try_wait()? {
                return Ok(Ok(output.status));
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
    // A signal to a group that has just ended finds nobody, which is what is wanted.
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

fn status_text(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("killed by signal {signal}"),
        (None, None) => status.to_string(),
    }
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
            sh("echo 1; echo 2 >&2; echo 3", Duration::from_secs(60)).merged().finish(&CancellationToken::new());
        assert_eq!(ended.unwrap().stderr, b"1\n2\n3\n");
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
    fn tail_keeps_the_last_lines() {
        let printed: String = (0..100).map(|line| format!("line {line}\n\n")).collect();
        let kept = tail(printed.as_bytes());
        assert_eq!(kept.lines().count(), TAIL_LINES);
        assert!(kept.starts_with("line 88\n") && kept.ends_with("line 99"), "{kept}");
    }
}
