//! `key_order`: which key each write sets.

use std::fmt;

use clap::ValueEnum;
use rand::RngExt;
use rand_distr::{Distribution as _, Zipf};
use serde::{Deserialize, Serialize};

use super::Workload;
use crate::config::setting::{choice, optional_setting};
use crate::model::{Accepted, named_stream, refusal};

/// Which key each write sets.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyOrder {
    /// Write i sets key k(i mod keys)
    #[default]
    Rotation,
    /// Each key is as likely as every other
    Random,
    /// Key k(i) is drawn with a chance proportional to 1 / (i + 1) ^ `zipf_exponent`
    Zipf,
}

choice!(KeyOrder);

/// The exponent of Zipf's law. At 0.99, with 1,000 keys, one write in eight sets k0.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct ZipfExponent(f64);

optional_setting!(ZipfExponent);

impl Default for ZipfExponent {
    /// The one of YCSB: B. F. Cooper et al., "Benchmarking cloud serving systems with YCSB", SoCC 2010.
    fn default() -> Self {
        Self(0.99)
    }
}

impl Accepted for ZipfExponent {
    fn accepted() -> String {
        "a number from 0.01 to 10".to_owned()
    }
}

impl TryFrom<f64> for ZipfExponent {
    type Error = String;

    fn try_from(value: f64) -> Result<Self, String> {
        if (0.01..=10.0).contains(&value) { Ok(Self(value)) } else { Err(refusal::<Self>("an exponent", value)) }
    }
}

impl From<ZipfExponent> for f64 {
    fn from(exponent: ZipfExponent) -> Self {
        exponent.0
    }
}

impl fmt::Display for ZipfExponent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Workload {
    /// The number of the key that each write sets, by write: below `keys`. The same at every quorum; of the seed if
    /// keys are drawn.
    #[must_use]
    pub fn key_numbers(&self, seed: u64) -> Vec<u32> {
        let (writes, keys) = (self.writes.get(), self.keys.get());
        let mut rng = named_stream(seed, "load: keys");
        match self.key_order {
            KeyOrder::Rotation => (0..writes).map(|write| write % keys).collect(),
            KeyOrder::Random => (0..writes).map(|_| rng.random_range(0..keys)).collect(),
            KeyOrder::Zipf => {
                let exponent = self.zipf_exponent.unwrap_or_default();
                // The bounds of both settings are within those of the distribution.
                let ranks = Zipf::new(f64::from(keys), exponent.0).ok();
                // Ranks are whole numbers from 1 to `keys`.
                let mut draw = || ranks.map_or(0, |ranks| ranks.sample(&mut rng) as u32 - 1);
                (0..writes).map(|_| draw()).collect()
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    /// How often each key is written.
    fn counts(key_order: KeyOrder, writes: i64, keys: i64) -> Vec<f64> {
        let (writes, keys) = (writes.try_into().unwrap(), keys.try_into().unwrap());
        let workload = Workload { writes, keys, key_order, ..Workload::default() };
        let mut counts = vec![0.0; workload.keys.get() as usize];
        workload.key_numbers(42).into_iter().for_each(|key| counts[key as usize] += 1.0);
        counts
    }

    /// Pearson's statistic against these chances.
    fn chi_squared(counts: &[f64], chance: impl Fn(usize) -> f64) -> f64 {
        let n: f64 = counts.iter().sum();
        let term = |(key, count): (usize, &f64)| (count - n * chance(key)).powi(2) / (n * chance(key));
        counts.iter().enumerate().map(term).sum()
    }

    #[test]
    fn rotation_goes_round_the_keys() {
        assert_eq!(counts(KeyOrder::Rotation, 100, 10), [10.0; 10]);
        assert_eq!(Workload::default().key_numbers(1)[..12], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]);
    }

    #[test]
    fn random_keys_are_equally_likely_and_those_of_zipf_follow_its_law() {
        // 99 degrees of freedom: above 148.2 once in 1,000 samples, by chance.
        let random = counts(KeyOrder::Random, 100_000, 100);
        assert!(chi_squared(&random, |_| 0.01) < 148.2);
        let weight = |key: usize| (key as f64 + 1.0).powf(-0.99);
        let sum: f64 = (0..100).map(weight).sum();
        let zipf = counts(KeyOrder::Zipf, 100_000, 100);
        assert!(chi_squared(&zipf, |key| weight(key) / sum) < 148.2);
    }

    #[test]
    fn drawn_keys_are_a_function_of_the_seed() {
        for key_order in [KeyOrder::Random, KeyOrder::Zipf] {
            let workload = Workload { key_order, ..Workload::default() };
            assert_eq!(workload.key_numbers(42), workload.key_numbers(42));
            assert_ne!(workload.key_numbers(42), workload.key_numbers(43));
        }
    }

    #[test]
    fn one_key_is_all_there_is() {
        for key_order in [KeyOrder::Rotation, KeyOrder::Random, KeyOrder::Zipf] {
            assert_eq!(counts(key_order, 50, 1), [50.0]);
        }
    }
}
