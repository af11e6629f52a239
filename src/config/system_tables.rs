//! `[system.NAME]`: systems under test that differ from their kind's defaults.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;

use toml::de::DeValue;

use super::experiment::Experiment;
use super::kinds::{Misfits, SystemKinds};
use super::reader::{Fields, Problems, Size};
use super::system::{SystemConfig, SystemSettings};
use crate::model::{Capabilities, SystemName, one_of};

/// The systems of a file: its tables, and the kinds that need none.
pub(super) struct SystemTables<'k> {
    kinds: &'k dyn SystemKinds,
    pub(super) tables: BTreeMap<SystemName, SystemConfig>,
    /// Names of tables that are wrong: experiments of them are not blamed for that.
    unusable: Vec<String>,
}

impl<'k> SystemTables<'k> {
    /// Reads every table, also those that no experiment uses.
    pub(super) fn read(fields: &mut Fields<'_>, kinds: &'k dyn SystemKinds, problems: &mut Problems<'_>) -> Self {
        let mut systems = Self { kinds, tables: BTreeMap::new(), unusable: Vec::new() };
        let mut tables = fields.table("system", problems);
        for (key, value) in std::mem::take(&mut tables.table) {
            let name = match SystemName::try_from(key.get_ref().to_string()) {
                Ok(name) => name,
                Err(message) => {
                    problems.add(key.span(), message);
                    systems.unusable.push(key.get_ref().to_string());
                    continue;
                }
            };
            let mut table = tables.nested(value, format!("system.{name}."), problems);
            let Some(kind) = systems.read_kind(&name, &mut table, problems) else {
                // Its keys depend on its kind.
                systems.unusable.push(name.to_string());
                continue;
            };
            let settings = sound(problems, |problems| {
                let settings = kinds.read_settings(kind.as_str(), &mut table, problems);
                table.finish(problems);
                settings
            });
            let Some(mut settings) = settings else {
                systems.unusable.push(name.to_string());
                continue;
            };
            settings.set_places(problems.places_below(&format!("system.{name}.")));
            systems.tables.insert(name.clone(), SystemConfig { name, kind, settings });
        }
        systems
    }

    /// The kind of a table; its name is one, or it says one.
    fn read_kind(&self, name: &SystemName, table: &mut Fields<'_>, problems: &mut Problems<'_>) -> Option<SystemName> {
        let kinds = self.kinds.names();
        let own = kinds.contains(&name.as_str()).then(|| name.clone());
        let Some(value) = table.take("kind") else {
            if own.is_none() {
                let message = format!("{}kind is missing; it must be {}", table.path, one_of(&kinds));
                problems.add(table.span.clone(), message);
            }
            return own;
        };
        let span = value.span();
        problems.record(format!("{}kind", table.path), span.clone());
        let kind = value.get_ref().as_str().filter(|kind| kinds.contains(kind)).map(str::to_owned);
        let accepted = match &own {
            Some(own) if kind.as_deref().is_none_or(|kind| kind != own.as_str()) => {
                format!("\"{own}\", the kind of which the table has the name; give another kind another name")
            }
            None if kind.is_none() => one_of(&kinds),
            _ => return SystemName::try_from(kind?).ok(),
        };
        let shown = problems.shown(&span);
        problems.add(span, format!("{}kind must be {accepted}, not {shown}", table.path));
        None
    }

