//! The command that runs one node as a local process.

use serde::{Deserialize, Serialize};
use toml::de::DeValue;

use super::placeholders::{ALL, OF_THE_NODE};
use super::read;
use super::template::Template;
use crate::config::{Fields, Problems, Setting};

/// A program and its arguments; empty if the nodes do not start by a command.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct NodeCommand(Vec<Template>);

impl NodeCommand {
    /// Whether there is one.
    pub(super) fn is_given(&self) -> bool {
        !self.0.is_empty()
    }

    /// The program, and its arguments. `None` if there is no command.
    pub(super) fn parts(&self) -> Option<(&Template, &[Template])> {
        self.0.split_first()
    }

    /// The program and the arguments.
    pub(super) fn words(&self) -> &[Template] {
        &self.0
    }
}

impl Setting for NodeCommand {
    fn read(fields: &mut Fields<'_>, key: &'static str, default: Self, problems: &mut Problems<'_>) -> Self {
        let Some(value) = fields.take(key) else { return default };
        let (span, path) = (value.span(), format!("{}{key}", fields.path));
        problems.record(path.clone(), span.clone());
        let words = match value.get_ref() {
            DeValue::Array(words) if !words.is_empty() => words,
            _ => {
                let shown = problems.shown(&span);
                let message = format!("{path} must be a list of texts in brackets, the program first, not {shown}");
                problems.add(span, message);
                return default;
            }
        };
        let read = words.iter().enumerate().map(|(index, word)| {
            // The program is looked for before any port is known.
            let known = if index == 0 { &OF_THE_NODE[..] } else { &ALL };
            read::template(word, &format!("{path}[{index}]"), known, problems)
        });
        let read: Vec<Option<Template>> = read.collect();
        if read.first().is_some_and(|program| program.as_ref().is_some_and(|program| program.to_string().is_empty())) {
            problems.add(words[0].span(), format!("{path}: the program must not be empty"));
        }
        read.into_iter().collect::<Option<Vec<_>>>().map_or(default, Self)
    }
}
