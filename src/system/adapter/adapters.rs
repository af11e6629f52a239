//! The adapters of one session: a process for each request that is under way at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use tokio::sync::{Mutex as AsyncMutex, Semaphore};

use super::failure::Failure;
use super::process::{Handle, Launch, Process};
use super::protocol::{AdapterAnswer, Hello, Question, quoted};
use crate::model::{NodeId, ignore_poison};

/// How long an adapter may take to answer `hello`.
const START_LIMIT: Duration = Duration::from_secs(20);
/// The most processes that answer questions about nodes.
const MAX_ASKED: usize = 8;
/// How long all processes may take to end: longer than their supervisors give them.
const END_LIMIT: Duration = Duration::from_secs(15);
/// How often they are looked at meanwhile.
const POLL: Duration = Duration::from_millis(2);

/// What a process is asked for. One that serves writes serves nothing else, so that no write waits for a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Writes: a process for each that is under way.
    Writes,
    /// Reads of the load: likewise.
    Reads,
    /// Questions about nodes.
    Questions,
}

/// The processes of one session. Dropping this ends them, and waits for that.
#[derive(Debug)]
pub(super) struct Adapters {
    launch: Launch,
    hello: Mutex<Hello>,
    /// How many processes answer questions about nodes.
    most_asked: usize,
    /// Whether one process takes requests while it works on others.
    overlaps: bool,
    idle: Mutex<Vec<(Purpose, Running)>>,
    asked: Semaphore,
    /// The only process, if it overlaps.
    only: AsyncMutex<Option<Running>>,
    handles: Mutex<Vec<Arc<Handle>>>,
    version: OnceLock<String>,
}

/// A process, and who has to end it.
#[derive(Debug, Clone)]
struct Running {
    process: Arc<Process>,
    handle: Arc<Handle>,
}

/// A process while somebody asks it something.
struct Taken<'a> {
    adapters: &'a Adapters,
    purpose: Purpose,
    running: Running,
    is_sound: bool,
}

impl Adapters {
    pub(super) fn new(launch: Launch, hello: Hello, overlaps: bool) -> Self {
        let most_asked = MAX_ASKED.min(hello.nodes.len());
        Self {
            launch,
            overlaps,
            idle: Mutex::default(),
            asked: Semaphore::new(most_asked),
            most_asked,
            hello: Mutex::new(hello),
            only: AsyncMutex::default(),
            handles: Mutex::default(),
            version: OnceLock::new(),
        }
    }

    /// Asks a process something and waits for the answer.
    ///
    /// # Errors
    /// When none comes within `limit`, or the process is broken. What the adapter calls an error is an answer.
    pub(super) async fn ask(
        &self,
        purpose: Purpose,
        question: &Question<'_>,
        limit: Duration,
    ) -> Result<AdapterAnswer, Failure> {
        let _permit = match purpose {
            Purpose::Questions => self.asked.acquire().await.ok(),
            Purpose::Writes | Purpose::Reads => None,
        };
        let taken = self.take(purpose).await?;
        let answered = taken.running.process.ask(question, limit).await;
        match answered {
            Ok(_) => taken.give_back(),
            Err(_) => drop(taken),
        }
        if matches!(answered, Err(Failure::Late(_))) && purpose == Purpose::Writes && !self.overlaps {
            // Now, so that the next write need not wait for it.
            let fresh = self.start().await?;
            self.keep(purpose, fresh);
        }
        answered
    }

    /// Has a process for each question that may be asked at once.
    ///
    /// # Errors
    /// When one does not start.
    pub(super) async fn start_asked(&self) -> Result<(), Failure> {
        if self.overlaps {
            return Ok(());
        }
        let all = (0..self.most_asked).map(|_| self.take(Purpose::Questions));
        try_join_all(all).await?.into_iter().for_each(Taken::give_back);
        Ok(())
    }

    /// The version of the store; empty if it tells none, or no process was started yet.
    pub(super) fn version(&self) -> String {
        self.version.get().cloned().unwrap_or_default()
    }

    /// What the processes have printed on their standard error, one after the other.
    pub(super) fn said(&self) -> String {
        let handles = ignore_poison(self.handles.lock());
        let mut text = String::new();
        for (index, handle) in handles.iter().enumerate() {
            let said = ignore_poison(handle.said.lock()).text();
            if !said.is_empty() {
                text.push_str(&format!("process {}:\n{}\n", index + 1, said.trim_end()));
            }
        }
        text
    }

