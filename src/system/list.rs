//! Every system that labctl can measure.

use super::labnode::LabNode;
use super::traits::System;
use crate::config::Experiment;

/// Every system that labctl can measure, the lab's own first.
pub static SYSTEMS: &[&dyn System] = &[&LabNode];

/// The system that an experiment measures: so far always the lab's.
#[must_use]
pub fn system_of(_: &Experiment) -> &'static dyn System {
    SYSTEMS[0]
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
}
