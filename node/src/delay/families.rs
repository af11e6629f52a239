//! The list of all families of distributions.

use super::distribution::Family;

/// Every family, in the order in which messages name them.
pub static FAMILIES: &[&Family] = &[
    &super::constant::FAMILY,
    &super::uniform::FAMILY,
    &super::exponential::FAMILY,
    &super::lognormal::FAMILY,
    &super::pareto::FAMILY,
    &super::weibull::FAMILY,
    &super::empirical::FAMILY,
    &super::mixture::FAMILY,
];

impl Family {
    /// The family with this name.
    ///
    /// # Errors
    /// If there is no such family; the message lists those that there are.
    pub fn named(name: &str) -> Result<&'static Self, String> {
        FAMILIES.iter().copied().find(|family| family.name == name).ok_or_else(|| {
            let mut names: Vec<&str> = FAMILIES.iter().map(|family| family.name).collect();
            let last = names.pop().unwrap_or_default();
            format!("a distribution must be {} or {last}, not `{}`", names.join(", "), clip(name))
        })
    }
}

/// The beginning of a text that may be long, for an error message.
pub(super) fn clip(text: &str) -> String {
    const MAX_CHARS: usize = 60;
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
