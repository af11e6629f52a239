//! The process that runs filters: `labctl filter`. It has a limit of memory, and ends with labctl.

use std::io::{self, BufRead, Write};
use std::process::{ExitCode, exit};
use std::sync::mpsc;
use std::thread;

use rustix::process::{Resource, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

use super::STACK_BYTES;
use super::evaluate::{Evaluator, Take};

/// The name of the hidden command.
pub(super) const COMMAND: &str = "filter";
/// How much memory a worker may have, in MiB.
pub(super) const MEMORY_MIB: u64 = 1_024;

/// What a worker is asked: this line of JSON, then `length` bytes of an answer. It answers with one line of JSON, a list
/// of [`Outputs`](super::Outputs).
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FilterJob {
    /// The filters.
    pub(super) filters: Vec<String>,
    /// How many outputs of each are wanted.
    pub(super) take: Take,
    /// The length of the answer that follows, in bytes.
    pub(super) length: usize,
}

/// Runs filters until standard input ends.
#[must_use]
pub fn run() -> ExitCode {
    let memory = MEMORY_MIB << 20;
    let mut limit = getrlimit(Resource::As);
    limit.current = Some(limit.maximum.map_or(memory, |most| most.min(memory)));
    if setrlimit(Resource::As, limit).is_err() {
        return ExitCode::FAILURE;
    }
    let (sender, jobs) = mpsc::channel();
    thread::spawn(move || {
        let mut input = io::stdin().lock();
        while let Some(job) = read(&mut input) {
            if sender.send(job).is_err() {
                break;
            }
        }
        // labctl is gone, or wants no more: whatever a filter does at the moment.
        exit(0);
    });
    let work = thread::Builder::new().stack_size(STACK_BYTES).spawn(move || {
        let mut evaluator = Evaluator::default();
        for (job, body) in jobs {
            let outputs = evaluator.run(&job.filters, job.take, &body);
            drop(body);
            if write(&outputs).is_err() {
                break;
            }
        }
    });
    match work.map(thread::JoinHandle::join) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// The next job. `None` if there is none.
fn read(input: &mut impl BufRead) -> Option<(FilterJob, Vec<u8>)> {
    let mut line = String::new();
    input.read_line(&mut line).ok()?;
    let job: FilterJob = serde_json::from_str(&line).ok()?;
    let mut body = vec![0; job.length];
    input.read_exact(&mut body).ok()?;
    Some((job, body))
}

fn write(outputs: &impl Serialize) -> io::Result<()> {
    let mut output = io::BufWriter::new(io::stdout().lock());
    serde_json::to_writer(&mut output, outputs)?;
    output.write_all(b"\n")?;
    output.flush()
}
