//! Why figures are missing, as numbered notes below a table.

use crate::analysis::Known;
use crate::report::number::NONE;

/// Reasons why there are no figures, each with its number.
#[derive(Default)]
pub(super) struct Reasons(Vec<String>);

impl Reasons {
    /// What stands in place of a figure.
    pub(super) fn refer(&mut self, why: &str) -> String {
        let index = self.0.iter().position(|known| known == why).unwrap_or_else(|| {
            self.0.push(why.to_owned());
            self.0.len() - 1
        });
        format!("{NONE} [{}]", index + 1)
    }

    /// A figure, or the number of the reason why there is none.
    pub(super) fn cell<T>(&mut self, of: &Known<T>, format: impl FnOnce(&T) -> String) -> String {
        match of {
            Known::Value(value) => format(value),
            Known::Withheld { withheld } => self.refer(withheld),
        }
    }

    /// The same of a figure that does not say why it is missing.
    pub(super) fn optional<T>(&mut self, of: Option<T>, format: impl FnOnce(T) -> String, why: &str) -> String {
        of.map_or_else(|| self.refer(why), format)
    }

    /// The reasons in the order of their numbers.
    pub(super) fn notes(self) -> Vec<String> {
        (1..).zip(self.0).map(|(number, why)| format!("[{number}] {why}.")).collect()
    }
}
