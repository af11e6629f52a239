//! One running adapter: a child of `labctl supervise --session`, which ends with it all that it has started.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::{Mutex as AsyncMutex, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::failure::Failure;
use super::lines::{NoLine, next_line};
use super::protocol::{AdapterAnswer, AdapterRequest, Question, quoted, shortened};
use super::tail::Tail;
use crate::model::ignore_poison;

/// How long the end of a process may stay unseen after the end of its output, and the end of its standard error.
const END_NOTICE: Duration = Duration::from_secs(1);
/// How often a process that is to end is looked at.
const POLL: Duration = Duration::from_millis(5);
/// The longest answer to anything but a dump.
const MAX_LINE_BYTES: usize = 1 << 20;

/// How adapters are started.
#[derive(Debug)]
pub(super) struct Launch {
    /// The program and its arguments.
    pub(super) command: Vec<String>,
    /// Where it starts. Empty: where labctl runs.
    pub(super) folder: PathBuf,
    /// The longest dump.
    pub(super) max_dump_bytes: usize,
}

/// A running adapter. Its input closes when this is dropped.
#[derive(Debug)]
pub(super) struct Process {
    input: AsyncMutex<ChildStdin>,
    exchange: Arc<Mutex<Exchange>>,
    limit: Arc<AtomicUsize>,
    max_dump_bytes: usize,
}

/// A running adapter as those see it who have to end it.
#[derive(Debug)]
pub(super) struct Handle {
    supervisor: Arc<Mutex<Child>>,
    pub(super) said: Arc<Mutex<Tail>>,
}

/// Requests under way.
#[derive(Debug, Default)]
struct Exchange {
    /// The number of the next one.
    next: u64,
    waiting: BTreeMap<u64, oneshot::Sender<AdapterAnswer>>,
    /// Those that nobody waits for any more: their answers may still come.
    given_up: BTreeSet<u64>,
    /// What has ended the exchange.
    failure: Option<String>,
}

impl Launch {
    /// Starts an adapter; within a runtime.
    ///
    /// # Errors
    /// When its supervisor cannot be started. What becomes of the adapter is told by its answers.
    pub(super) fn start(&self) -> io::Result<(Process, Handle)> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["supervise", "--session", "--"]).args(&self.command);
        if !self.folder.as_os_str().is_empty() {
            command.current_dir(&self.folder);
        }
        // Python would keep its answers back until there are many.
        command.env("PYTHONUNBUFFERED", "1").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A Ctrl-C on the terminal is labctl's to handle.
        let mut supervisor = command.process_group(0).spawn()?;
        let no_stream = || io::Error::other("it has no streams");
        let input = ChildStdin::from_std(supervisor.stdin.take().ok_or_else(no_stream)?)?;
        let output = ChildStdout::from_std(supervisor.stdout.take().ok_or_else(no_stream)?)?;
        let errors = ChildStderr::from_std(supervisor.stderr.take().ok_or_else(no_stream)?)?;
        let supervisor = Arc::new(Mutex::new(supervisor));
        let (said, exchange) = (Arc::<Mutex<Tail>>::default(), Arc::<Mutex<Exchange>>::default());
        let limit = Arc::new(AtomicUsize::new(MAX_LINE_BYTES));
        let drained = tokio::spawn(Tail::drain(errors, Arc::clone(&said)));
        let reader = Reader {
            supervisor: Arc::clone(&supervisor),
            said: Arc::clone(&said),
            exchange: Arc::clone(&exchange),
            limit: Arc::clone(&limit),
        };
        tokio::spawn(reader.read(output, drained));
        let process = Process { input: AsyncMutex::new(input), exchange, limit, max_dump_bytes: self.max_dump_bytes };
        Ok((process, Handle { supervisor, said }))
    }
}

impl Process {
    /// Asks something and waits for the answer.
    ///
    /// # Errors
    /// When none comes within `limit`, or the adapter is broken. What the adapter itself calls an error is an
    /// answer.
    pub(super) async fn ask(&self, question: &Question<'_>, limit: Duration) -> Result<AdapterAnswer, Failure> {
        if matches!(question, Question::Dump { .. }) {
            self.limit.fetch_max(self.max_dump_bytes, Ordering::Relaxed);
        }
        let (sender, answer) = oneshot::channel();
        let id = {
            let mut exchange = ignore_poison(self.exchange.lock());
            if let Some(why) = &exchange.failure {
                return Err(Failure::Broken(why.clone()));
            }
            let id = exchange.next;
            exchange.next += 1;
            exchange.waiting.insert(id, sender);
            id
        };
        // Also where the caller gives up first.
        let _waiting = Waiting { exchange: &self.exchange, id };
        let mut line = serde_json::to_vec(&AdapterRequest { id, question })
            .map_err(|error| Failure::Broken(format!("cannot ask it: {error}")))?;
        line.push(b'\n');
        let exchanged = async {
            // An adapter that has ended cannot be written to; its output says why.
            let _ = self.input.lock().await.write_all(&line).await;
            answer.await
        };
        match timeout(limit, exchanged).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => {
                let why = ignore_poison(self.exchange.lock()).failure.clone();
                Err(Failure::Broken(why.unwrap_or_else(|| "its answers cannot be read any more".to_owned())))
            }
            Err(_) => Err(Failure::Late(limit)),
        }
    }
}

