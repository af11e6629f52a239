//! How a run is getting on, on stderr and on a terminal only.

use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::config::Quorum;
use crate::data::{WriteOutcome, WriteRow};
use crate::load::Progress;

/// A bar with the writes done and their running median.
pub(super) struct Bar {
    bar: ProgressBar,
    /// Latencies of the `ok` writes so far, sorted.
    latencies_us: Mutex<Vec<u64>>,
}

impl Bar {
    /// A bar for one quorum; indicatif hides it where stderr is no terminal.
    pub(super) fn new(quorum: Quorum, writes: u64) -> Self {
        let bar = ProgressBar::new(writes);
        let style = ProgressStyle::with_template("{prefix} {bar:30.cyan/dim} {pos}/{len} {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸ "));
        bar.set_prefix(format!("W={quorum}"));
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { bar, latencies_us: Mutex::new(Vec::new()) }
    }

    /// Says what is being done, beside the bar.
    pub(super) fn stage(&self, stage: &'static str) {
        self.bar.set_message(stage);
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Progress for Bar {
    fn write_done(&self, row: &WriteRow) {
        self.bar.inc(1);
        if row.outcome != WriteOutcome::Ok || self.bar.is_hidden() {
            return;
        }
        if let Ok(mut latencies) = self.latencies_us.lock() {
            let at = latencies.partition_point(|latency| *latency < row.latency_us);
            latencies.insert(at, row.latency_us);
            let median = Duration::from_micros(latencies[latencies.len() / 2]);
            self.bar.set_message(format!("writes, median {} ms", median.as_millis()));
        }
    }

    fn settling(&self, in_flight: u64) {
        self.bar.set_message(format!("writes; settling, {in_flight} replications in flight"));
    }
}