    /// Nodes listen here from now on: processes that were told otherwise are replaced.
    pub(super) fn redirect(&self, addresses: BTreeMap<NodeId, String>) {
        let mut hello = ignore_poison(self.hello.lock());
        if hello.addresses != addresses {
            hello.addresses = addresses;
            ignore_poison(self.idle.lock()).clear();
        }
    }

    /// Kills every process, and all that it has started.
    pub(super) fn kill(&self) {
        ignore_poison(self.handles.lock()).iter().for_each(|handle| handle.kill());
    }

    /// A process for one request.
    async fn take(&self, purpose: Purpose) -> Result<Taken<'_>, Failure> {
        let running = if self.overlaps {
            let mut only = self.only.lock().await;
            match &*only {
                Some(running) => running.clone(),
                None => only.insert(self.start().await?).clone(),
            }
        } else {
            match self.take_idle(purpose) {
                Some(running) => running,
                None => self.start().await?,
            }
        };
        Ok(Taken { adapters: self, purpose, running, is_sound: false })
    }

    fn take_idle(&self, purpose: Purpose) -> Option<Running> {
        let mut idle = ignore_poison(self.idle.lock());
        let index = idle.iter().rposition(|(its, _)| *its == purpose)?;
        Some(idle.swap_remove(index).1)
    }

    fn keep(&self, purpose: Purpose, running: Running) {
        ignore_poison(self.idle.lock()).push((purpose, running));
    }

    /// Starts a process and tells it what is measured.
    async fn start(&self) -> Result<Running, Failure> {
        let started = self.launch.start();
        let (process, handle) =
            started.map_err(|error| Failure::Broken(format!("its supervisor cannot be started: {error}")))?;
        let running = Running { process: Arc::new(process), handle: Arc::new(handle) };
        ignore_poison(self.handles.lock()).push(Arc::clone(&running.handle));
        let hello = ignore_poison(self.hello.lock()).clone();
        let greeted = match running.process.ask(&Question::Hello(&hello), START_LIMIT).await {
            Ok(answer) => match answer.error() {
                None => answer.hello(),
                Some(error) => Err(Failure::Refused(error).to_string()),
            },
            Err(Failure::Late(_)) => Err(self.silent(&running.handle)),
            Err(failure) => Err(failure.to_string()),
        };
        // One process speaks for all.
        let version = greeted.map_err(|why| {
            running.handle.kill();
            Failure::Broken(why)
        })?;
        self.version.get_or_init(|| version);
        Ok(running)
    }

    /// Why an adapter that does not greet may be silent.
    fn silent(&self, handle: &Handle) -> String {
        let said = ignore_poison(handle.said.lock()).last_words();
        let said = said.map(|said| format!("; it said {}", quoted(&said))).unwrap_or_default();
        format!(
            "it did not answer within {} s; an adapter flushes its output after each line{said}",
            START_LIMIT.as_secs()
        )
    }
}

impl Taken<'_> {
    /// Keeps the process for the next request.
    fn give_back(mut self) {
        self.is_sound = true;
    }
}

impl Drop for Taken<'_> {
    /// Ends a process that owes an answer, unless others use it too.
    fn drop(&mut self) {
        match (self.adapters.overlaps, self.is_sound) {
            (true, _) => {}
            (false, true) => self.adapters.keep(self.purpose, self.running.clone()),
            (false, false) => self.running.handle.kill(),
        }
    }
}

impl Drop for Adapters {
    /// Closes the input of every process and waits for their ends; what does not end by itself its supervisor kills.
    fn drop(&mut self) {
        ignore_poison(self.idle.get_mut()).clear();
        *self.only.get_mut() = None;
        let handles = ignore_poison(self.handles.get_mut());
        let deadline = Instant::now() + END_LIMIT;
        while Instant::now() < deadline && !handles.iter().all(|handle| handle.has_ended()) {
            thread::sleep(POLL);
        }
        if handles.iter().any(|handle| !handle.has_ended()) {
            tracing::warn!("an adapter cannot be ended");
        }
    }
}