/// A request that is given up when this is dropped, unless it was answered.
struct Waiting<'a> {
    exchange: &'a Mutex<Exchange>,
    id: u64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut exchange = ignore_poison(self.exchange.lock());
        if exchange.waiting.remove(&self.id).is_some() {
            exchange.given_up.insert(self.id);
        }
    }
}

impl Exchange {
    /// Gives an answer to who waits for it.
    ///
    /// # Errors
    /// When nobody has asked for it.
    fn answer(&mut self, answer: AdapterAnswer) -> Result<(), String> {
        let id = answer.id;
        if let Some(waiting) = self.waiting.remove(&id) {
            // Whoever asked may have given up at this moment.
            let _ = waiting.send(answer);
            return Ok(());
        }
        match self.given_up.remove(&id) {
            true => Ok(()),
            false if id < self.next => Err(format!("it answered request {id} twice")),
            false => Err(format!("it answered request {id}, which was never made")),
        }
    }
}

/// Reads an adapter's answers until it breaks or ends.
struct Reader {
    supervisor: Arc<Mutex<Child>>,
    said: Arc<Mutex<Tail>>,
    exchange: Arc<Mutex<Exchange>>,
    limit: Arc<AtomicUsize>,
}

impl Reader {
    async fn read(self, output: ChildStdout, drained: JoinHandle<()>) {
        let mut output = BufReader::new(output);
        let why = loop {
            let line = match next_line(&mut output, || self.limit.load(Ordering::Relaxed)).await {
                Ok(line) => line,
                Err(no_line) => break self.why_no_line(no_line, drained).await,
            };
            let answered =
                AdapterAnswer::parse(&line).and_then(|answer| ignore_poison(self.exchange.lock()).answer(answer));
            if let Err(why) = answered {
                break why;
            }
        };
        let mut exchange = ignore_poison(self.exchange.lock());
        exchange.failure = Some(why);
        exchange.waiting.clear();
    }

    /// Why an adapter says nothing more.
    async fn why_no_line(&self, no_line: NoLine, drained: JoinHandle<()>) -> String {
        match no_line {
            NoLine::TooLong(line) => {
                let (limit, line) = (self.limit.load(Ordering::Relaxed) >> 20, String::from_utf8_lossy(&line));
                format!("it wrote a line longer than {limit} MiB: {}", quoted(&line))
            }
            NoLine::Unreadable(error) => format!("its answers cannot be read: {error}"),
            NoLine::Ended(rest) => {
                let how = match self.exit_status().await {
                    Some(status) => {
                        // What it said last may still be on its way.
                        let _ = timeout(END_NOTICE, drained).await;
                        format!("it ended ({status})")
                    }
                    None => "it closed its standard output".to_owned(),
                };
                let rest = String::from_utf8_lossy(&rest);
                let unended = if rest.trim().is_empty() { None } else { Some(shortened(&rest)) };
                match ignore_poison(self.said.lock()).last_words().or(unended) {
                    Some(said) => format!("{how}; it said {}", quoted(&said)),
                    None => how,
                }
            }
        }
    }

    /// How the adapter has ended. `None` if it runs on.
    async fn exit_status(&self) -> Option<String> {
        let deadline = Instant::now() + END_NOTICE;
        loop {
            let ended = ignore_poison(self.supervisor.lock()).try_wait();
            match ended {
                Ok(Some(status)) => return Some(status_text(status.code())),
                Ok(None) if Instant::now() < deadline => sleep(POLL).await,
                Ok(None) | Err(_) => return None,
            }
        }
    }
}

/// How an adapter ended, by the exit code of its supervisor: it is the adapter's, or 128 and the number of the
/// signal that has ended it.
fn status_text(code: Option<i32>) -> String {
    match code {
        Some(code @ 129..=192) => format!("killed by signal {}", code - 128),
        Some(code) => format!("exit status {code}"),
        None => "its supervisor was killed".to_owned(),
    }
}

impl Handle {
    /// Whether the adapter, and all that it had started, has ended.
    pub(super) fn has_ended(&self) -> bool {
        // What cannot be asked any more is no child any more.
        !matches!(ignore_poison(self.supervisor.lock()).try_wait(), Ok(None))
    }

    /// Has the adapter, and all that it has started, be killed.
    pub(super) fn kill(&self) {
        let mut supervisor = ignore_poison(self.supervisor.lock());
        // Until it was waited for, its id is not given out anew.
        if let Ok(None) = supervisor.try_wait() {
            let _ = kill_process(Pid::from_child(&supervisor), Signal::TERM);
        }
    }
}
