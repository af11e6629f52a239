//! What placeholders in requests stand for.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The placeholders of a write.
pub(super) const OF_A_WRITE: [&str; 4] = ["key", "value", "write", "quorum"];
/// The placeholders of a read.
pub(super) const OF_A_READ: [&str; 2] = ["key", "quorum"];
/// The placeholders of every other request.
pub(super) const OF_ANY: [&str; 1] = ["quorum"];
/// What follows the name of a placeholder that becomes a number in JSON.
const NUMBER: &str = "_number}";

/// What stays as it is in a path, a query and a form (RFC 3986, unreserved characters).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What placeholders stand for in one request.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RequestValues<'a> {
    /// The key.
    pub(super) key: &'a str,
    /// The value.
    pub(super) value: &'a str,
    /// The write's number in the plan.
    pub(super) write: u64,
    /// The number that the system is told for W.
    pub(super) quorum: u32,
}

impl RequestValues<'_> {
    /// What a placeholder stands for. Empty for one that is unknown.
    pub(super) fn get(&self, placeholder: &str) -> String {
        match placeholder {
            "key" => self.key.to_owned(),
            "value" => self.value.to_owned(),
            "write" => self.write.to_string(),
            "quorum" => self.quorum.to_string(),
            _ => String::new(),
        }
    }

    /// The number that a text of JSON stands for. `None` if it stands for a text.
    pub(super) fn number(&self, text: &str) -> Option<u64> {
        match number_named(text)? {
            "quorum" => Some(self.quorum.into()),
            "write" => Some(self.write),
            _ => None,
        }
    }
}

/// The placeholder of which a text of JSON is the number: `quorum` of `{quorum_number}`.
pub(super) fn number_named(text: &str) -> Option<&str> {
    let name = text.strip_prefix('{')?.strip_suffix(NUMBER)?;
    ["quorum", "write"].contains(&name).then_some(name)
}

/// A text as it stands in a path, a query or a form.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}
