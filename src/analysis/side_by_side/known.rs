//! A figure, or why there is none.

use serde::Serialize;

/// A figure, or the reason why it is withheld, as a clause without a full stop.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Known_of_{T}"))]
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Known<T> {
    /// The figure.
    Value(T),
    /// There is none.
    Withheld {
        /// Why.
        withheld: String,
    },
}

impl<T> Known<T> {
    /// The figure, or this reason.
    pub(super) fn or(value: Option<T>, why: impl FnOnce() -> String) -> Self {
        value.map_or_else(|| Self::Withheld { withheld: why() }, Self::Value)
    }

    /// The figure.
    pub const fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Withheld { .. } => None,
        }
    }

    /// Why there is none.
    pub fn withheld(&self) -> Option<&str> {
        match self {
            Self::Value(_) => None,
            Self::Withheld { withheld } => Some(withheld),
        }
    }
}