    /// The system that an experiment says, or the lab's node if it says none. `None` if there is
    /// no such system, which is reported.
    pub(super) fn choose(&self, experiment: &mut Fields<'_>, problems: &mut Problems<'_>) -> Option<SystemConfig> {
        let (kinds, default) = (self.kinds.names(), SystemConfig::default());
        let Some(value) = experiment.take("system") else {
            return Some(self.tables.get(&default.name).cloned().unwrap_or(default));
        };
        let span = value.span();
        let name = value.get_ref().as_str().unwrap_or_default();
        let tables = self.tables.keys().map(SystemName::as_str);
        let mut accepted: Vec<&str> = tables.chain(kinds.iter().copied()).collect();
        accepted.sort_unstable();
        accepted.dedup();
        problems.record(format!("{}system", experiment.path), span.clone());
        if self.unusable.iter().any(|unusable| unusable == name) {
            return None;
        }
        if !accepted.contains(&name) || !matches!(value.get_ref(), DeValue::String(_)) {
            let shown = problems.shown(&span);
            let message = format!("{}system must be {}, not {shown}", experiment.path, one_of(&accepted));
            problems.add(span, message);
            return None;
        }
        let name = SystemName::try_from(name.to_owned()).ok()?;
        let table = self.tables.get(&name).cloned();
        table.or_else(|| self.without_a_table(name, span, experiment, problems))
    }

    /// A kind with its defaults. `None` if it needs a table, which is reported at `span`.
    fn without_a_table(
        &self,
        kind: SystemName,
        span: Range<usize>,
        experiment: &Fields<'_>,
        problems: &mut Problems<'_>,
    ) -> Option<SystemConfig> {
        let mut empty = Fields::empty(span, format!("system.{kind}."), experiment.size);
        let settings = sound(problems, |problems| self.kinds.read_settings(kind.as_str(), &mut empty, problems))?;
        Some(SystemConfig { name: kind.clone(), kind, settings })
    }

    /// Whether experiments of a system may leave the number of followers out: it then follows from each quorum.
    pub(super) fn has_followers_by_quorum(&self, system: &SystemConfig) -> bool {
        self.kinds.has_followers_by_quorum(system.kind.as_str())
    }

    /// Reports the settings that an experiment's system cannot take. `path` leads to the experiment.
    /// Returns what the system lets be seen and done, or `None` if it cannot be configured.
    pub(super) fn check(
        &self,
        path: &str,
        experiment: &Experiment,
        problems: &mut Problems<'_>,
    ) -> Option<Capabilities> {
        let mut misfits = Misfits::default();
        let capabilities = self.kinds.check(experiment, &mut misfits);
        let name = &experiment.system.name;
        for misfit in misfits.into_vec() {
            let (shown, message) = (misfit.shown_key(), &misfit.message);
            let (place, shown) = match misfit.key.strip_prefix("system.") {
                Some(key) if self.tables.contains_key(name) => {
                    (format!("system.{name}.{key}"), format!("system.{name}.{}", &shown["system.".len()..]))
                }
                _ => (format!("{path}{}", misfit.key), format!("{path}{shown}")),
            };
            problems.add_at(&place, format!("{shown}: {message}"));
        }
        capabilities
    }
}

/// What `read` makes of a part of a file. `None` if it reported a problem.
fn sound<'i, T>(problems: &mut Problems<'i>, read: impl FnOnce(&mut Problems<'i>) -> T) -> Option<T> {
    let before = problems.found.len();
    let value = read(problems);
    (problems.found.len() == before).then_some(value)
}

/// An experiment of a system, with the defaults of its kind.
#[must_use]
pub fn default_experiment(system: SystemConfig, kinds: &dyn SystemKinds) -> Experiment {
    let by_quorum = kinds.has_followers_by_quorum(system.kind.as_str());
    let default = Experiment { system, ..Experiment::default() };
    if by_quorum { default.with_followers_by_quorum(None) } else { default }
}

/// The settings of a kind without a table. `None` if it needs one.
#[must_use]
pub fn default_settings(kind: &str, kinds: &dyn SystemKinds) -> Option<SystemSettings> {
    let lab = Experiment::default();
    let size = Size { followers: lab.followers, writes: lab.workload.writes.get() };
    let mut problems = Problems::new("", &|_| Err(io::ErrorKind::NotFound.into()));
    let mut empty = Fields::empty(0..0, String::new(), size);
    sound(&mut problems, |problems| kinds.read_settings(kind, &mut empty, problems))
}
