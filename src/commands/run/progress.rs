//! How a run is getting on, on stderr and on a terminal only.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::config::Quorum;
use crate::data::{WriteOutcome, WriteRow};
use crate::load::Progress;

/// How often the bar is drawn.
const REDRAW: Duration = Duration::from_millis(100);

/// A bar with the writes done and their running median.
///
/// It lives on a thread of its own. The load sends it a few bytes for each write and never
/// waits, and the thread does the same whether or not somebody sees the bar: what is measured
/// does not depend on who watches.
pub(super) struct Bar {
    news: Sender<News>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the display is told.
enum News {
    Stage(&'static str),
    /// A write ended: its latency where it was acknowledged.
    Write(Option<u64>),
    Settling(u64),
    Finish,
}

impl Bar {
    /// A bar for one quorum; indicatif hides it where stderr is no terminal.
    pub(super) fn new(quorum: Quorum, writes: u64) -> Self {
        let bar = ProgressBar::new(writes);
        let style = ProgressStyle::with_template("{prefix} {bar:30.cyan/dim} {pos}/{len} {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸ "));
        bar.set_prefix(format!("W={quorum}"));
        let (news, incoming) = channel();
        let thread = thread::Builder::new().name("progress".to_owned()).spawn(move || Display::new(bar).run(&incoming));
        // Without a thread for it there is no bar.
        Self { news, thread: Mutex::new(thread.ok()) }
    }

    /// Says what is being done, beside the bar.
    pub(super) fn stage(&self, stage: &'static str) {
        self.tell(News::Stage(stage));
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.tell(News::Finish);
        if let Some(thread) = self.thread.lock().ok().and_then(|mut thread| thread.take()) {
            // A panic of the display is no reason to lose the run.
            let _ = thread.join();
        }
    }

    fn tell(&self, news: News) {
        // Nobody listens any more once the bar is finished.
        let _ = self.news.send(news);
    }
}

impl Progress for Bar {
    fn write_done(&self, row: &WriteRow) {
        self.tell(News::Write((row.outcome == WriteOutcome::Ok).then_some(row.latency_us)));
    }

    fn settling(&self, in_flight: u64) {
        self.tell(News::Settling(in_flight));
    }
}

/// The display's side.
struct Display {
    bar: ProgressBar,
    /// Latencies of the `ok` writes so far, in no order.
    latencies_us: Vec<u64>,
    done: u64,
    message: String,
}

impl Display {
    fn new(bar: ProgressBar) -> Self {
        Self { bar, latencies_us: Vec::new(), done: 0, message: String::new() }
    }

    /// Takes in what it is told and draws it every [`REDRAW`], until it is to finish.
    fn run(mut self, incoming: &Receiver<News>) {
        let mut drawn = Instant::now();
        loop {
            match incoming.recv_timeout(REDRAW.saturating_sub(drawn.elapsed())) {
                Ok(News::Finish) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(news) => self.take(news),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if drawn.elapsed() >= REDRAW {
                self.draw();
                drawn = Instant::now();
            }
        }
        self.bar.finish_and_clear();
    }

    fn take(&mut self, news: News) {
        match news {
            News::Write(latency_us) => {
                self.done += 1;
                self.latencies_us.extend(latency_us);
                self.message.clear();
            }
            News::Stage(stage) => stage.clone_into(&mut self.message),
            News::Settling(in_flight) => self.message = format!("writes; settling, {in_flight} still in flight"),
            News::Finish => {}
        }
    }

    fn draw(&mut self) {
        let median = self.median();
        let message = match median.filter(|_| self.message.is_empty()) {
            Some(median) => format!("writes, median {} ms", median.as_millis()),
            None => self.message.clone(),
        };
        self.bar.set_message(message);
        self.bar.set_position(self.done);
        self.bar.tick();
    }

    /// The greater of the two middle ones of an even number; `None` without any.
    fn median(&mut self) -> Option<Duration> {
        let middle = self.latencies_us.len() / 2;
        (!self.latencies_us.is_empty()).then(|| Duration::from_micros(*self.latencies_us.select_nth_unstable(middle).1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn display(news: impl IntoIterator<Item = News>) -> Display {
        let mut display = Display::new(ProgressBar::hidden());
        news.into_iter().for_each(|news| display.take(news));
        display.draw();
        display
    }

    #[test]
    fn tells_the_running_median_of_what_was_acknowledged() {
        let writes = [5_000, 9_000, 1_000, 7_000].map(|us| News::Write(Some(us)));
        let display = display([News::Stage("starting")].into_iter().chain(writes).chain([News::Write(None)]));
        assert_eq!((display.bar.position(), display.bar.message().as_str()), (5, "writes, median 7 ms"));
    }

    #[test]
    fn tells_what_is_done_before_and_after() {
        assert_eq!(display([News::Stage("starting")]).bar.message(), "starting");
        let settling = display([News::Write(Some(1)), News::Settling(3)]);
        assert_eq!(settling.bar.message(), "writes; settling, 3 still in flight");
    }

    #[test]
    fn telling_costs_the_load_no_more_than_a_message() {
        let (news, incoming) = channel();
        let bar = Bar { news, thread: Mutex::new(None) };
        // Nobody takes anything in, and nothing waits for that.
        (0..100_000).for_each(|in_flight| bar.settling(in_flight));
        bar.finish();
        drop(bar);
        assert_eq!(incoming.iter().count(), 100_001);
    }
}
