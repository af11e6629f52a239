//! `[experiment.NAME.workload]`: the load.

use serde::{Deserialize, Serialize};

use super::setting::{is_default, settings};
use crate::model::ranged_integer;

mod arrivals;
mod keys;

pub use arrivals::{Arrivals, Pacing, Rate};
pub use keys::{KeyOrder, ZipfExponent};

settings! {
    /// The writes of a run.
    #[cfg_attr(test, derive(schemars::JsonSchema))]
    #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
    pub struct Workload {
        /// Number of writes.
        writes: WriteCount = WriteCount::constant(100), words "{} writes";
        /// Most writes in flight at a time.
        concurrency: Concurrency = Concurrency::constant(10), words "{} at a time";
        /// Number of keys.
        keys: KeyCount = KeyCount::constant(10), words "{} keys";
        /// When the next write starts.
        pacing: Pacing = Pacing::Window, words "{} pacing";
        /// Length of each written value: it begins with the write's number and is filled up. 0: no filling.
        #[serde(default, skip_serializing_if = "is_default")]
        value_bytes: ValueBytes = ValueBytes::default(), words_if_changed "values of {} bytes";
        /// Which key each write sets.
        #[serde(default, skip_serializing_if = "is_default")]
        key_order: KeyOrder = KeyOrder::Rotation, words_if_changed "keys by {}";
        /// How much more often the first keys are written, if `key_order` is `zipf`.
        #[serde(default, skip_serializing_if = "is_default")]
        zipf_exponent: Option<ZipfExponent> = None, words_if_given "Zipf exponent {}";
        /// How many writes are to start in a second, if pacing is `open`.
        #[serde(default, skip_serializing_if = "is_default")]
        rate_per_s: Option<Rate> = None, words_if_given "{} writes a second";
        /// How far apart they are to start.
        #[serde(default, skip_serializing_if = "is_default")]
        arrivals: Option<Arrivals> = None, words_if_given "{} arrivals";
    }
}

ranged_integer!(
    /// Number of writes of a run.
    WriteCount(u32), "the number of writes", 1..=10_000_000
);
ranged_integer!(
    /// Most writes in flight at a time.
    Concurrency(u32), "the concurrency", 1..=10_000
);
ranged_integer!(
    /// Number of keys.
    KeyCount(u32), "the number of keys", 1..=1_000_000
);
ranged_integer!(
    /// Length of each written value in bytes, or 0 for the shortest.
    #[derive(Default)]
    ValueBytes(u32), "the length of a value in bytes", 0..=65_536
);

/// The concurrency of an open loop that leaves it out: far more than are in flight while a system keeps up.
const OPEN_CONCURRENCY: Concurrency = Concurrency::constant(1_000);

impl Workload {
    /// The defaults of a workload with this pacing.
    pub(super) fn with_pacing(pacing: Option<Pacing>) -> Self {
        let default = Self::default();
        match pacing {
            Some(Pacing::Open) => Self { concurrency: OPEN_CONCURRENCY, ..default },
            _ => default,
        }
    }

    /// The same with what only its pacing and its order of keys have, where that was left out.
    pub(super) fn resolved(self) -> Self {
        let arrivals = || (self.pacing == Pacing::Open).then(Arrivals::default);
        let exponent = || (self.key_order == KeyOrder::Zipf).then(ZipfExponent::default);
        Self { arrivals: self.arrivals.or_else(arrivals), zipf_exponent: self.zipf_exponent.or_else(exponent), ..self }
    }

    /// Settings that contradict the pacing or the order of keys: the key of each, and why.
    pub(super) fn contradictions(&self) -> Vec<(&'static str, String)> {
        let is_open = self.pacing == Pacing::Open;
        let only_open = " is only for an open loop; set pacing = \"open\" or leave it out";
        let mut found = Vec::new();
        if is_open && self.rate_per_s.is_none() {
            found.push(("pacing", format!(": \"open\" needs rate_per_s, {}", Rate::in_words())));
        }
        if !is_open && self.rate_per_s.is_some() {
            found.push(("rate_per_s", only_open.to_owned()));
        }
        if !is_open && self.arrivals.is_some() {
            found.push(("arrivals", only_open.to_owned()));
        }
        if self.key_order != KeyOrder::Zipf && self.zipf_exponent.is_some() {
            let message = " is only for keys by zipf; set key_order = \"zipf\" or leave it out";
            found.push(("zipf_exponent", message.to_owned()));
        }
        found
    }
}
