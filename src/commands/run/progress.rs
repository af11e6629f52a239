//! How a run is getting on, on stderr and on a terminal only.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::commands::output::bars;
use crate::data::{WriteOutcome, WriteRow};
use crate::load::Progress;
use crate::model::{Quorum, ignore_poison};

/// How often the bar is drawn.
const REDRAW: Duration = Duration::from_millis(100);

/// Latencies are counted by their whole milliseconds; those that are longer count as this.
const MAX_LATENCY_MS: usize = 10_000;

/// A bar with the writes done and their running median.
///
/// It has its own thread, which looks at a few numbers every [`REDRAW`]. The load adds to these numbers and does
/// nothing else, whether or not somebody sees the bar: what is measured does not depend on who watches.
pub(super) struct Bar {
    state: Arc<State>,
    /// Dropped when the bar is to go.
    running: Mutex<Option<Sender<()>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the load tells and the display looks at.
struct State {
    /// Writes that ended.
    done: AtomicU64,
    /// How many `ok` writes took each number of whole milliseconds.
    by_latency_ms: Vec<AtomicU32>,
    /// What may still change a follower once all are done, and 1 more; 0 before.
    settling: AtomicU64,
    /// What is being done before and after the load.
    stage: Mutex<&'static str>,
}

impl State {
    fn new() -> Self {
        Self {
            done: AtomicU64::new(0),
            by_latency_ms: (0..=MAX_LATENCY_MS).map(|_| AtomicU32::new(0)).collect(),
            settling: AtomicU64::new(0),
            stage: Mutex::new(""),
        }
    }

    /// The median of the `ok` writes in whole milliseconds: the greater of the two middle ones of an even number. `None`
    /// without any.
    fn median_ms(&self) -> Option<usize> {
        let counts: Vec<u64> = self.by_latency_ms.iter().map(|count| count.load(Ordering::Relaxed).into()).collect();
        let mut left = counts.iter().sum::<u64>() / 2;
        let is_middle = |count: &u64| {
            let is_reached = left < *count;
            left = left.saturating_sub(*count);
            is_reached
        };
        counts.iter().position(is_middle)
    }

    fn message(&self) -> String {
        let stage = *ignore_poison(self.stage.lock());
        match (self.settling.load(Ordering::Relaxed).checked_sub(1), self.median_ms()) {
            _ if stage != WRITES => stage.to_owned(),
            (Some(in_flight), _) => format!("writes; settling, {in_flight} still in flight"),
            (None, Some(median_ms)) => format!("writes, median {median_ms} ms"),
            (None, None) => stage.to_owned(),
        }
    }
}

/// The stage in which the load is.
const WRITES: &str = "writes";

impl Bar {
    /// A bar for one quorum; indicatif hides it where stderr is no terminal.
    pub(super) fn new(quorum: Quorum, writes: u64) -> Self {
        let bar = bars().add(ProgressBar::new(writes));
        let style = ProgressStyle::with_template("{prefix} {bar:30.cyan/dim} {pos}/{len} {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸ "));
        bar.set_prefix(format!("W={quorum}"));
        let state = Arc::new(State::new());
        let (running, ended) = channel();
        let watched = Arc::clone(&state);
        let thread = thread::Builder::new().name("progress".to_owned()).spawn(move || display(&bar, &watched, &ended));
        // Without a thread for it there is no bar.
        Self { state, running: Mutex::new(Some(running)), thread: Mutex::new(thread.ok()) }
    }

    /// Says what is being done, beside the bar.
    pub(super) fn stage(&self, stage: &'static str) {
        *ignore_poison(self.state.stage.lock()) = stage;
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        drop(ignore_poison(self.running.lock()).take());
        if let Some(thread) = ignore_poison(self.thread.lock()).take() {
            // A panic of the display is no reason to lose the run.
            let _ = thread.join();
        }
    }
}

impl Progress for Bar {
    fn load_begins(&self) {
        self.stage(WRITES);
    }

    fn write_done(&self, row: &WriteRow) {
        self.state.done.fetch_add(1, Ordering::Relaxed);
        if row.outcome == WriteOutcome::Ok {
            let ms = usize::try_from(row.latency_us.get() / 1_000).unwrap_or(MAX_LATENCY_MS).min(MAX_LATENCY_MS);
            if let Some(count) = self.state.by_latency_ms.get(ms) {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn settling(&self, in_flight: u64) {
        self.state.settling.store(in_flight.saturating_add(1), Ordering::Relaxed);
    }
}

/// Draws the bar every [`REDRAW`], until it is to go.
fn display(bar: &ProgressBar, state: &State, ended: &Receiver<()>) {
    while ended.recv_timeout(REDRAW) == Err(RecvTimeoutError::Timeout) {
        draw(bar, state);
    }
    bar.finish_and_clear();
}

fn draw(bar: &ProgressBar, state: &State) {
    bar.set_message(state.message());
    bar.set_position(state.done.load(Ordering::Relaxed));
    bar.tick();
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::model::{Micros, TimeSpan, WriteId};

    fn bar() -> Bar {
        Bar::new(1.try_into().unwrap(), 100)
    }

    fn write(latency_ms: u64, outcome: WriteOutcome) -> WriteRow {
        let (key, value) = ("k0".into(), "v0".to_owned());
        let latency_us = TimeSpan::new(latency_ms * 1_000 + 999);
        let (http_status, version, acks, error, sent_us) = (None, None, None, None, None);
        let (write, start_us) = (WriteId::new(0), Micros::ZERO);
        WriteRow { write, key, value, start_us, latency_us, outcome, http_status, version, acks, error, sent_us }
    }

    #[test]
    fn shows_writes_done_and_the_median_of_those_acknowledged() {
        let bar = bar();
        bar.load_begins();
        assert_eq!(bar.state.message(), "writes");
        for ms in [40, 10, 30, 20] {
            bar.write_done(&write(ms, WriteOutcome::Ok));
        }
        bar.write_done(&write(5_000, WriteOutcome::Unknown));
        let shown = ProgressBar::hidden();
        draw(&shown, &bar.state);
        assert_eq!((shown.position(), shown.message().as_str()), (5, "writes, median 30 ms"));
        bar.write_done(&write(1_000_000, WriteOutcome::Ok));
        bar.write_done(&write(1_000_000, WriteOutcome::Ok));
        assert_eq!(bar.state.median_ms(), Some(40));
    }

    #[test]
    fn tells_what_is_done_before_and_after() {
        let bar = bar();
        bar.stage("starting");
        assert_eq!(bar.state.message(), "starting");
        bar.load_begins();
        bar.write_done(&write(1, WriteOutcome::Ok));
        bar.settling(3);
        assert_eq!(bar.state.message(), "writes; settling, 3 still in flight");
        bar.stage("stopping the nodes");
        assert_eq!(bar.state.message(), "stopping the nodes");
    }

    #[test]
    fn a_finished_bar_takes_whatever_else_is_told() {
        let bar = bar();
        bar.finish();
        bar.write_done(&write(1, WriteOutcome::Ok));
        bar.finish();
        assert_eq!(bar.state.done.load(Ordering::Relaxed), 1);
    }
}
