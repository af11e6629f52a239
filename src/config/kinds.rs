//! What experiments.toml has to know of the systems that can be measured. `config` does not know
//! them: its caller passes their list in.

use std::fmt;

use serde::de::DeserializeOwned;

use super::experiment::Experiment;
use super::reader::{Fields, Problems};
use super::system::{SystemConfig, SystemSettings};
use crate::model::Capabilities;

/// The kinds of systems that can be measured.
pub trait SystemKinds {
    /// The names of all kinds.
    fn names(&self) -> Vec<&'static str>;

    /// Reads the settings of a table `[system.NAME]` of this kind, all but unknown keys, and
    /// reports what is wrong with them. An unknown kind has no settings.
    fn read_settings(&self, kind: &str, fields: &mut Fields<'_>, problems: &mut Problems<'_>) -> SystemSettings;

    /// Whether the number of followers follows from each quorum where an experiment of this kind leaves it out.
    fn has_followers_by_quorum(&self, kind: &str) -> bool;

    /// Reports the settings of an experiment that its system cannot take. Returns what the system
    /// lets be seen and done, or `None` if it cannot be configured.
    fn check(&self, experiment: &Experiment, misfits: &mut Misfits) -> Option<Capabilities>;
}

/// The settings of an experiment that its system cannot take.
#[derive(Debug, Default)]
pub struct Misfits(Vec<Misfit>);

/// A setting that the system cannot take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// Its key below the experiment, e.g. `network.order`, `quorums[0]` or `fault[1].until`, or
    /// below the system's table, e.g. `system.program`.
    pub key: String,
    /// Why not, and what would be accepted.
    pub message: String,
}

impl Misfits {
    /// Reports a key of the experiment (`network.order`, `fault[1].until`) or, after `system.`,
    /// of the system's table (`system.program`).
    pub fn add(&mut self, key: impl Into<String>, message: impl Into<String>) {
        self.0.push(Misfit { key: key.into(), message: message.into() });
    }

    /// The settings of a system as its kind's own type. `None` if they are not those of its kind,
    /// which is reported: only a program that made them itself can meet that.
    pub fn settings_of<T: DeserializeOwned>(&mut self, system: &SystemConfig) -> Option<T> {
        system.settings.parse().map_err(|error| self.add("system", error.to_string())).ok()
    }

    /// All that were reported, in their order.
    #[must_use]
    pub fn into_vec(self) -> Vec<Misfit> {
        self.0
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.shown_key(), self.message)
    }
}

impl Misfit {
    /// The key as a message names it: without the numbers of list items.
    pub(super) fn shown_key(&self) -> String {
        let mut depth = 0_u32;
        let keep = |c: &char| {
            depth += u32::from(*c == '[');
            let is_outside = depth == 0;
            depth -= u32::from(*c == ']' && depth > 0);
            is_outside
        };
        self.key.chars().filter(keep).collect()
    }
}
