//! Processes that run filters, a few at a time.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Mutex;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::Filter;
use super::evaluate::{Outputs, Take};
use super::failure::FilterFailure;
use super::worker::{COMMAND, FilterJob, MEMORY_MIB};
use crate::model::ignore_poison;

/// How many filters run at once.
const WORKERS: usize = 2;
/// How long filters may take, at least.
const LIMIT: Duration = Duration::from_secs(5);
/// How much of an answer filters are given one more second for.
const BYTES_A_SECOND: usize = 1 << 20;
/// How much filters may give.
const MAX_OUTPUT_MIB: u64 = 128;
/// How much of what a worker prints when it fails is read.
const MAX_SAID_BYTES: u64 = 4_096;

/// Runs filters where they can be stopped.
#[derive(Debug)]
pub(in super::super) struct FilterPool {
    /// labctl itself.
    labctl: PathBuf,
    free: Semaphore,
    idle: Mutex<Vec<Worker>>,
}

impl FilterPool {
    /// A pool whose workers are this labctl.
    pub(in super::super) fn new(labctl: PathBuf) -> Self {
        Self { labctl, free: Semaphore::new(WORKERS), idle: Mutex::default() }
    }

    /// What each filter gives for an answer.
    ///
    /// # Errors
    /// When they cannot be run within the limits of time and memory. A filter that fails is no error.
    pub(in super::super) async fn run(
        &self,
        filters: &[&Filter],
        take: Take,
        body: &[u8],
    ) -> Result<Vec<Outputs>, FilterFailure> {
        if filters.is_empty() {
            return Ok(Vec::new());
        }
        let filters = filters.iter().map(|filter| filter.as_str().to_owned()).collect();
        let job = FilterJob { filters, take, length: body.len() };
        let _permit = self.free.acquire().await;
        let idle = ignore_poison(self.idle.lock()).pop();
        let mut worker = match idle {
            Some(worker) => worker,
            None => Worker::start(&self.labctl)?,
        };
        let limit = LIMIT + Duration::from_secs((body.len() / BYTES_A_SECOND) as u64);
        // A worker that is dropped is killed.
        let outputs = match timeout(limit, worker.ask(&job, body)).await {
            Ok(answered) => answered?,
            Err(_) => return Err(FilterFailure::Endless(limit.as_secs())),
        };
        ignore_poison(self.idle.lock()).push(worker);
        Ok(outputs)
    }
}

/// A process that runs filters.
#[derive(Debug)]
struct Worker {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Worker {
    fn start(labctl: &Path) -> Result<Self, FilterFailure> {
        let refuse = |reason: String| FilterFailure::NotStarted(reason);
        let mut child = Command::new(labctl)
            .arg(COMMAND)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| refuse(error.to_string()))?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (input, output) = pipes.ok_or_else(|| refuse("it has no pipes".to_owned()))?;
        Ok(Self { child, input, output: BufReader::new(output) })
    }

    async fn ask(&mut self, job: &FilterJob, body: &[u8]) -> Result<Vec<Outputs>, FilterFailure> {
        match self.exchange(job, body).await {
            Ok(Some(line)) if line.ends_with(b"\n") => {
                serde_json::from_slice(&line).map_err(|error| FilterFailure::Ended(error.to_string()))
            }
            Ok(Some(_)) => Err(FilterFailure::TooLong(MAX_OUTPUT_MIB)),
            Ok(None) | Err(_) => Err(self.explain().await),
        }
    }

    /// Asks, and reads the line of the answer. `None` if the worker ends instead.
    async fn exchange(&mut self, job: &FilterJob, body: &[u8]) -> std::io::Result<Option<Vec<u8>>> {
        let mut line = serde_json::to_vec(job)?;
        line.push(b'\n');
        self.input.write_all(&line).await?;
        self.input.write_all(body).await?;
        self.input.flush().await?;
        line.clear();
        let limit = MAX_OUTPUT_MIB << 20;
        (&mut self.output).take(limit).read_until(b'\n', &mut line).await?;
        let is_whole = line.ends_with(b"\n") || line.len() as u64 == limit;
        Ok(is_whole.then_some(line))
    }

    /// Why a worker has ended.
    async fn explain(&mut self) -> FilterFailure {
        let mut said = Vec::new();
        if let Some(errors) = self.child.stderr.take() {
            // What was said so far has to do.
            let _: std::io::Result<usize> = errors.take(MAX_SAID_BYTES).read_to_end(&mut said).await;
        }
        let said = String::from_utf8_lossy(&said).into_owned();
        if said.contains("memory allocation") {
            FilterFailure::TooLarge(MEMORY_MIB)
        } else if said.contains("overflowed its stack") {
            FilterFailure::TooDeep
        } else {
            let status = self.child.wait().await.map_or_else(|error| error.to_string(), |status| status.to_string());
            let line = said.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
            FilterFailure::Ended(format!("{status} {line}").trim_end().to_owned())
        }
    }
}
