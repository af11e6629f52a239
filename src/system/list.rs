//! Every system that labctl can measure.

use super::labnode::LabNode;
use super::traits::System;
use crate::config::Experiment;

/// Every system that labctl can measure, the lab's own first.
pub static SYSTEMS: &[&dyn System] = &[&LabNode];

/// The system that an experiment measures.
#[must_use]
pub fn system_of(experiment: &Experiment) -> &'static dyn System {
    let name = experiment.system.as_str();
    // A test holds the names that can be read against this list.
    SYSTEMS.iter().find(|system| system.name() == name).copied().unwrap_or(SYSTEMS[0])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_system_has_a_name_of_its_own() {
        let names: BTreeSet<&str> = SYSTEMS.iter().map(|system| system.name()).collect();
        assert_eq!(names.len(), SYSTEMS.len());
    }

    #[test]
    fn every_name_that_an_experiment_can_have_is_in_the_list() {
        let names: Vec<&str> = SYSTEMS.iter().map(|system| system.name()).collect();
        assert_eq!(names, crate::model::SystemName::KNOWN);
    }
}
