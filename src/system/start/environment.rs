//! `[system.NAME.environment]`: the variables of a node.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::placeholders::ALL;
use super::read;
use super::template::Template;
use crate::config::{Fields, Problems, Setting};

/// The variables that a node is given, as templates by name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Environment(BTreeMap<String, Template>);

impl Environment {
    /// The variables `(name, template)` of a preset.
    ///
    /// # Panics
    /// When one of the templates is wrong: they are constants.
    #[expect(clippy::expect_used, reason = "whether a constant is a template is decided where it is written")]
    pub(in crate::system) fn preset(variables: &[(&str, &str)]) -> Self {
        let read = |text| Template::parse(text, &ALL).expect("the template of a preset");
        Self(variables.iter().map(|(name, text)| ((*name).to_owned(), read(text))).collect())
    }

    /// The template of a variable.
    pub(in crate::system) fn get(&self, name: &str) -> Option<&Template> {
        self.0.get(name)
    }

    /// Every variable by name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Template)> {
        self.0.iter().map(|(name, template)| (name.as_str(), template))
    }
}

impl Setting for Environment {
    fn read(fields: &mut Fields<'_>, key: &'static str, default: Self, problems: &mut Problems<'_>) -> Self {
        let mut table = fields.table(key, problems);
        let mut variables = default.0;
        for (name, value) in std::mem::take(&mut table.table) {
            let (path, name_span) = (format!("{}{}", table.path, name.get_ref()), name.span());
            let name = name.into_inner().into_owned();
            if name.is_empty() || name.contains(['=', '\0']) {
                problems.add(name_span, format!("{name:?} is no name of a variable: it is empty or has a = in it"));
            } else if let Some(template) = read::template(&value, &path, &ALL, problems) {
                variables.insert(name, template);
            }
        }
        Self(variables)
    }
}
