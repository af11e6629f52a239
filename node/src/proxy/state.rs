//! The state of a proxy's link, as the orders so far have made it.

use super::order::Order;

/// The state of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct LinkState {
    mode: Mode,
    /// From when on slots count. `None` until the first order.
    epoch_us: Option<u64>,
    /// How often all connections have been dropped.
    pub(super) drops: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Mode {
    #[default]
    Pass,
    Slow {
        added_us: u64,
    },
    Cut,
    /// Open for writes alone.
    Mute,
}

impl LinkState {
    /// Does what an order says, which is carried out at `now_us`.
    pub(super) fn obey(&mut self, order: Order, now_us: u64) {
        match order {
            Order::Pass => self.mode = Mode::Pass,
            Order::Slow { added_ms } => self.mode = Mode::Slow { added_us: u64::from(added_ms) * 1_000 },
            Order::Cut => self.mode = Mode::Cut,
            Order::Mute => self.mode = Mode::Mute,
            Order::Epoch => self.epoch_us = Some(now_us),
            Order::Drop => self.drops += 1,
        }
    }

    /// Whether anything is passed on.
    pub(super) fn is_open(&self) -> bool {
        self.mode != Mode::Cut
    }

    /// Whether the direction is open that carries writes, or else the other one.
    pub(super) fn passes(&self, carries_writes: bool) -> bool {
        self.is_open() && (carries_writes || self.mode != Mode::Mute)
    }

    /// What is added to the delay of a write.
    pub(super) fn added_us(&self) -> u64 {
        match self.mode {
            Mode::Slow { added_us } => added_us,
            Mode::Pass | Mode::Cut | Mode::Mute => 0,
        }
    }

    /// The time since the epoch; negative before it.
    pub(super) fn since_epoch_us(&self, now_us: u64) -> i64 {
        // Any negative time is as good as another: all of them are in slot 0.
        self.epoch_us.map_or(-1, |epoch_us| now_us.cast_signed() - epoch_us.cast_signed())
    }
}
