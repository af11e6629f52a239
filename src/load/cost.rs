//! What driving the load takes of this machine's processors.

use std::fs;
use std::sync::Mutex;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::progress::Progress;
use crate::data::{LoadCost, WriteRow};
use crate::model::{TimeSpan, ignore_poison};

/// Ticks of all processors since the machine's start, as `/proc/stat` counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct MachineTicks {
    idle: u64,
    all: u64,
}

/// Fewest ticks of all processors together of which a share is told: they are 10 ms long.
const MIN_TICKS: u64 = 50;

impl MachineTicks {
    fn read() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/stat").ok()?)
    }

    /// The first line: user, nice, system, idle, iowait, irq, softirq, steal. What follows is part of user.
    fn parse(stat: &str) -> Option<Self> {
        let of_all = stat.lines().next()?.strip_prefix("cpu ")?;
        let ticks: Vec<u64> = of_all.split_whitespace().take(8).map(str::parse).collect::<Result<_, _>>().ok()?;
        Some(Self { idle: ticks.get(3)? + ticks.get(4)?, all: ticks.iter().sum() })
    }

    /// The share of the time until `later` in which processors were busy, 0 to 1. `None` of too short a time.
    fn busy_until(self, later: Self) -> Option<f64> {
        let all = later.all.checked_sub(self.all).filter(|all| *all >= MIN_TICKS)?;
        let idle = later.idle.saturating_sub(self.idle).min(all);
        Some(1.0 - idle as f64 / all as f64)
    }
}

/// What had been used by one moment.
#[derive(Debug, Clone, Copy)]
struct Used {
    /// Processor time of this process.
    own: Duration,
    machine: Option<MachineTicks>,
}

impl Used {
    fn now() -> Self {
        // Never negative.
        let own = Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default();
        Self { own, machine: MachineTicks::read() }
    }

    fn until(self, later: Self) -> LoadCost {
        let machine_busy = self.machine.zip(later.machine).and_then(|(before, after)| before.busy_until(after));
        LoadCost { cpu_us: TimeSpan::from(later.own.saturating_sub(self.own)), machine_busy }
    }
}

/// Passes on how a run is getting on, and measures what the load costs meanwhile.
pub struct Metered<'a> {
    watched: &'a dyn Progress,
    begun: Mutex<Option<Used>>,
    cost: Mutex<Option<LoadCost>>,
}

impl<'a> Metered<'a> {
    /// Passes on to `watched`.
    #[must_use]
    pub fn new(watched: &'a dyn Progress) -> Self {
        Self { watched, begun: Mutex::default(), cost: Mutex::default() }
    }

    /// The cost of the load. `None` until it has ended.
    #[must_use]
    pub fn cost(&self) -> Option<LoadCost> {
        *ignore_poison(self.cost.lock())
    }
}

impl Progress for Metered<'_> {
    fn load_begins(&self) {
        self.watched.load_begins();
        *ignore_poison(self.begun.lock()) = Some(Used::now());
    }

    fn write_done(&self, row: &WriteRow) {
        self.watched.write_done(row);
    }

    fn load_ended(&self) {
        let begun = *ignore_poison(self.begun.lock());
        *ignore_poison(self.cost.lock()) = begun.map(|begun| begun.until(Used::now()));
        self.watched.load_ended();
    }

    fn settling(&self, in_flight: u64) {
        self.watched.settling(in_flight);
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_busy_while_it_neither_idles_nor_waits_for_disks() {
        let ticks = |stat: &str| MachineTicks::parse(stat).unwrap();
        let before = ticks("cpu  100 0 50 800 50 0 0 0 40 0\ncpu0 1 2 3 4\n");
        assert_eq!(before, MachineTicks { idle: 850, all: 1_000 });
        let after = ticks("cpu  200 0 90 850 60 0 0 0 90 0\n");
        assert!((before.busy_until(after).unwrap() - 0.7).abs() < 1e-9);
        assert_eq!(before.busy_until(before), None);
        assert_eq!(MachineTicks::parse("intr 5\n"), None);
    }

    #[test]
    fn the_cost_is_that_of_the_load_alone() {
        struct Unwatched;
        impl Progress for Unwatched {
            fn write_done(&self, _: &WriteRow) {}
            fn settling(&self, _: u64) {}
        }
        let metered = Metered::new(&Unwatched);
        assert_eq!(metered.cost(), None);
        metered.load_begins();
        let used = Used::now().own;
        while Used::now().own < used + Duration::from_millis(2) {}
        metered.load_ended();
        let cost = metered.cost().unwrap();
        assert!(cost.cpu_us >= TimeSpan::new(2_000), "{cost:?}");
        assert!(cost.machine_busy.is_none_or(|busy| (0.0..=1.0).contains(&busy)));
    }
}
