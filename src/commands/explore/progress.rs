//! Progress of an exploration: a bar on stderr, on a terminal only.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::explore::Point;

/// A bar over all replications: they take nearly all the time.
pub(super) struct ExplorationBar {
    bar: ProgressBar,
    points: usize,
    points_done: AtomicUsize,
}

impl ExplorationBar {
    /// A bar for these points; indicatif hides it if stderr is not a terminal.
    pub(super) fn new(points: &[Point]) -> Self {
        let bar = ProgressBar::new(points.iter().map(Point::replications).sum());
        let style = ProgressStyle::with_template("{bar:30.cyan/dim} {percent}%  {msg}, {eta} left");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸ "));
        bar.enable_steady_tick(Duration::from_millis(200));
        let bar = Self { bar, points: points.len(), points_done: AtomicUsize::new(0) };
        bar.tell(0);
        bar
    }

    /// Notes that a run of this point ended.
    pub(super) fn run_done(&self, point: &Point) {
        self.bar.inc(point.replications() / point.seeds);
    }

    /// Notes that all runs of a point ended.
    pub(super) fn point_done(&self) {
        self.tell(self.points_done.fetch_add(1, Ordering::Relaxed) + 1);
    }

    fn tell(&self, done: usize) {
        self.bar.set_message(format!("{done} of {} points", self.points));
    }

    /// Removes the bar.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
