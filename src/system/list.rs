//! Every system that labctl can measure. A new one is its folder beside this file, its module here
//! and its kind in the list: no other file of `src/` names it.

use std::sync::Arc;

use super::checks;
use super::labnode::LabNodeKind;
use super::traits::{Presence, System, SystemKind};
use crate::config::{Experiment, Fields, Misfit, Misfits, Problems, SystemKinds, SystemSettings};
use crate::model::Capabilities;

#[path = "adapter/mod.rs"]
mod adapter;
#[path = "etcd/mod.rs"]
mod etcd;
#[path = "http/mod.rs"]
mod http;
#[path = "postgres/mod.rs"]
mod postgres;
#[path = "redis/mod.rs"]
mod redis;

pub use self::http::run_worker as run_filters;

#[cfg(test)]
#[path = "fake.rs"]
pub(crate) mod fake;

/// Every kind of systems that labctl can measure, the lab's own first.
pub static KINDS: &[&dyn SystemKind] = &[
    &LabNodeKind,
    &redis::RedisKind,
    &postgres::PostgresKind,
    &etcd::EtcdKind,
    &http::HttpKind,
    &adapter::AdapterKind,
];

/// A list of kinds, as experiments.toml is read with it.
impl SystemKinds for &[&dyn SystemKind] {
    fn names(&self) -> Vec<&'static str> {
        self.iter().map(|kind| kind.name()).collect()
    }

    fn read_settings(&self, kind: &str, fields: &mut Fields<'_>, problems: &mut Problems<'_>) -> SystemSettings {
        find(self, kind).map_or_else(SystemSettings::default, |kind| kind.read_settings(fields, problems))
    }

    fn has_followers_by_quorum(&self, kind: &str) -> bool {
        find(self, kind).is_some_and(SystemKind::has_followers_by_quorum)
    }

    fn check(&self, experiment: &Experiment, misfits: &mut Misfits) -> Option<Capabilities> {
        let kind = find(self, experiment.system.kind.as_str())?;
        configure(kind, experiment, misfits).map(|system| system.capabilities())
    }
}

fn find<'k>(kinds: &[&'k dyn SystemKind], name: &str) -> Option<&'k dyn SystemKind> {
    kinds.iter().find(|kind| kind.name() == name).copied()
}

/// The system of an experiment, and everything that it cannot take.
fn configure(kind: &dyn SystemKind, experiment: &Experiment, misfits: &mut Misfits) -> Option<Arc<dyn System>> {
    let system = kind.configure(experiment, misfits)?;
    checks::check(system.as_ref(), experiment, misfits);
    Some(system)
}

/// Why the system of an experiment cannot be measured.
#[derive(Debug, thiserror::Error)]
pub enum SystemError {
    /// It is of a kind that is not in the list.
    #[error("this labctl knows no system {0}; it can measure {1}")]
    Unknown(String, String),
    /// It cannot take settings of the experiment.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; also "))]
    Misfits(Vec<Misfit>),
}

/// The system that an experiment measures.
///
/// # Errors
/// When it cannot be measured, or not with the settings of the experiment.
pub fn system_of(experiment: &Experiment) -> Result<Arc<dyn System>, SystemError> {
    system_among(KINDS, experiment)
}

/// Whether this machine has what the nodes of an experiment need to run as local processes.
#[must_use]
pub fn presence_of(experiment: &Experiment) -> Presence {
    let system = &experiment.system;
    match find(KINDS, system.kind.as_str()) {
        Some(kind) => kind.presence(&system.settings),
        None => Presence::Missing {
            what: format!("this labctl knows no system {system}"),
            advice: format!("it can measure {}", KINDS.names().join(", ")),
        },
    }
}

/// The system that an experiment measures, if its kind is among `kinds`.
fn system_among(kinds: &[&dyn SystemKind], experiment: &Experiment) -> Result<Arc<dyn System>, SystemError> {
    let name = &experiment.system.kind;
    let Some(kind) = find(kinds, name.as_str()) else {
        return Err(SystemError::Unknown(experiment.system.to_string(), (&kinds).names().join(", ")));
    };
    let mut misfits = Misfits::default();
    let system = configure(kind, experiment, &mut misfits);
    let misfits = misfits.into_vec();
    match system {
        Some(system) if misfits.is_empty() => Ok(system),
        _ => Err(SystemError::Misfits(misfits)),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::config::{BackendChoice, SystemConfig, default_settings};
    use crate::model::{Quorum, SystemName};

    #[test]
    fn each_kind_has_a_name_of_its_own() {
        let names: BTreeSet<&str> = KINDS.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), KINDS.len());
        assert!(names.iter().all(|name| SystemName::try_from((*name).to_owned()).is_ok()));
    }

    #[test]
    fn what_the_command_line_asks_and_the_system_cannot_take_is_one_line() {
        let kind = SystemName::try_from("chain".to_owned()).unwrap();
        let settings = default_settings("chain", &fake::FAKES).unwrap();
        let system = SystemConfig { name: kind.clone(), kind, settings };
        let mut experiment = Experiment { system, ..Experiment::default() };
        assert!(system_among(fake::FAKES, &experiment).is_ok());
        experiment.quorums = vec![Quorum::constant(0)];
        experiment.backend = BackendChoice::Sim;
        assert_eq!(
            system_among(fake::FAKES, &experiment).unwrap_err().to_string(),
            "quorums: a chain acknowledges no write by itself; W must be at least 1; also backend: chain cannot run in \
             virtual time; backend must be \"auto\", \"compose\" or \"process\", not \"sim\""
        );
    }

    #[test]
    fn an_experiment_that_says_no_system_measures_the_labs_node() {
        assert_eq!(
            system_of(&Experiment::default()).map(|system| system.name().to_owned()).ok().as_deref(),
            Some(SystemName::LABNODE)
        );
    }
}
